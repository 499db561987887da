"""The partners service in this process, and clients of several partners that talk HTTP to it.

`service` is the whole application on a fresh database. `await service.client_of("city", country="CO")` registers a partner of that
kind and gives an httpx client with a token of it; `client.partner` is its id. `service.operator` is the operator's client.
Every POST gets an Idempotency-Key of its own unless the test sends one. `await service.facts()` are the facts recorded so far.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from services.partners.app import build
from services.partners.models import Model
from services.partners.settings import PartnersSettings
from services.partners.worker import loops
from shared.bus.postgres import PostgresBus
from shared.db import Database, new_id
from shared.due import DueLoop
from shared.loop import Wake
from shared.migrations import mechanism_tables
from shared.outbox import outbox
from shared.process import Runtime
from shared.telemetry import Telemetry
from tests.fixtures.postgres import NewDatabase

BOOTSTRAP_SECRET = "bootstrap-secret-of-a-test"
ADDRESS = "http://partners.test"
_names = itertools.count(1)


class PartnerClient(httpx.AsyncClient):
    """An HTTP client that speaks for one partner; `partner` is its id (empty for the operator)."""

    partner: str = ""

    async def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        """Send the request; a POST gets an Idempotency-Key of its own unless it has one."""
        headers = httpx.Headers(more.pop("headers", None))
        if method.upper() == "POST" and "idempotency-key" not in headers:
            headers["Idempotency-Key"] = new_id()
        return await super().request(method, url, headers=headers, **more)


@dataclass
class PartnersService:
    """The application on a fresh database, and who talks to it."""

    app: FastAPI
    runtime: Runtime
    operator: PartnerClient
    anyone: PartnerClient
    opened: list[PartnerClient] = field(default_factory=list)

    async def act(self, now: datetime) -> int:
        """Do everything that is due at `now`; how many things were done."""
        due = next(loop for loop in loops(self.runtime) if isinstance(loop, DueLoop))
        return await due.step(now)

    async def facts(self, subject: str = "") -> list[dict[str, Any]]:
        """The facts recorded so far, oldest first: `type`, `subject`, `sequence`, `headers`, `data`; of one subject if named."""
        asked = select(outbox).order_by(outbox.c.seq)
        async with self.runtime.database.reader() as reader:
            rows = (await reader.execute(asked.where(outbox.c.subject == subject) if subject else asked)).mappings().all()
        return [{**row, "headers": dict(row["headers"]), "data": json.loads(row["payload"])} for row in rows]

    async def register(self, kind: str = "city", **said: Any) -> dict[str, Any]:
        """Register a partner; whatever is not said is made up."""
        number = next(_names)
        profile = {"kind": kind, "names": {"es": f"{kind} número {number}"}, "country": "CO", "timezone": "America/Bogota"}
        answer = await self.operator.post("/v1/partners", json=profile | {"languages": ["es"]} | said)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def client_of(self, kind: str = "city", scopes: str = "read write sign", **said: Any) -> PartnerClient:
        """Register a partner of this kind and open a client of it."""
        return await self.client_for((await self.register(kind, **said))["id"], scopes)

    async def client_for(self, partner: str | None, scopes: str = "read write sign") -> PartnerClient:
        """Open a client of a partner that is registered already; None is the operator's own."""
        made = await self.operator.post("/v1/clients", json={"partner": partner, "name": "test", "scopes": scopes.split()})
        assert made.status_code == 201, made.text
        return await self.enter(made.json()["id"], made.json()["secret"], partner or "")

    async def enter(self, client_id: str, secret: str, partner: str = "") -> PartnerClient:
        """Open a client that sends a token for these credentials."""
        answer = await self.anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
        assert answer.status_code == 200, answer.text
        client = client_on(self.app, {"Authorization": f"Bearer {answer.json()['access_token']}"})
        client.partner = partner
        self.opened.append(client)
        return client


def client_on(app: FastAPI, headers: dict[str, str] | None = None) -> PartnerClient:
    """A client of the application in this process; what goes wrong in the application is answered, never raised here."""
    return PartnerClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=ADDRESS, headers=headers)


@pytest.fixture
def settings(new_database: NewDatabase, tmp_path: Path) -> PartnersSettings:
    """The settings of the service under test, whose database has its tables."""
    url = new_database("partners", Model.metadata, mechanism_tables())
    return PartnersSettings.model_validate(
        {
            "database_url": url,
            "log_url": url,  # nothing here sends, so a second database would be made for nothing
            "issuer": ADDRESS,
            "public_url": ADDRESS,
            "traces_dir": tmp_path / "traces",
            "bootstrap_client_secret": BOOTSTRAP_SECRET,
        }
    )


@pytest.fixture
async def runtime(settings: PartnersSettings) -> AsyncIterator[Runtime]:
    """A runtime on a fresh database with all tables; the bus is not started, for nothing here sends."""
    # Many that ask at once wait for five connections: on a slow machine longer than a service would have them wait.
    database = Database(settings.database_url.get_secret_value(), pool_size=5, application="tests", pool_timeout=60.0)
    assert settings.log_url is not None
    telemetry = Telemetry("partners", settings)
    bus = PostgresBus(settings.log_url.get_secret_value())
    yield Runtime(settings=settings, database=database, bus=bus, wake=Wake(), telemetry=telemetry)
    await database.close()
    telemetry.close()


@pytest.fixture
async def service(runtime: Runtime) -> AsyncIterator[PartnersService]:
    """The service, founded: it has keys and its operator a client."""
    app = build(runtime)
    for loop in runtime.loops:
        await loop.step()
    anyone = client_on(app)
    made = PartnersService(app, runtime, anyone, anyone)
    made.operator = await made.enter("bootstrap", BOOTSTRAP_SECRET)
    yield made
    for client in {*made.opened, anyone}:
        await client.aclose()
