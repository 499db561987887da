"""Keys that sign tokens follow one another while systems call all three services without a pause: not one request is refused."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from services.initiatives.app import build as build_initiatives
from services.initiatives.models import Model as InitiativesModel
from services.initiatives.settings import InitiativesSettings
from services.notifications.app import build as build_notifications
from services.notifications.models import Model as NotificationsModel
from services.notifications.settings import NotificationsSettings
from services.partners.access.models import TOKEN_LIFE, SigningKey
from services.partners.access.views import FRESH
from services.partners.app import build as build_partners
from services.partners.models import Model as PartnersModel
from services.partners.settings import PartnersSettings
from shared.auth import Verifier
from shared.bus.postgres import PostgresBus
from shared.db import Database, new_id
from shared.http import RemoteKeys
from shared.loop import Wake
from shared.migrations import mechanism_tables
from shared.process import Runtime
from shared.telemetry import Telemetry
from tests.fixtures.postgres import NewDatabase

ISSUER, SECRET = "http://partners.test", "bootstrap-secret-of-a-test"
CALLERS, ROTATIONS = 20, 2
HOUR = timedelta(hours=1)
ROOMS = {"partners": "/v1/partners", "initiatives": "/v1/exchanges", "notifications": "/v1/messages"}
MADE: dict[str, tuple[Any, Any, Any]] = {
    "partners": (PartnersSettings, PartnersModel, build_partners),
    "initiatives": (InitiativesSettings, InitiativesModel, build_initiatives),
    "notifications": (NotificationsSettings, NotificationsModel, build_notifications),
}


@dataclass
class Callers:
    """Systems that call every service, each with a token of its own that it keeps for a few turns."""

    apps: dict[str, FastAPI]
    http: dict[str, httpx.AsyncClient]
    database: Database
    now: float = 0.0
    over: bool = False
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    holding: dict[int, str] = field(default_factory=dict)
    turned: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def token(self) -> str:
        """A fresh token."""
        answer = await self.http["partners"].post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("bootstrap", SECRET))
        self.answers["token", answer.status_code] += 1
        return str(answer.json().get("access_token", "."))

    async def call(self, name: str, token: str) -> None:
        """Ask a service something with this token."""
        answer = await self.http[name].get(ROOMS[name], headers={"Authorization": f"Bearer {token}"})
        self.answers[name, answer.status_code] += 1

    async def work(self, number: int, oldest: str) -> None:
        """Call each with a token of one's own, and one of them with the oldest there is, which lives on through every rotation."""
        while not self.over:
            token = await self.token()
            self.holding[number] = kid_of(token)
            for name in ROOMS:
                await self.call(name, token)
            await self.call(list(ROOMS)[number % len(ROOMS)], oldest)
            async with self.turned:
                self.turned.notify_all()

    async def all_hold(self, kid: str) -> None:
        """Returns once each has called with a token that this key signed."""
        async with self.turned:
            await self.turned.wait_for(lambda: len(self.holding) == CALLERS and set(self.holding.values()) == {kid})

    async def rotate(self) -> dict[str, Any]:
        """Let an hour pass for the keys and for those who keep them, and rotate; the keys by their state (the retired one the latest)."""
        async with self.database.session() as session:
            await session.execute(update(SigningKey).values(published_at=SigningKey.published_at - HOUR))
            await session.commit()
        self.now += HOUR.total_seconds()
        headers = {"Authorization": f"Bearer {await self.token()}", "Idempotency-Key": new_id()}
        answer = await self.http["partners"].post("/v1/keys/rotate", headers=headers)
        assert answer.status_code == 200, answer.text
        return {key["state"]: key for key in sorted(answer.json()["keys"], key=lambda key: key["published_until"] or "")}


def kid_of(token: str) -> str:
    """The key that signed the token."""
    head = token.partition(".")[0]
    return str(json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


async def started(name: str, url: str, traces: Path) -> tuple[FastAPI, Runtime]:
    """A service in this process, on a fresh database."""
    settings_of, model, build = MADE[name]
    said = {"database_url": url, "log_url": url, "issuer": ISSUER, "public_url": f"http://{name}.test", "traces_dir": traces}
    own = {"partners": {"bootstrap_client_secret": SECRET}, "notifications": {"initiatives_url": "http://initiatives.test"}}
    settings = settings_of.model_validate(said | own.get(name, {}))
    database = Database(url, pool_size=4, application="tests")
    async with database.engine.begin() as connection:
        await connection.run_sync(model.metadata.create_all)
        await connection.run_sync(mechanism_tables().create_all)
    runtime = Runtime(settings=settings, database=database, bus=PostgresBus(url), wake=Wake(), telemetry=Telemetry(name, settings))
    return build(runtime), runtime


@pytest.fixture
async def callers(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Callers]:
    """All three services, the two that verify from afar with the keys that the first publishes."""
    running = {name: await started(name, new_database(name), tmp_path / name) for name in MADE}
    apps = {name: app for name, (app, _) in running.items()}
    issuer = httpx.ASGITransport(apps["partners"])
    for loop in running["partners"][1].loops:
        await loop.step()
    http = {name: httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{name}.test") for name, app in apps.items()}
    made = Callers(apps, http, running["partners"][1].database)
    for name in ("initiatives", "notifications"):
        keys = RemoteKeys(ISSUER, transport=issuer, clock=lambda: made.now)
        running[name][1].verifier = Verifier(ISSUER, "interurbe", keys)
    yield made
    for client in http.values():
        await client.aclose()
    for _, runtime in running.values():
        await runtime.database.close()
        runtime.telemetry.close()


async def test_no_request_to_any_service_fails_while_keys_rotate_twice(callers: Callers) -> None:
    oldest = await callers.token()
    async with asyncio.TaskGroup() as group:
        for number in range(CALLERS):
            group.create_task(callers.work(number, oldest))
        await callers.all_hold(kid_of(oldest))
        for _ in range(ROTATIONS):
            before = datetime.now(UTC)
            keys = await callers.rotate()
            stays = datetime.fromisoformat(keys["retired"]["published_until"]) - before
            assert stays > TOKEN_LIFE + FRESH, "longer than the last token of a process that has not noticed yet"
            await callers.all_hold(keys["current"]["kid"])
        callers.over = True
    assert {status for _, status in callers.answers} == {200}
    assert min(callers.answers[name, 200] for name in ROOMS) >= CALLERS * (ROTATIONS + 1)
