"""What is kept is measured, and let go of after thirty days: in the outbox and in the log behind the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import text

from shared.bus import Bus
from shared.bus.postgres import PostgresBus
from shared.db import Database
from shared.relay import Relay
from shared.repair import COUNTED, waiting
from shared.telemetry import Telemetry
from shared.upkeep import FORGET_SECONDS, Upkeep
from tests.shared.ledger import append, backlog, new_ledger, topics
from tests.shared.test_relay import log_of, sequences

AGED = "UPDATE outbox SET created_at = created_at - interval '31 days', published_at = published_at - interval '31 days'"


@pytest.fixture
async def postgres(log_url: str) -> AsyncIterator[PostgresBus]:
    """The log of one machine."""
    bus = PostgresBus(log_url)
    await topics(bus)
    yield bus
    await bus.close()


async def upkeep(database: Database, bus: Bus, telemetry: Telemetry) -> Upkeep:
    """An upkeep whose time to forget has come."""
    made = Upkeep(database, bus, telemetry)
    made._forget_at = 0.0
    return made


async def left(database: Database) -> list[int]:
    async with database.reader() as reader:
        return list((await reader.execute(text("SELECT sequence FROM outbox ORDER BY seq"))).scalars())


async def test_old_facts_leave_the_outbox_and_the_log_and_newer_ones_stay(
    database: Database, postgres: PostgresBus, telemetry: Telemetry, log_url: str
) -> None:
    relay = Relay(database, postgres, telemetry)
    ledger_id = await new_ledger(database, 1, 2)
    assert await relay.step() == 2
    async with database.engine.begin() as connection:
        await connection.execute(text(AGED))
    log = await asyncpg.connect(log_url)
    await log.execute("UPDATE log_record SET at = at - interval '31 days'")
    await log.close()
    await append(database, ledger_id, 3)
    assert await relay.step() == 1
    await relay.close()
    loop = await upkeep(database, postgres, telemetry)
    assert [await loop.step() for _ in range(3)] == [2, 2, 0]
    assert await left(database) == [3]
    assert sequences(await log_of(postgres), f"partner/{ledger_id}") == [3]


async def test_what_is_not_published_is_never_forgotten(database: Database, postgres: PostgresBus, telemetry: Telemetry) -> None:
    await new_ledger(database, 1, 2)
    async with database.engine.begin() as connection:
        await connection.execute(text(AGED))
        await connection.execute(text("UPDATE outbox SET parked_at = created_at WHERE sequence = 2"))
    loop = await upkeep(database, postgres, telemetry)
    assert await loop.step() == 0
    assert await left(database) == [1, 2]
    assert "waited" in (loop.trouble() or "")


async def test_it_forgets_no_more_often_than_it_says(database: Database, postgres: PostgresBus, telemetry: Telemetry) -> None:
    loop = await upkeep(database, postgres, telemetry)
    assert await loop.step() == 0
    first = loop._forget_at
    assert first > FORGET_SECONDS / 2
    assert await loop.step() == 0
    assert loop._forget_at == first


async def test_either_bus_says_how_much_it_forgot(bus: Bus) -> None:
    assert await bus.forget(datetime.now(UTC) - timedelta(days=30)) == 0


@pytest.mark.parametrize("facts", [COUNTED // 2, 3 * COUNTED])
async def test_how_many_facts_wait_is_told_however_many_they_are(database: Database, facts: int) -> None:
    await backlog(database, facts - 1, subjects=10)
    async with database.session() as session:
        unpublished, age, parked = await waiting(session)
    assert (unpublished, parked) == (facts, 0)
    assert age > 0
