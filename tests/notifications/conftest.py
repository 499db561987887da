"""The notifications service in this process, its neighbours, clients of several partners, and a mail server that follows a script.

`service` is the whole application on a fresh database. `service.neighbours` says facts and `await service.hear()` applies them;
`await service.send()` sends what is due to `service.server`. The clock of the sender stands still unless a test moves it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from services.notifications.alerts.handlers import HANDLERS as ALERTS
from services.notifications.app import build
from services.notifications.directory.handlers import HANDLERS as DIRECTORY
from services.notifications.mail.sender import Sender
from services.notifications.models import Model
from services.notifications.settings import NotificationsSettings
from shared.applying import Application
from shared.auth import PLATFORM, Caller, Issuer, Verifier
from shared.bus.postgres import PostgresBus
from shared.db import Database, new_id
from shared.events import Envelope
from shared.inbox import read
from shared.loop import Wake
from shared.migrations import mechanism_tables
from shared.process import Runtime
from shared.signing import LocalKeys, new_key
from shared.telemetry import Telemetry
from tests.fixtures.postgres import NewDatabase
from tests.notifications.neighbours import Neighbours, message
from tests.notifications.smtpserver import MailServer

ISSUER = "http://partners.test"
ADDRESS = "http://notifications.test"
KEY = new_key()
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language": "es-CO,es;q=0.9,en;q=0.8"}
_offsets = itertools.count(1)


class PartnerClient(httpx.AsyncClient):
    """An HTTP client that speaks for a partner; a POST gets an Idempotency-Key of its own unless it has one."""

    async def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        headers = httpx.Headers(more.pop("headers", None))
        if method.upper() == "POST" and "idempotency-key" not in headers:
            headers["Idempotency-Key"] = new_id()
        return await super().request(method, url, headers=headers, **more)


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, passed: timedelta) -> None:
        self.now += passed


@dataclass(repr=False)
class NotificationsService:
    """The application on a fresh database, what it hears, who talks to it and where its mails go."""

    app: FastAPI
    runtime: Runtime
    server: MailServer
    clock: Clock
    neighbours: Neighbours
    opened: list[PartnerClient] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)

    @property
    def operator(self) -> PartnerClient:
        """A client of the platform's operator."""
        return self.client_of(PLATFORM, "read write admin")

    @property
    def browser(self) -> PartnerClient:
        """Somebody's browser, in Spanish."""
        return self.client_with(BROWSER)

    def client_of(self, partner: str, scopes: str = "read write", secret: int | None = None) -> PartnerClient:
        """A client with a token of this partner, which it got with this secret."""
        issuer = Issuer(ISSUER, "interurbe", timedelta(minutes=10))
        caller = Caller(f"client of {partner}", partner, frozenset(scopes.split()), secret=secret)
        token = issuer.issue(KEY, caller, datetime.now(UTC))
        return self.client_with({"Authorization": f"Bearer {token}"})

    def client_with(self, headers: dict[str, str]) -> PartnerClient:
        """A client that sends these headers; what goes wrong in the application is answered, never raised here."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = PartnerClient(transport=transport, base_url=ADDRESS, headers=headers)
        self.opened.append(client)
        return client

    async def hear(self, envelopes: Sequence[Envelope] | None = None) -> None:
        """Apply these facts (what the neighbours said since the last time, unless given) in both rooms that listen."""
        heard = self.neighbours.take() if envelopes is None else envelopes
        items = [read(message(envelope, next(_offsets))) for envelope in heard]
        for name, handlers in (("notifications.directory", DIRECTORY), ("notifications.alerts", ALERTS)):
            await Application(name, self.runtime, handlers).apply(items)

    def sender(self) -> Sender:
        """A sender to the test's own mail server, on the test's own clock; the settings are read anew."""
        assert isinstance(self.runtime.settings, NotificationsSettings)
        settings = self.runtime.settings.model_copy(update={"smtp_port": self.server.port})
        made = Sender(self.runtime.database, settings, self.runtime.telemetry, clock=self.clock)
        self.senders.append(made)
        return made

    async def send(self, sender: Sender | None = None) -> Sender:
        """Send until there is nothing to do now."""
        sender = sender or (self.senders[-1] if self.senders else self.sender())
        while await sender.step():
            pass
        return sender

    async def subscriber(self, email: str, partner: str, language: str = "es", *wishes: dict[str, Any]) -> str:
        """Somebody brought here by a partner, who has said yes; with these subscriptions, or one for everything. The id."""
        client = self.client_of(partner)
        body = {"email": email, "language": language}
        subscriber = str((await client.post("/v1/subscribers", json=body)).raise_for_status().json()["id"])
        await self.send()
        await self.browser.post(self.link("confirm", email))
        for wish in wishes or ({},):
            (await client.post(f"/v1/subscribers/{subscriber}/subscriptions", json=wish)).raise_for_status()
        self.server.mails.clear()
        self.neighbours.now = datetime.now(UTC)
        return subscriber

    def link(self, kind: str, email: str) -> str:
        """The path of the latest link of this kind (confirm, unsubscribe, preferences) in the mails to an address."""
        found = [link for mail in self.server.to(email) for link in re.findall(rf"{ADDRESS}(/{kind}/\S+)", mail.body())]
        return str(found[-1])

    async def messages(self, **filters: str) -> list[dict[str, Any]]:
        """The messages as the operator lists them, oldest first."""
        answer = await self.operator.get("/v1/messages", params=filters)
        return list(reversed(answer.raise_for_status().json()["items"]))

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, in the order of its primary key."""
        known = {**Model.metadata.tables, **mechanism_tables().tables}[table]
        async with self.runtime.database.reader() as reader:
            return [dict(row) for row in (await reader.execute(select(known).order_by(*known.primary_key))).mappings()]


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A mail server that takes everything, until a test gives it a script."""
    made = MailServer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def settings(new_database: NewDatabase, tmp_path: Path) -> NotificationsSettings:
    """The settings of the service under test; no test here needs a log of its own."""
    url = new_database("notifications", Model.metadata, mechanism_tables())
    return NotificationsSettings.model_validate(
        {
            "database_url": url, "log_url": url, "issuer": ISSUER, "public_url": ADDRESS,
            "initiatives_url": "http://initiatives.test", "traces_dir": tmp_path / "traces", "mail_connections": 4,
        }
    )  # fmt: skip


@pytest.fixture
async def runtime(settings: NotificationsSettings) -> AsyncIterator[Runtime]:
    """A runtime on a fresh database with all tables; the bus is not started, for what is heard is handed over."""
    # Many that ask at once wait for five connections: on a slow machine longer than a service would have them wait.
    database = Database(settings.database_url.get_secret_value(), pool_size=5, application="tests", pool_timeout=60.0)
    assert settings.log_url is not None
    telemetry = Telemetry("notifications", settings)
    telemetry.take_spans()
    bus = PostgresBus(settings.log_url.get_secret_value())
    made = Runtime(settings=settings, database=database, bus=bus, wake=Wake(), telemetry=telemetry)
    made.verifier = Verifier(ISSUER, "interurbe", LocalKeys(KEY))
    yield made
    await database.close()
    telemetry.close()


@pytest.fixture
async def service(runtime: Runtime, server: MailServer) -> AsyncIterator[NotificationsService]:
    """The service, with nothing heard yet."""
    now = datetime.now(UTC)
    made = NotificationsService(build(runtime), runtime, server, Clock(now + timedelta(minutes=1)), Neighbours(now))
    yield made
    for client in made.opened:
        await client.aclose()
    for sender in made.senders:
        await sender.close()
