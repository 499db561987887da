"""Rows R on the mechanism itself: relays that die, double, freeze and are restored, on both buses, with a list that shows every loss."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy import text

from shared.bus import Bus, Message, Record
from shared.consumer import Consumer
from shared.db import Database
from shared.events import PartnerRegistered, PartnerUpdated
from shared.handling import Handlers
from shared.lease import Lease
from shared.outbox import record
from shared.outgoing import as_record
from shared.process.runtime import Runtime
from shared.relay import Relay
from shared.repair import forget_published, republish, waiting
from shared.telemetry import Telemetry
from tests.faults.conftest import Tell
from tests.fixtures.log import whole_log
from tests.shared.ledger import NOW, Ledger, append, new_ledger, noted, seen, topics

RuntimeOf = Callable[[Database], Runtime]
HELD = "I3 I4 I5"
FOLLOWING: Handlers = {PartnerRegistered: noted, PartnerUpdated: noted}


@pytest.fixture
async def relay(database: Database, bus: Bus, telemetry: Telemetry) -> AsyncIterator[Relay]:
    """The relay of the owner's database."""
    await topics(bus)
    made = Relay(database, bus, telemetry, lease_seconds=2.0, deadline_seconds=1.0)
    yield made
    await made.close()


@pytest.fixture
async def consumer(neighbour: Database, runtime_of: RuntimeOf, relay: Relay) -> AsyncIterator[Consumer]:
    """Whoever follows the owner."""
    made = Consumer("test.ledger", runtime_of(neighbour), FOLLOWING)
    subscription = await made._joined()
    async with asyncio.timeout(60):
        while not subscription.assignment():  # a new Kafka takes its time to find a coordinator
            await made.step()
    yield made
    await made.close()


async def firsts(bus: Bus) -> dict[bytes, list[int]]:
    """The first occurrences on the topic, by key, in the order of the log."""
    found: dict[bytes, list[int]] = {}
    for message in await whole_log(bus, ["interurbe.partners"]):
        _first(found, message)
    return found


def _first(found: dict[bytes, list[int]], message: Message) -> None:
    known = found.setdefault(message.key or b"", [])
    sequence = int(dict(message.headers)["ce_sequence"])
    if sequence not in known:
        known.append(sequence)


async def held(bus: Bus, neighbour: Database, ledgers: dict[str, int]) -> None:
    """Nothing lost, nothing out of order, nothing applied twice: each ledger's view is 0, 1, 2 and so on."""
    found = await firsts(bus)
    for ledger, count in ledgers.items():
        assert found[f"partner/{ledger}".encode()] == list(range(1, count + 1))
        assert await seen(neighbour, ledger) == list(range(count))


async def settle(relay: Relay, consumer: Consumer) -> None:
    """Step until every fact is out and has been read."""
    subscription = await consumer._joined()
    async with asyncio.timeout(300):  # twenty thousand facts on a busy machine; a standstill ends the test by its own limit
        while not await drained(relay._database):
            await relay.step()
        while await consumer.step() or sum((await subscription.lag()).values()):
            pass


def as_sent(rows: Sequence[asyncpg.Record]) -> list[Record]:
    """What the relay makes of rows that can be sent."""
    return [made for row in rows if isinstance(made := as_record(row), Record)]


async def drained(database: Database) -> bool:
    async with database.session() as session:
        return (await waiting(session))[0] == 0


async def test_r2_a_relay_dies_after_some_sends(
    relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell
) -> None:
    ledgers = {await new_ledger(database, *range(6)): 6 for _ in range(4)}
    raw = await database.raw()
    rows = await raw.fetch("SELECT * FROM outbox ORDER BY seq")
    await raw.close()
    assert await relay._bus.send(as_sent(rows[:11]), deadline=10) == [None] * 11
    await settle(relay, consumer)
    await held(relay._bus, neighbour, ledgers)
    assert len(await whole_log(relay._bus, ["interurbe.partners"])) == 24 + 11  # they are there twice
    tell.counted(24, HELD)


async def test_r5_two_relays_start_at_once(relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell) -> None:
    second = Relay(database, relay._bus, relay._telemetry, lease_seconds=2.0, deadline_seconds=1.0)
    ledgers = {await new_ledger(database, *range(5)): 5 for _ in range(6)}
    done = await asyncio.gather(relay.step(), second.step())
    assert sorted(done) == [0, 30]
    await settle(relay, consumer)
    await held(relay._bus, neighbour, ledgers)
    await second.close()
    tell.counted(30, HELD)


async def test_r6_the_leaders_session_is_killed(
    relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell
) -> None:
    ledger = await new_ledger(database, 0, 1)
    await relay.step()
    await append(database, ledger, 2)
    assert relay._reader is not None
    async with database.session() as session:
        ended = await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": relay._reader.get_server_pid()})
        assert ended.scalar_one()
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):  # noticed before the step, or in it
        await relay.step()
    await settle(relay, consumer)
    await held(relay._bus, neighbour, {ledger: 3})
    await relay.step()  # reading the log took longer than the lease: it must get it back
    assert relay.leading
    assert relay.trouble() is None
    tell.counted(3, f"{HELD} I11")


async def test_r7_a_frozen_leader_sends_late(relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell) -> None:
    ledger = await new_ledger(database, 0, 1, 2)
    reader, _ = await relay._connections()
    assert await relay._lease.hold(reader)
    batch = await relay._read(reader, [])
    async with database.session() as session:
        await session.execute(text("UPDATE relay_lease SET expires_at = '-infinity'"))
        await session.commit()
    second = Relay(database, relay._bus, relay._telemetry, lease_seconds=5.0)
    assert await second.step() == 3
    await append(database, ledger, 3)
    assert await second.step() == 1
    assert await relay._bus.send(as_sent(batch), deadline=5) == [None] * 3
    await settle(second, consumer)
    await held(relay._bus, neighbour, {ledger: 4})
    await second.close()
    tell.counted(4, HELD)


async def test_r10_a_lease_renewed_ten_times_is_released_once(database: Database, tell: Tell) -> None:
    first, second, connection = Lease("outbox", seconds=30), Lease("outbox", seconds=30), await database.raw()
    for _ in range(10):
        first.lost()
        assert await first.hold(connection)
    assert not await second.hold(connection)
    await first.release(connection)
    assert await second.hold(connection)
    assert second.fence > first.fence
    assert not await first.hold(connection)
    await connection.close()
    tell.counted(10, "I8")


@pytest.mark.parametrize("events", [600, pytest.param(100_000, marks=[pytest.mark.slow_fault, pytest.mark.timeout(1800)])])
async def test_r12_sixteen_writers_with_random_delays(
    relay: Relay, consumer: Consumer, neighbour: Database, events: int, tell: Tell
) -> None:
    database, chance = relay._database, random.Random(212)
    ledgers = [await new_ledger(database, 0) for _ in range(8 if events < 1000 else 200)]
    counts, left = dict.fromkeys(ledgers, 1), events - len(ledgers)
    queue: list[tuple[str, int]] = []
    while left:
        queue.append((chance.choice(ledgers), min(left, chance.randint(1, 5))))
        left -= queue[-1][1]
    for ledger, notes in queue:
        counts[ledger] += notes

    async def write() -> None:
        while queue:
            await _write_slowly(database, *queue.pop(), chance)

    async def carry(writing: asyncio.Future[list[None]]) -> None:
        while not writing.done():
            await relay.step()
            await asyncio.wait({writing}, timeout=0.001)

    writing = asyncio.gather(*(write() for _ in range(16)))
    await carry(writing)
    await writing
    await settle(relay, consumer)
    await held(relay._bus, neighbour, counts)
    tell.counted(events, HELD, 212)


async def _write_slowly(database: Database, ledger_id: str, notes: int, chance: random.Random) -> None:
    async with database.session() as session:
        ledger = await session.get(Ledger, ledger_id, with_for_update=True)
        assert ledger is not None
        for _ in range(notes):
            await record(session, ledger, ledger.note(len(ledger.notes)), now=NOW)
            await session.execute(text("SELECT pg_sleep(:s)"), {"s": chance.random() * 0.004})
        await session.commit()


async def test_r13_a_writer_holds_its_transaction_open(
    relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell
) -> None:
    slow = await new_ledger(database, 0)
    async with database.session() as session:
        ledger = await session.get(Ledger, slow, with_for_update=True)
        assert ledger is not None
        await record(session, ledger, ledger.note(1), now=NOW)
        others = {await new_ledger(database, *range(4)): 4 for _ in range(3)}
        await settle(relay, consumer)
        assert await seen(neighbour, slow) == [0]
        for other in others:
            assert await seen(neighbour, other) == [0, 1, 2, 3]
        await session.commit()
    await append(database, slow, 2)
    await settle(relay, consumer)
    await held(relay._bus, neighbour, {slow: 3, **others})
    tell.counted(15, HELD)


async def test_r14_a_long_transaction_in_another_database_stalls_nobody(
    relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell
) -> None:
    async with neighbour.session() as session:
        await session.execute(text("SELECT pg_current_xact_id()"))
        ledgers = {await new_ledger(database, *range(3)): 3 for _ in range(3)}
        assert await relay.step() == 9
        assert await drained(database)
        await session.rollback()
    await settle(relay, consumer)
    await held(relay._bus, neighbour, ledgers)
    tell.counted(9, f"{HELD} I8")


async def test_r19_cleanup_races_with_republish(
    relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell
) -> None:
    ledgers = {await new_ledger(database, *range(5)): 5 for _ in range(6)}
    await settle(relay, consumer)
    async with database.session() as session:
        await session.execute(text("UPDATE outbox SET published_at = now() - interval '40 days'"))
        await session.commit()
    async with database.session() as again, database.session() as cleaning:
        asked = await republish(again, subject=f"partner/{next(iter(ledgers))}")
        gone = await forget_published(cleaning, NOW.replace(year=2030))
        await cleaning.commit()
        await again.commit()
    assert (asked, gone) == (5, 25)
    await relay.close()
    await settle(relay, consumer)
    assert await drained(database)
    await held(relay._bus, neighbour, ledgers)
    tell.counted(30, HELD)


async def test_r21_an_outbox_restored_from_a_backup_is_sent_again(
    relay: Relay, consumer: Consumer, database: Database, neighbour: Database, tell: Tell
) -> None:
    ledgers = {await new_ledger(database, *range(5)): 5 for _ in range(4)}
    await settle(relay, consumer)
    async with database.session() as session:
        await session.execute(text("UPDATE outbox SET published_at = NULL WHERE sequence > 2"))
        await session.commit()
    await relay.close()
    await settle(relay, consumer)
    await held(relay._bus, neighbour, ledgers)
    assert len(await whole_log(relay._bus, ["interurbe.partners"])) == 20 + 12  # they are there twice
    tell.counted(20, HELD)
