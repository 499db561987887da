"""A small service of its own for tests of the mechanism: a thing with a list of notes, a view of it, both buses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from opentelemetry.sdk.resources import Resource

from shared.bus import Bus
from shared.bus.postgres import PostgresBus
from shared.db import Database, mechanism
from shared.process.runtime import Runtime
from shared.relay import Relay
from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry
from shared.telemetry.spans import send_to
from tests.fixtures.postgres import NewDatabase
from tests.shared.boundary import Tollgate
from tests.shared.ledger import Model, SilentWake, topics


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The owner's database, with the mechanism's tables and the ledger's."""
    made = await _with_tables(database_url)
    yield made
    await made.close()


@pytest.fixture
async def neighbour(new_database: NewDatabase) -> AsyncIterator[Database]:
    """Another service's database, for views."""
    made = await _with_tables(new_database("initiatives"))
    yield made
    await made.close()


@pytest.fixture
def telemetry(tmp_path: object) -> Telemetry:
    """Metrics of its own per test; spans go to a file nobody reads."""
    return Telemetry("test", TelemetrySettings(traces_dir=str(tmp_path)))  # type: ignore[arg-type]  # pydantic makes a Path of it


@pytest.fixture
def runtime_of(bus: Bus, telemetry: Telemetry) -> Callable[[Database], Runtime]:
    """A runtime on a given database and this test's bus."""

    def make(database: Database) -> Runtime:
        return Runtime(settings=None, database=database, bus=bus, wake=SilentWake(), telemetry=telemetry)  # type: ignore[arg-type]  # loops read no settings

    return make


async def _with_tables(url: str) -> Database:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
        await connection.run_sync(mechanism.create_all)
    return database


@pytest.fixture
def spans() -> Iterator[list[dict[str, object]]]:
    """The attributes of every span that loops write during the test."""
    found: list[dict[str, object]] = []
    send_to(lambda span: found.append(dict(span.attributes or {})), Resource({}))
    yield found
    send_to(None, Resource({}))


@pytest.fixture
async def gate(log_url: str) -> AsyncIterator[Tollgate]:
    """A bus that can be told to refuse, or to keep a sender waiting."""
    bus = PostgresBus(log_url)
    await topics(bus)
    yield Tollgate(bus)
    await bus.close()


@pytest.fixture
async def relay(database: Database, gate: Tollgate, telemetry: Telemetry) -> AsyncIterator[Relay]:
    """The relay of the owner's database, sending through the gate; a module with a relay of its own has its own fixture."""
    made = Relay(database, gate, telemetry)
    yield made
    await made.close()
