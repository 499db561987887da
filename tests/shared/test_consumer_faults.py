"""Bad messages, bad moments and bad readers: nothing is skipped, nothing stops everything, and the blame is put where it belongs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import BusUnavailable, CommitRefused, Message, Record
from shared.bus.postgres import PostgresBus
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope, PartnerRegistered, PartnerUpdated
from shared.handling import Handlers
from shared.process.runtime import Runtime
from shared.repair import parked_in_inbox
from tests.shared.boundary import FedBus, Feed
from tests.shared.facts import envelope, fact, message
from tests.shared.ledger import HANDLERS, LedgerView, noted, seen, settle

RuntimeOf = Callable[[Database], Runtime]


@pytest.fixture
async def bus(log_url: str) -> AsyncIterator[PostgresBus]:
    """What lies behind the feeds."""
    made = PostgresBus(log_url)
    yield made
    await made.close()


def told(*numbers: int, partner: str = "p1", at: int = 0) -> list[Message]:
    """Facts of a partner with these numbers, from an offset on."""
    made = [envelope(number, partner, fact(number, partner, str(number))) for number in numbers]
    return [message(one, at + place) for place, one in enumerate(made)]


def consumer_of(runtime: Runtime, *feeds: Feed, handlers: Handlers = HANDLERS) -> Consumer:
    """A consumer whose subscriptions are these, one after another."""
    runtime.bus = FedBus(runtime.bus, *feeds)
    return Consumer("test.ledger", runtime, handlers)


def with_header(name: str, value: bytes, at: int = 0) -> Message:
    """The second fact of a partner with one header exchanged, or one more."""
    (sent,) = told(2, partner="bad", at=at)
    return sent._replace(headers=[pair for pair in sent.headers if pair[0] != name] + [(name, value)])


def structured(at: int = 0) -> Message:
    """An event in structured mode whose subject is no text that could be encoded."""
    attributes = b'"specversion":"1.0","id":"1","source":"/x","type":"org.interurbe.partner.updated.v1","time":"2026-03-01T12:00:00Z"'
    (sent,) = told(2, at=at)
    body = b"{" + attributes + b',"sequence":"2","subject":"partner/\\ud800","data":{}}'
    return sent._replace(headers=[("content-type", b"application/cloudevents+json")], value=body)


POISON = {
    "a sequence no column holds": with_header("ce_sequence", b"2147483648"),
    "a sequence as Python alone would read it": with_header("ce_sequence", b"1_0"),
    "a sequence in other digits": with_header("ce_sequence", "٢".encode()),
    "a subject with NUL": with_header("ce_subject", b"partner/\x00"),
    "a subject longer than an index takes": with_header("ce_subject", random.Random(1).randbytes(3000).hex().encode()),
    "half a surrogate in a subject": structured(),
    "NUL in the type": with_header("ce_type", b"org.interurbe.partner.updated.v1\x00"),
    "NUL in the name of a header": with_header("x\x00y", b"1"),
    "a control character in an extension": with_header("ce_correlationid", b"a\r\nb"),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
async def test_no_message_stops_the_others(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf, poison: Message) -> None:
    feed = Feed([[poison, *told(1, 2, at=1)], told(3, at=3)])
    consumer = consumer_of(runtime_of(neighbour), feed)
    assert await consumer.step() == 3
    assert await consumer.step() == 1
    assert await seen(neighbour, "p1") == [1, 2, 3]
    assert feed.sought == []
    async with neighbour.session() as session:
        (row,) = await parked_in_inbox(session)
    assert bytes(row.payload) == poison.value


async def test_what_cannot_be_kept_at_its_place_is_kept_without_one(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    async with neighbour.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE inbox_parked ADD CHECK (subject <> 'partner/bad')"))
    consumer = consumer_of(runtime_of(neighbour), Feed([told(2, partner="bad") + told(1, at=1)]))
    assert await consumer.step() == 2
    assert await seen(neighbour, "p1") == [1]
    async with neighbour.session() as session:
        assert [(row.kind, row.subject) for row in await parked_in_inbox(session)] == [("failed", None)]


async def test_a_reader_that_cannot_go_back_is_replaced(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    async def away(session: AsyncSession, sent: Envelope) -> None:
        if troubled:
            raise ConnectionResetError("the database is away")
        await noted(session, sent)

    troubled = True
    stuck, fresh = Feed([told(1, 2)], {"seek": RuntimeError("not assigned")}), Feed([told(1, 2)])
    consumer = consumer_of(runtime_of(neighbour), stuck, fresh, handlers={PartnerRegistered: away, PartnerUpdated: away})
    with pytest.raises(ConnectionResetError):
        await consumer.step()
    assert stuck.closed
    assert "away" in (consumer.trouble() or "")
    troubled = False
    assert await consumer.step() == 2
    assert await seen(neighbour, "p1") == [1, 2]


async def test_a_poll_that_hangs_is_given_up_with_its_reader(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.consumer.HANGS_SECONDS", 0.01)
    hanging, fresh = Feed([]), Feed([told(1)])
    hanging.poll = lambda **_: asyncio.Event().wait()  # type: ignore[assignment,method-assign]  # for ever
    consumer = consumer_of(runtime_of(neighbour), hanging, fresh)
    consumer.patience = 0.01
    with pytest.raises(BusUnavailable):
        await consumer.step()
    assert hanging.closed
    assert "bus" in (consumer.trouble() or "")
    assert await consumer.step() == 1


async def test_offsets_that_cannot_be_kept_cost_a_repeat_and_nothing_else(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    feed = Feed([told(1, 2), told(1, 2), told(3, at=2)], {"commit": CommitRefused("rebalanced")})
    consumer = consumer_of(runtime_of(neighbour), feed)
    assert [await consumer.step() for _ in range(3)] == [2, 2, 1]
    assert await seen(neighbour, "p1") == [1, 2, 3]
    assert list(feed.kept.values()) == [3]


async def test_parked_facts_are_looked_at_although_the_bus_is_away(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    consumer = consumer_of(runtime_of(neighbour), Feed([told(2)]))
    await consumer.step()
    async with neighbour.session() as session:
        await session.execute(text("INSERT INTO inbox_mark VALUES ('test.ledger', 'partner/p1', 1)"))
        await session.execute(text("INSERT INTO ledger_view VALUES ('p1', '{1}')"))
        await session.commit()
    consumer._sweep_at = consumer._again_at = 0.0
    consumer._subscription._troubles["poll"] = BusUnavailable("away")  # type: ignore[union-attr]  # it is a Feed
    with pytest.raises(BusUnavailable):
        await consumer.step()
    assert await seen(neighbour, "p1") == [1, 2]


async def test_a_rebuild_that_was_cut_short_is_finished_by_whoever_comes_next(
    bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    await bus.ensure_topics(["interurbe.partners"])
    consumer = Consumer("test.ledger", runtime_of(neighbour), HANDLERS, (LedgerView,))
    sent = [Record(one.topic, one.key or b"", one.headers, one.value) for one in told(1, 2, 3)]
    assert await bus.send(sent, deadline=60) == [None] * 3
    await settle(None, consumer)
    subscription = consumer._subscription
    assert subscription is not None
    subscription.rewind = _die  # type: ignore[method-assign]  # the bus is cut off at this very moment
    with pytest.raises(KeyboardInterrupt):
        await consumer.rebuild()
    await consumer.close()
    successor = Consumer("test.ledger", runtime_of(neighbour), HANDLERS)
    await settle(None, successor)  # the lock of the group is let go of when the server has noticed that its holder went
    await successor.close()
    assert await seen(neighbour, "p1") == [1, 2, 3]


async def _die() -> None:
    raise KeyboardInterrupt
