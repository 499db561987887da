"""What was set aside: it leaves when its turn comes, never before, never twice, and somebody hears of what cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import Message
from shared.bus.postgres import PostgresBus
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope, PartnerRegistered, PartnerUpdated
from shared.handling import Handlers
from shared.process.runtime import Runtime
from shared.repair import discard, parked_in_inbox, retry
from tests.shared.boundary import FedBus, Feed
from tests.shared.facts import envelope, fact, message
from tests.shared.ledger import HANDLERS, noted, seen

RuntimeOf = Callable[[Database], Runtime]
Parked = list[tuple[str, str | None, int | None]]


@pytest.fixture
async def bus(log_url: str) -> AsyncIterator[PostgresBus]:
    """What lies behind the feeds."""
    made = PostgresBus(log_url)
    yield made
    await made.close()


class Moody:
    """A handler that refuses some numbers until it is told otherwise."""

    def __init__(self, *refused: int) -> None:
        self.refused = set(refused)
        self.tried: list[int] = []
        self.handlers: Handlers = {PartnerRegistered: self.handle, PartnerUpdated: self.handle}

    async def handle(self, session: AsyncSession, sent: Envelope) -> None:
        self.tried.append(sent.sequence)
        if sent.sequence in self.refused:
            raise LookupError(f"number {sent.sequence} does not suit")
        await noted(session, sent)


def told(*numbers: int, partner: str = "p1", at: int = 0) -> list[Message]:
    """Facts of a partner with these numbers, from an offset on."""
    made = [envelope(number, partner, fact(number, partner, str(number))) for number in numbers]
    return [message(one, at + place) for place, one in enumerate(made)]


def consumer_of(runtime: Runtime, *batches: list[Message], handlers: Handlers = HANDLERS) -> Consumer:
    """A consumer that is fed these batches."""
    runtime.bus = FedBus(runtime.bus, Feed(batches))
    return Consumer("test.ledger", runtime, handlers)


async def settled(consumer: Consumer) -> None:
    """Step, without the pauses between two looks at what waits, until three steps in a row found nothing to do."""
    idle = 0
    while idle < 3:
        consumer._again_at = consumer._sweep_at = 0.0
        idle = 0 if await consumer.step() else idle + 1


async def parked(database: Database) -> Parked:
    async with database.session() as session:
        return [(row.kind, row.subject, row.sequence) for row in await parked_in_inbox(session)]


async def ids(database: Database) -> list[str]:
    async with database.session() as session:
        return [row.id for row in await parked_in_inbox(session)]


async def give_up(database: Database, sequence: int) -> str:
    async with database.session() as session:
        (row,) = [row for row in await parked_in_inbox(session) if row.sequence == sequence]
        words = await discard(session, row.id, "of no use")
        await session.commit()
        return words


async def try_again(database: Database) -> None:
    rows = await ids(database)
    async with database.session() as session:
        assert await retry(session, rows) == len(rows)
        await session.commit()


async def test_a_long_queue_behind_a_missing_fact_goes_in_few_steps(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    consumer = consumer_of(runtime_of(neighbour), told(*range(2, 302)), told(1, at=300))
    await consumer.step()
    await consumer.step()
    consumer._again_at = 0.0
    assert await consumer.step() == 300
    assert await seen(neighbour, "p1") == list(range(1, 302))
    assert await parked(neighbour) == []


async def test_one_that_fails_when_its_turn_comes_is_failed_and_not_tried_for_ever(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    moody = Moody(2)
    consumer = consumer_of(runtime_of(neighbour), told(2, 3), told(1, at=2), handlers=moody.handlers)
    await settled(consumer)
    assert await parked(neighbour) == [("failed", "partner/p1", 2), ("gap", "partner/p1", 3)]
    tried = len(moody.tried)
    await settled(consumer)
    assert len(moody.tried) == tried
    moody.refused.clear()
    await try_again(neighbour)
    await settled(consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3]
    assert await parked(neighbour) == []


async def test_one_that_waited_and_comes_again_only_to_fail_is_failed(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    moody = Moody(2)
    consumer = consumer_of(runtime_of(neighbour), told(2), told(1, 2, at=1), handlers=moody.handlers)
    await settled(consumer)
    assert await parked(neighbour) == [("failed", "partner/p1", 2)]


async def test_all_tried_again_loses_none_that_was_given_up_before_its_turn(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    moody = Moody(1)
    consumer = consumer_of(runtime_of(neighbour), told(1, 2, 3), handlers=moody.handlers)
    await settled(consumer)
    assert "when its turn comes" in await give_up(neighbour, 2)
    await settled(consumer)
    await try_again(neighbour)
    await settled(consumer)
    assert [place for _, _, place in await parked(neighbour)] == [1, 2, 3]
    moody.refused.clear()
    await try_again(neighbour)
    await settled(consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3]
    assert await parked(neighbour) == []


async def test_one_given_up_before_its_turn_is_passed_when_it_comes(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    moody = Moody(1)
    consumer = consumer_of(runtime_of(neighbour), told(1, 2, 3), handlers=moody.handlers)
    await settled(consumer)
    await give_up(neighbour, 2)
    assert "number 1 " in await give_up(neighbour, 1)
    await settled(consumer)
    assert await seen(neighbour, "p1") == [3]
    assert await parked(neighbour) == []


async def test_what_waits_for_a_fact_that_is_nowhere_can_be_freed(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    consumer = consumer_of(runtime_of(neighbour), told(1, 5, 6), told(3, at=3))
    await settled(consumer)
    assert "numbers 2 to 3 " in await give_up(neighbour, 3)
    assert "numbers 4 to 5 " in await give_up(neighbour, 5)
    await settled(consumer)
    assert await seen(neighbour, "p1") == [1, 6]
    assert await parked(neighbour) == []


async def test_a_topic_made_anew_hides_nothing_behind_what_was_parked_from_the_old_one(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    consumer = consumer_of(runtime_of(neighbour), told(3, partner="old", at=0), told(2, partner="new", at=0), told(1, partner="new", at=1))
    await settled(consumer)
    assert await seen(neighbour, "new") == [1, 2]
    assert await parked(neighbour) == [("gap", "partner/old", 3)]


async def test_a_gap_is_told_of_although_another_subject_has_failed(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    moody = Moody(7)
    consumer = consumer_of(
        runtime_of(neighbour), told(*range(1, 9), partner="failing"), told(2, 3, partner="waiting", at=8), handlers=moody.handlers
    )
    await settled(consumer)
    assert consumer.trouble() is None
    async with neighbour.session() as session:
        await session.execute(text("UPDATE inbox_parked SET parked_at = parked_at - interval '2 minutes'"))
        await session.commit()
    consumer._sweep_at = consumer._again_at = 0.0
    await consumer.step()
    assert (consumer.trouble() or "").startswith("1 subjects wait")


async def test_a_message_nobody_could_read_takes_its_place_once_it_can_be(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    consumer = consumer_of(runtime_of(neighbour), told(2))
    await settled(consumer)
    async with neighbour.session() as session:
        await session.execute(text("UPDATE inbox_parked SET kind = 'unreadable', subject = NULL, sequence = NULL"))
        await session.commit()
    await try_again(neighbour)
    await settled(consumer)
    assert await parked(neighbour) == [("gap", "partner/p1", 2)]


async def test_what_waited_has_a_span_in_its_trace_too(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf, spans: list[dict[str, object]]
) -> None:
    moody = Moody(3)
    consumer = consumer_of(runtime_of(neighbour), told(2, 3), told(1, at=2), handlers=moody.handlers)
    await settled(consumer)
    processed = [(span["messaging.message.id"], span.get("error.type"), span.get("messaging.delivery.attempt", 1)) for span in spans]
    assert sorted(processed, key=str) == [
        ("p1-1", None, 1), ("p1-2", None, 1), ("p1-3", "LookupError", 1), ("p1-3", "LookupError", 2), ("p1-3", "LookupError", 3),
    ]  # fmt: skip
