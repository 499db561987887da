"""A shelf service over a real database, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

from shared.auth import Caller, Issuer, Verifier
from shared.bus.postgres import PostgresBus
from shared.db import Database, mechanism, new_id
from shared.http.limits import LIMITS, Limits
from shared.process import Runtime
from shared.settings import Settings
from shared.signing import LocalKeys, new_key
from shared.telemetry import Telemetry
from tests.fixtures import tally
from tests.shared.http import shelf

ISSUER = "http://issuer.test"
KEY = new_key()
PATIENCE = 60.0  # seconds for a connection: fifty requests at once wait for ten, on any machine
EVERYTHING = frozenset({"read", "write", "sign", "admin"})


def token(client: str = "client-a", scopes: frozenset[str] = EVERYTHING) -> str:
    """A valid token of a client; its partner is called like it."""
    issuer = Issuer(ISSUER, "interurbe", timedelta(minutes=10))
    return issuer.issue(KEY, Caller(client, f"partner of {client}", scopes), datetime.now(UTC))


class Bell:
    """A waker that remembers whether it was rung."""

    heard = False

    def set(self) -> None:
        """Ring."""
        self.heard = True


@dataclass
class World:
    """The application, what it stands on, and a client that is known to it."""

    app: FastAPI
    runtime: Runtime
    http: httpx.AsyncClient
    wake: Bell
    token: str = field(default_factory=token)

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request as client-a, with a fresh Idempotency-Key unless one is given."""
        tally.one_more()
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": new_id()} | options.pop("headers", {})
        return await self.http.request(method, path, headers={k: v for k, v in headers.items() if v is not None}, **options)

    async def raw(self, method: str, path: str, body: bytes, send: Callable[[Any], Awaitable[None]]) -> None:
        """Send a request past every client library, as a server would hand it over; ``send`` gets the answer's messages."""
        headers = {"authorization": f"Bearer {self.token}", "idempotency-key": new_id(), "content-type": "application/json"}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in (headers | {"content-length": str(len(body))}).items()],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, receive, send)

    async def count(self, table: str = "boxes") -> int:
        """The rows of a table."""
        async with self.runtime.database.reader() as reader:
            return int((await reader.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def make_tables(database: Database) -> None:
    """Everything a shelf keeps."""
    async with database.engine.begin() as connection:
        await connection.run_sync(mechanism.create_all)
        await connection.run_sync(shelf.tables.create_all)
        await connection.execute(text(shelf.DOOMED))


def make_world(url: str, folder: Path, *, limits: Limits = LIMITS, patience: float = PATIENCE) -> World:
    """A shelf on the database at this URL."""
    settings = Settings(database_url=SecretStr(url), log_url=SecretStr(url), traces_dir=folder, issuer=ISSUER)
    bell = Bell()
    runtime = Runtime(
        settings=settings,
        database=Database(url, pool_timeout=patience),
        bus=PostgresBus(url),
        wake=bell,
        telemetry=Telemetry("shelf", settings),
        verifier=Verifier(ISSUER, "interurbe", LocalKeys(KEY)),
    )
    app = shelf.build(runtime, limits)
    transport = httpx.ASGITransport(app=app)
    return World(app, runtime, httpx.AsyncClient(transport=transport, base_url="http://shelf.test"), bell)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """The log lines of the test, as dictionaries."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """The shelf and a client."""
    made = make_world(database_url, tmp_path)
    await make_tables(made.runtime.database)
    yield made
    await close_world(made)


@pytest.fixture
async def other_process(world: World, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Another process of the same service, on the same database."""
    made = make_world(database_url, tmp_path)
    yield made
    await close_world(made)


async def close_world(made: World) -> None:
    """Let go of what a world holds."""
    await made.http.aclose()
    await made.runtime.bus.close()
    await made.runtime.database.close()
    made.runtime.telemetry.close()
