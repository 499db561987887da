"""The initiatives service in this process, what its neighbour says, and clients of several partners that talk HTTP to it.

`service` is the whole application on a fresh database. `service.neighbour` says facts of the partners service and
`await service.hear()` applies them. `service.client_of(partner)` is an httpx client with a token of that partner;
`service.operator` is the platform's. Every POST gets an Idempotency-Key of its own unless the test sends one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from services.initiatives.app import build
from services.initiatives.commitments.handlers import HANDLERS as COMMITMENTS
from services.initiatives.directory.entitlements.handlers import HANDLERS as ENTITLEMENTS
from services.initiatives.directory.handlers import HANDLERS as DIRECTORY
from services.initiatives.models import Model
from services.initiatives.settings import InitiativesSettings
from shared.applying import Application
from shared.auth import PLATFORM, Caller, Issuer, Verifier
from shared.bus.postgres import PostgresBus
from shared.db import Database, new_id
from shared.events import Envelope
from shared.inbox import read
from shared.loop import Wake
from shared.migrations import mechanism_tables
from shared.outbox import outbox
from shared.process import Runtime
from shared.signing import LocalKeys, new_key
from shared.sweeping import Sweep
from shared.telemetry import Telemetry
from tests.fixtures.postgres import NewDatabase
from tests.initiatives.neighbour import Neighbour, message

ISSUER = "http://partners.test"
ADDRESS = "http://initiatives.test"
KEY = new_key()
USUAL = "read write sign"
_offsets = itertools.count(1)
ROOMS = {"initiatives.directory": DIRECTORY, "initiatives.directory.entitlements": ENTITLEMENTS, "initiatives.commitments": COMMITMENTS}


class PartnerClient(httpx.AsyncClient):
    """An HTTP client that speaks for a partner."""

    async def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        """Send the request; a POST gets an Idempotency-Key of its own unless it has one."""
        headers = httpx.Headers(more.pop("headers", None))
        if method.upper() == "POST" and "idempotency-key" not in headers:
            headers["Idempotency-Key"] = new_id()
        return await super().request(method, url, headers=headers, **more)


@dataclass
class InitiativesService:
    """The application on a fresh database, what it hears and who talks to it."""

    app: FastAPI
    runtime: Runtime
    neighbour: Neighbour = field(default_factory=Neighbour)
    opened: list[PartnerClient] = field(default_factory=list)

    @property
    def operator(self) -> PartnerClient:
        """A client of the platform's operator."""
        return self.client_of(PLATFORM, "read write admin")

    def client_of(self, partner: str, scopes: str = USUAL, secret: int | None = None) -> PartnerClient:
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
        """Apply these facts (what the neighbour said since the last time, unless given) in all rooms that listen."""
        heard = self.neighbour.take() if envelopes is None else envelopes
        items = [read(message(envelope, next(_offsets))) for envelope in heard]
        for name, handlers in ROOMS.items():
            application = Application(name, self.runtime, handlers)
            await application.together(items)
            await Sweep(name, self.runtime, application).apply()

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, in the order of its primary key."""
        known = Model.metadata.tables[table]
        async with self.runtime.database.reader() as reader:
            return [dict(row) for row in (await reader.execute(select(known).order_by(*known.primary_key))).mappings()]

    async def facts(self, subject: str = "") -> list[dict[str, Any]]:
        """The facts recorded so far, oldest first: outbox columns, `headers` as a dictionary, and `data`; of one subject if named."""
        asked = select(outbox).order_by(outbox.c.seq)
        async with self.runtime.database.reader() as reader:
            rows = (await reader.execute(asked.where(outbox.c.subject == subject) if subject else asked)).mappings().all()
        return [{**row, "headers": dict(row["headers"]), "data": json.loads(row["payload"])} for row in rows]


@pytest.fixture
def settings(new_database: NewDatabase, tmp_path: Path) -> InitiativesSettings:
    """The settings of the service under test; a test that wants a bus puts one into the runtime."""
    url = new_database("initiatives", Model.metadata, mechanism_tables())
    return InitiativesSettings.model_validate(
        {
            "database_url": url,
            "log_url": url,
            "issuer": ISSUER,
            "public_url": ADDRESS,
            "traces_dir": tmp_path / "traces",
        }
    )


@pytest.fixture
async def runtime(settings: InitiativesSettings) -> AsyncIterator[Runtime]:
    """A runtime on a fresh database with all tables; the bus is not started, for what is heard is handed over."""
    # Many that ask at once wait for five connections: on a slow machine longer than a service would have them wait.
    database = Database(settings.database_url.get_secret_value(), pool_size=5, application="tests", pool_timeout=60.0)
    telemetry = Telemetry("initiatives", settings)
    bus = PostgresBus(settings.database_url.get_secret_value())
    made = Runtime(settings=settings, database=database, bus=bus, wake=Wake(), telemetry=telemetry)
    made.verifier = Verifier(ISSUER, "interurbe", LocalKeys(KEY))
    yield made
    await database.close()
    telemetry.close()


@pytest.fixture
async def service(runtime: Runtime) -> AsyncIterator[InitiativesService]:
    """The service, with nothing heard yet."""
    made = InitiativesService(build(runtime), runtime)
    yield made
    for client in made.opened:
        await client.aclose()
