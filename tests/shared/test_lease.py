"""One at a time, by the database's clock: who holds the lease, who stands by, and how it changes hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from shared.bus import Bus
from shared.db import Database
from shared.lease import RELAY, Lease, depose
from shared.relay import Relay
from shared.telemetry import Telemetry


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """One connection; leases are told apart by their holders."""
    made = await database.raw()
    yield made
    await made.close()


async def row(connection: asyncpg.Connection[asyncpg.Record]) -> asyncpg.Record:
    found = await connection.fetchrow("SELECT *, xmin::text AS written, xmax::text AS locked FROM relay_lease")
    assert found is not None
    return found


async def test_a_lease_renewed_often_and_given_back_once_is_free(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    first, second = Lease(RELAY, seconds=10.0), Lease(RELAY, seconds=10.0)
    for _ in range(10):
        assert await first.hold(connection, needed=10.0)
    assert not await second.hold(connection)
    await first.release(connection)
    assert await second.hold(connection)
    assert (first.fence, second.fence) == (1, 2)


async def test_who_stands_by_writes_and_locks_nothing(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    assert await Lease(RELAY, seconds=10.0).hold(connection)
    before = await row(connection)
    second = Lease(RELAY, seconds=10.0)
    for _ in range(3):
        assert not await second.hold(connection)
    assert await row(connection) == before


async def test_of_many_who_begin_at_once_one_leads(database: Database) -> None:
    connections = [await database.raw() for _ in range(6)]
    taken = await asyncio.gather(*(Lease(RELAY, seconds=10.0).hold(one) for one in connections))
    assert sum(taken) == 1
    for one in connections:
        await one.close()


async def test_the_fence_grows_whenever_the_holder_changes(connection: asyncpg.Connection[asyncpg.Record], database: Database) -> None:
    first, second = Lease(RELAY, seconds=10.0), Lease(RELAY, seconds=10.0)
    assert await first.hold(connection)
    async with database.session() as session:
        await depose(session, RELAY)
        await session.commit()
    assert await first.hold(connection, needed=10.0)
    assert first.fence == 2
    await connection.execute("UPDATE relay_lease SET expires_at = clock_timestamp() - interval '1 second'")
    assert await second.hold(connection)
    assert not await first.hold(connection, needed=10.0)
    assert second.fence == 3
    assert first.remaining() <= 0


async def test_what_is_left_is_renewed_when_it_is_less_than_what_is_needed(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    lease = Lease(RELAY, seconds=10.0)
    assert await lease.hold(connection)
    until = lease._until
    assert await lease.hold(connection, needed=5.0)
    assert lease._until == until
    assert await lease.hold(connection, needed=10.0)
    assert lease._until > until


@pytest.mark.parametrize(("lease", "deadline", "effective"), [(10.0, 8.0, 8.0), (10.0, 20.0, 9.0), (2.0, 20.0, 1.8), (30.0, 20.0, 20.0)])
def test_a_deadline_never_outlasts_the_lease(lease: float, deadline: float, effective: float) -> None:
    relay = Relay(None, None, None, lease_seconds=lease, deadline_seconds=deadline)  # type: ignore[arg-type]  # only its arithmetic is asked
    assert relay._deadline == pytest.approx(effective)


async def test_closing_does_not_wait_for_a_database_that_hangs(database: Database, bus: Bus, telemetry: Telemetry) -> None:
    relay = Relay(database, bus, telemetry)
    await relay.step()
    async with database.session() as blocker:
        await blocker.execute(text("SELECT 1 FROM relay_lease FOR UPDATE"))
        async with asyncio.timeout(60):
            await relay.close()
    assert not relay.leading
