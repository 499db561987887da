"""Row R17: every notification is lost, the relay's and the log's; what was recorded arrives all the same, at the next look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from shared.bus import Bus
from shared.bus.postgres.subscription import PostgresSubscription
from shared.consumer import Consumer
from shared.db import Database
from shared.process.keeping import Keeper
from shared.process.runtime import Runtime
from shared.relay import Relay
from shared.telemetry import Telemetry
from tests.faults.conftest import Tell
from tests.shared.ledger import HANDLERS, LedgerView, new_ledger, seen, topics

PATIENCE = 60
RuntimeOf = Callable[[Database], Runtime]


@pytest.fixture
async def consumer(bus: Bus, neighbour: Database, runtime_of: RuntimeOf) -> Consumer:
    """Whoever follows the owner; closed by its keeper."""
    await topics(bus)
    return Consumer("test.ledger", runtime_of(neighbour), HANDLERS, (LedgerView,))


async def test_r17_what_nobody_was_woken_for_is_found_at_the_next_look(
    consumer: Consumer, database: Database, neighbour: Database, telemetry: Telemetry, tell: Tell
) -> None:
    keeper = Keeper([Relay(database, consumer._bus, telemetry), consumer])
    keeper.start()
    await _arrived(neighbour, await new_ledger(database, 0), [0])
    await _deafen(consumer)
    for _ in range(3):  # each time both have gone back to waiting
        await _arrived(neighbour, await new_ledger(database, *range(5)), [*range(5)])
    assert await keeper.stop(PATIENCE) == []
    tell.counted(16, "I3 I4 I5 I8")


async def _deafen(consumer: Consumer) -> None:
    """The log's own notifications come no more, and nothing says so: the connection lives."""
    subscription = consumer._subscription
    if isinstance(subscription, PostgresSubscription):
        assert subscription._connection is not None
        async with subscription._turn:
            await subscription._connection.execute("UNLISTEN *")


async def _arrived(neighbour: Database, ledger: str, notes: list[int]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await seen(neighbour, ledger) != notes:
            async with neighbour.session() as session:
                await session.execute(text("SELECT pg_sleep(0.05)"))
