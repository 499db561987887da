"""From the bus into a view, on both buses: once, in order, and one bad fact stops nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import Bus, Record
from shared.consumer import Consumer
from shared.db import Database
from shared.events import EVENTS, Envelope, PartnerRegistered, PartnerUpdated
from shared.events.cloudevents import to_data, to_headers
from shared.outbox import record
from shared.process.runtime import Runtime
from shared.relay import Relay
from shared.repair import discard, parked_in_inbox, republish, retry
from shared.telemetry import Telemetry
from tests.shared.facts import envelope, fact
from tests.shared.ledger import HANDLERS, NOW, Ledger, LedgerView, new_ledger, noted, seen, settle, topics

RuntimeOf = Callable[[Database], Runtime]


@pytest.fixture
async def relay(database: Database, bus: Bus, telemetry: Telemetry) -> AsyncIterator[Relay]:
    """The owner's relay."""
    await topics(bus)
    made = Relay(database, bus, telemetry)
    yield made
    await made.close()


@pytest.fixture
async def consumer(neighbour: Database, runtime_of: RuntimeOf, relay: Relay) -> AsyncIterator[Consumer]:
    """The neighbour's consumer of the owner's topic."""
    made = Consumer("test.ledger", runtime_of(neighbour), HANDLERS, (LedgerView,))
    yield made
    await made.close()


async def send(bus: Bus, *envelopes: Envelope) -> None:
    outcomes = await bus.send([_record(one) for one in envelopes], deadline=60)
    assert outcomes == [None] * len(envelopes)


def _record(sent: Envelope) -> Record:
    return Record(sent.topic, sent.subject.encode(), to_headers(sent), to_data(sent))


def numbered(sequence: int, partner: str = "p1") -> Envelope:
    return envelope(sequence, partner, fact(sequence, partner, str(sequence)))


async def parked(database: Database) -> list[tuple[str, str, int]]:
    async with database.session() as session:
        return [(row.kind, row.subject, row.sequence) for row in await parked_in_inbox(session)]


async def test_a_fact_of_a_version_nobody_knew_is_applied_after_an_upgrade(
    bus: Bus, consumer: Consumer, neighbour: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before_the_upgrade:
        before_the_upgrade.delitem(EVENTS, PartnerUpdated.TYPE)
        await send(bus, numbered(1), numbered(2), numbered(3), numbered(1, "p2"))
        await settle(None, consumer)
        assert await seen(neighbour, "p1") == [1]
        assert await seen(neighbour, "p2") == [1]
        assert {sequence for _, _, sequence in await parked(neighbour)} == {2, 3}
    async with neighbour.session() as session:
        await retry(session, [row.id for row in await parked_in_inbox(session)])
        await session.commit()
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3]
    assert await parked(neighbour) == []


async def test_a_view_shows_the_owner_s_history(relay: Relay, consumer: Consumer, database: Database, neighbour: Database) -> None:
    ledgers = [await new_ledger(database, *range(7)) for _ in range(5)]
    await settle(relay, consumer)
    for ledger_id in ledgers:
        assert await seen(neighbour, ledger_id) == list(range(7))


async def test_every_fact_sent_twice_and_in_disorder_is_applied_once(bus: Bus, consumer: Consumer, neighbour: Database) -> None:
    order = [3, 1, 1, 5, 2, 4, 3, 6, 2, 5]
    await send(bus, *(numbered(sequence) for sequence in order))
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3, 4, 5, 6]
    assert await parked(neighbour) == []


async def test_a_fact_that_came_too_early_waits_for_the_missing_one(bus: Bus, consumer: Consumer, neighbour: Database) -> None:
    await send(bus, numbered(1), numbered(3), numbered(4))
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1]
    assert await parked(neighbour) == [("gap", "partner/p1", 3), ("gap", "partner/p1", 4)]
    await send(bus, numbered(2))
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1, 2, 3, 4]
    assert await parked(neighbour) == []


async def test_a_gap_is_mended_when_the_owner_sends_the_subject_again(
    relay: Relay, consumer: Consumer, database: Database, neighbour: Database
) -> None:
    ledger_id = await new_ledger(database, 1, 2)
    async with database.session() as session:
        await session.execute(text("UPDATE outbox SET published_at = now() WHERE sequence = 1"))
        await session.commit()
    await settle(relay, consumer)
    assert await seen(neighbour, ledger_id) == []
    async with database.session() as session:
        await republish(session, subject=f"partner/{ledger_id}")
        await session.commit()
    await relay.close()
    await settle(relay, consumer)
    assert await seen(neighbour, ledger_id) == [1, 2]


async def test_a_fact_its_handler_refuses_is_parked_and_others_flow(
    bus: Bus, relay: Relay, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    async def picky(session: AsyncSession, fact_: Envelope) -> None:
        if fact_.subject == "partner/bad":
            raise LookupError("no such thing here")
        await noted(session, fact_)

    consumer = Consumer("test.ledger", runtime_of(neighbour), {PartnerRegistered: picky, PartnerUpdated: picky})
    await send(bus, numbered(1, "good"), numbered(1, "bad"), numbered(2, "good"), numbered(2, "bad"), numbered(1, "other"))
    await settle(None, consumer)
    await consumer.close()
    assert await seen(neighbour, "good") == [1, 2]
    assert await seen(neighbour, "other") == [1]
    assert await parked(neighbour) == [("failed", "partner/bad", 1), ("gap", "partner/bad", 2)]
    mended = Consumer("test.ledger", runtime_of(neighbour), HANDLERS)
    async with neighbour.session() as session:
        rows = await parked_in_inbox(session)
        assert "no such thing here" in rows[0].reason
        await retry(session, [rows[0].id])
        await session.commit()
    await settle(None, mended)
    await mended.close()
    assert await seen(neighbour, "bad") == [1, 2]
    assert await parked(neighbour) == []


async def test_a_parked_fact_given_up_lets_the_next_ones_pass(bus: Bus, consumer: Consumer, neighbour: Database) -> None:
    broken = numbered(1)
    headers = [(name, b"org.interurbe.partner.registered.v9" if name == "ce_type" else value) for name, value in to_headers(broken)]
    await bus.send([Record(broken.topic, broken.subject.encode(), headers, to_data(broken))], deadline=60)
    await send(bus, numbered(2))
    await settle(None, consumer)
    assert await parked(neighbour) == [("unknown-version", "partner/p1", 1), ("gap", "partner/p1", 2)]
    async with neighbour.session() as session:
        await discard(session, (await parked_in_inbox(session))[0].id, "of no use here")
        await session.commit()
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [2]
    assert await parked(neighbour) == []


LONG = [("ce_id", b"x" * 900_000)]  # with its data it is what a broker takes at most: 1 MiB
NO_UTF8 = [("ce_id", b"\xff"), ("n", b"\x00")]
TWICE = [("ce_id", b"1"), ("ce_id", b"2")]


@pytest.mark.parametrize("headers", [LONG, TWICE, NO_UTF8, []])
async def test_heads_nobody_can_read_are_parked_with_their_reason_and_others_flow(
    bus: Bus, consumer: Consumer, neighbour: Database, headers: list[tuple[str, bytes]]
) -> None:
    assert await bus.send([Record("interurbe.partners", b"k", headers, b"{}")], deadline=10) == [None]
    await send(bus, numbered(1))
    await settle(None, consumer)
    async with neighbour.session() as session:
        [row] = await parked_in_inbox(session)
    assert (row.kind, row.subject, await seen(neighbour, "p1")) == ("unreadable", None, [1])
    assert row.reason


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\xfe", b'{"partner": 1}'])
async def test_a_message_nobody_can_read_is_parked_and_others_flow(
    bus: Bus, consumer: Consumer, neighbour: Database, value: bytes | None
) -> None:
    await bus.send([Record("interurbe.partners", b"k", [("ce_id", b"\xff"), ("n", b"\x00")], value)], deadline=60)
    await send(bus, numbered(1))
    await settle(None, consumer)
    assert await seen(neighbour, "p1") == [1]
    assert [kind for kind, _, _ in await parked(neighbour)] == ["unreadable"]


async def test_replaying_the_whole_topic_changes_nothing(relay: Relay, consumer: Consumer, database: Database, neighbour: Database) -> None:
    ledger_id = await new_ledger(database, *range(10))
    await settle(relay, consumer)
    subscription = consumer._subscription
    assert subscription is not None
    await subscription.rewind()
    await settle(relay, consumer)
    assert await seen(neighbour, ledger_id) == list(range(10))


async def test_a_view_can_be_rebuilt_from_the_first_fact(relay: Relay, consumer: Consumer, database: Database, neighbour: Database) -> None:
    ledger_id = await new_ledger(database, *range(10))
    await settle(relay, consumer)
    async with neighbour.session() as session:
        await session.execute(text("UPDATE ledger_view SET notes = '{666}'"))
        await session.commit()
    assert await consumer.rebuild() >= 10
    assert await seen(neighbour, ledger_id) == list(range(10))


async def test_when_the_database_fails_nothing_is_parked_and_nothing_skipped(
    bus: Bus, relay: Relay, neighbour: Database, runtime_of: RuntimeOf, telemetry: Telemetry
) -> None:
    async def cut_off(session: AsyncSession, fact_: Envelope) -> None:
        if broken:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        await noted(session, fact_)

    broken = True
    consumer = Consumer("test.ledger", runtime_of(neighbour), {PartnerRegistered: cut_off, PartnerUpdated: cut_off})
    await send(bus, numbered(1), numbered(2))
    with pytest.raises(Exception, match=r"terminat|clos"):
        await settle(None, consumer)
    assert consumer.trouble() is not None
    broken = False
    await settle(None, consumer)
    await consumer.close()
    assert await seen(neighbour, "p1") == [1, 2]
    assert await parked(neighbour) == []
    restarts = telemetry.metrics.registry.get_sample_value("interurbe_consumer_restarts_total", {"consumer": "test.ledger"})
    assert not restarts  # it went back by itself: nobody had to open it anew


async def test_what_a_handler_records_belongs_to_the_same_trace_and_names_its_cause(
    bus: Bus, relay: Relay, neighbour: Database, runtime_of: RuntimeOf
) -> None:
    async def answering(session: AsyncSession, fact_: Envelope) -> None:
        await append_in(session, fact_)

    consumer = Consumer("test.ledger", runtime_of(neighbour), {PartnerRegistered: answering})
    await send(bus, numbered(1))
    await settle(None, consumer)
    await consumer.close()
    async with neighbour.reader() as reader:
        headers = dict((await reader.execute(text("SELECT headers FROM outbox"))).scalar_one())
    assert headers["ce_causationid"] == "p1-1"
    assert headers["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert headers["traceparent"].split("-")[2] != "b7ad6b7169203331"


async def append_in(session: AsyncSession, fact_: Envelope) -> None:
    """Record a fact of our own in answer to a neighbour's."""
    ledger = Ledger(notes=[])
    await record(session, ledger, ledger.note(1), now=NOW)
