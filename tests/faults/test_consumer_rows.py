"""Rows C on the mechanism itself: what comes twice, out of order, damaged or not at all, on both buses, with a list that shows it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import Bus, Record
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope, PartnerRegistered, PartnerUpdated
from shared.events.cloudevents import to_data, to_headers
from shared.inbox import inbox_mark, read
from shared.process.runtime import Runtime
from shared.repair import parked_in_inbox, retry
from tests.faults.conftest import Tell
from tests.shared.facts import envelope, fact
from tests.shared.ledger import noted, seen, settle, topics

RuntimeOf = Callable[[Database], Runtime]
NewConsumer = Callable[..., Awaitable[Consumer]]


@pytest.fixture
async def consumer_with(bus: Bus, neighbour: Database, runtime_of: RuntimeOf) -> AsyncIterator[NewConsumer]:
    """Makes a member of the group, with the handler given, that reads already."""
    await topics(bus)
    made: list[Consumer] = []

    async def make(handler: Callable[[AsyncSession, Envelope], Awaitable[None]] = noted, group: str = "test.ledger") -> Consumer:
        consumer = Consumer(group, runtime_of(neighbour), {PartnerRegistered: handler, PartnerUpdated: handler})
        consumer.patience = 0.1
        made.append(consumer)
        subscription = await consumer._joined()
        async with asyncio.timeout(60):
            while not subscription.assignment():  # a new Kafka takes its time to find a coordinator
                await subscription.poll(limit=1, timeout=0.1)
        await subscription.rewind()
        return consumer

    yield make
    for consumer in made:
        await consumer.close()


def numbered(sequence: int, partner: str = "p1") -> Envelope:
    return envelope(sequence, partner, fact(sequence, partner, str(sequence)))


async def send(bus: Bus, *envelopes: Envelope) -> None:
    records = [Record(one.topic, one.subject.encode(), to_headers(one), to_data(one)) for one in envelopes]
    assert await bus.send(records, deadline=20) == [None] * len(envelopes)


async def parked(database: Database) -> list[tuple[str, str, int]]:
    async with database.session() as session:
        return [(row.kind, row.subject, row.sequence) for row in await parked_in_inbox(session)]


async def mark(database: Database, partner: str = "p1") -> int:
    async with database.reader() as reader:
        found = await reader.execute(inbox_mark.select().where(inbox_mark.c.subject == f"partner/{partner}"))
        row = found.first()
    return int(row.sequence) if row else 0


@pytest.mark.parametrize("times", [2, 5])
async def test_c4_every_message_comes_several_times(
    consumer_with: NewConsumer, bus: Bus, neighbour: Database, tell: Tell, times: int
) -> None:
    consumer = await consumer_with()
    for sequence in range(1, 11):
        await send(bus, *[numbered(sequence, partner) for partner in ("p1", "p2") for _ in range(times - 1)])
    await settle(None, consumer)
    await send(bus, *[numbered(sequence, partner) for partner in ("p1", "p2") for sequence in range(1, 11)])
    await settle(None, consumer)
    assert [await seen(neighbour, partner) for partner in ("p1", "p2")] == [list(range(1, 11))] * 2
    tell.counted(20 * times, "I4 I5 I7")


async def test_c6_shuffled_within_a_window_of_fifty(consumer_with: NewConsumer, bus: Bus, neighbour: Database, tell: Tell) -> None:
    chance = random.Random(306)
    consumer = await consumer_with()
    for window in range(4):
        facts = [numbered(window * 50 + place, "p1") for place in range(1, 51)]
        shuffled = chance.sample(facts, 50)
        for part in (shuffled[:20], shuffled[20:]):
            await send(bus, *part)
            await settle(None, consumer)
    assert await seen(neighbour, "p1") == list(range(1, 201))
    assert await parked(neighbour) == []
    tell.counted(200, "I4 I5 I7", 306)


async def test_c8_two_members_handle_the_same_messages(
    consumer_with: NewConsumer, bus: Bus, neighbour: Database, runtime_of: RuntimeOf, tell: Tell
) -> None:
    first = await consumer_with()
    zombie = Consumer("test.ledger", runtime_of(neighbour), {PartnerRegistered: noted, PartnerUpdated: noted})
    await send(bus, *(numbered(sequence) for sequence in range(1, 6)))
    assert first._subscription is not None
    batches: dict[object, list[object]] = {}
    async with asyncio.timeout(30):
        while not batches:
            batches = await first._subscription.poll(limit=100, timeout=0.5)  # type: ignore[assignment]  # any batch will do
    items = [read(message) for batch in batches.values() for message in batch]  # type: ignore[arg-type]  # they are messages
    await asyncio.gather(*(one._application.apply(items) for one in (first, zombie, first)))
    assert await seen(neighbour, "p1") == [1, 2, 3, 4, 5]
    assert await parked(neighbour) == []
    tell.counted(5, "I5 I7")


async def test_c13_a_handler_raises_once(consumer_with: NewConsumer, bus: Bus, neighbour: Database, tell: Tell) -> None:
    failures = iter([True, True])

    async def shaky(session: AsyncSession, fact_: Envelope) -> None:
        await noted(session, fact_)
        if fact_.sequence == 2 and next(failures, False):
            raise LookupError("not this time")

    consumer = await consumer_with(shaky)
    await send(bus, *(numbered(sequence) for sequence in range(1, 5)))
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3, 4]
    assert await parked(neighbour) == []
    tell.counted(4, "I5 I7")


async def test_c14_a_handler_fails_on_the_fourth_of_a_batch(consumer_with: NewConsumer, bus: Bus, neighbour: Database, tell: Tell) -> None:
    async def stuck(session: AsyncSession, fact_: Envelope) -> None:
        if fact_.sequence == 4 and broken:
            raise LookupError("never this one")
        await noted(session, fact_)

    broken = True
    consumer = await consumer_with(stuck)
    await send(bus, *(numbered(sequence, partner) for sequence in range(1, 8) for partner in ("p1", "p2")))
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3]
    assert ("failed", "partner/p1", 4) in await parked(neighbour)
    broken = False
    async with neighbour.session() as session:
        await retry(session, [row.id for row in await parked_in_inbox(session) if row.kind == "failed"])
        await session.commit()
    await settle(None, consumer)
    assert [await seen(neighbour, partner) for partner in ("p1", "p2")] == [list(range(1, 8))] * 2
    assert await parked(neighbour) == []
    tell.counted(14, "I5 I7")


async def test_c20_what_cannot_be_set_aside_is_not_passed(consumer_with: NewConsumer, bus: Bus, neighbour: Database, tell: Tell) -> None:
    async def refusing(session: AsyncSession, fact_: Envelope) -> None:
        if broken:
            raise LookupError("no")
        await noted(session, fact_)

    broken = True
    consumer = await consumer_with(refusing)
    await _sql(neighbour, "ALTER TABLE inbox_parked RENAME TO hidden")
    await send(bus, numbered(1), numbered(2))
    with pytest.raises(DBAPIError):
        await settle(None, consumer)
    assert await mark(neighbour) == 0
    assert consumer.trouble() is not None
    broken = False
    await _sql(neighbour, "ALTER TABLE hidden RENAME TO inbox_parked")
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2]
    tell.counted(2, "I5 I7 I11")


async def test_c21_set_aside_facts_are_tried_again_twice_while_new_ones_come(
    consumer_with: NewConsumer, bus: Bus, neighbour: Database, tell: Tell
) -> None:
    async def picky(session: AsyncSession, fact_: Envelope) -> None:
        if broken:
            raise LookupError("not yet")
        await noted(session, fact_)

    broken = True
    consumer = await consumer_with(picky)
    await send(bus, numbered(1), numbered(2))
    await settle(None, consumer)
    broken = False
    async with neighbour.session() as session:
        ids = [row.id for row in await parked_in_inbox(session)]
    for again in range(2):
        async with neighbour.session() as session:
            await retry(session, ids)
            await session.commit()
        await send(bus, numbered(3 + again), numbered(1))
        await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3, 4]
    assert await parked(neighbour) == []
    tell.counted(6, "I5 I7")


async def test_c24_an_old_duplicate_after_years_is_known_by_the_mark(
    consumer_with: NewConsumer, bus: Bus, neighbour: Database, tell: Tell
) -> None:
    consumer = await consumer_with()
    await send(bus, *(numbered(sequence) for sequence in range(1, 4)))
    await settle(None, consumer)
    await _sql(neighbour, "DELETE FROM inbox_parked")
    await send(bus, numbered(1), numbered(3), numbered(2))
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3]
    assert await mark(neighbour) == 3
    tell.counted(6, "I5")


async def _sql(database: Database, statement: str) -> None:
    async with database.session() as session:
        await session.execute(text(statement))
        await session.commit()
