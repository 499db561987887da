"""Rows C22 and C23: a view filled from zero while its owner goes on, and readers that come when the log's beginning is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from sqlalchemy import update

from deploy.kafka.broker import Broker
from shared.bus.partitions import partition_of
from shared.repair import discard, parked_in_inbox, republish
from tests.faults.conftest import BUSES, Tell
from tests.faults.road import PATIENCE, TOPIC, Road, road, two_databases
from tests.fixtures.buses import open_bus_of
from tests.fixtures.postgres import NewDatabase
from tests.shared.ledger import LedgerView

Trim = Callable[[], Awaitable[None]]


@pytest.fixture(params=BUSES)
async def way(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Road]:
    """A road that nobody has gone yet."""
    bus = open_bus_of(request, str(request.param))
    await bus.ensure_topics([TOPIC])
    async with road(two_databases(new_database), bus, tmp_path, deadline=8.0) as made:
        yield made


@pytest.fixture
def trim(way: Road, request: pytest.FixtureRequest) -> Trim:
    """A year goes by: all that is in the log leaves it."""

    async def of_postgres() -> None:
        assert await way.bus.forget(datetime.now(UTC) + timedelta(hours=1))

    async def of_kafka() -> None:
        broker: Broker = request.getfixturevalue("kafka")
        topic = request.getfixturevalue("kafka_namespace") + TOPIC
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        await admin.delete_records({TopicPartition(topic, number): RecordsToDelete(before_offset=-1) for number in range(6)})
        await admin.close()

    return of_kafka if way.bus.system == "kafka" else of_postgres


async def test_c22_a_view_is_filled_from_zero_while_its_owner_goes_on(way: Road, tell: Tell) -> None:
    ledgers = await way.write(ledgers=20, each=10)
    await way.arrive()
    async with way.neighbour.session() as session:
        await session.execute(update(LedgerView).values(notes=[666]))
        await session.commit()
    filled = asyncio.Event()

    async def go_on() -> None:
        """The owner never rests."""
        while not filled.is_set():
            for ledger in ledgers:
                await way.note(ledger)
                await way.send()

    going_on = asyncio.create_task(go_on())
    async with asyncio.timeout(PATIENCE):
        assert await way.consumer.rebuild() >= 200
    filled.set()
    await going_on
    view = await way.view()
    assert {ledger: view[ledger][:10] for ledger in ledgers} == {ledger: list(range(10)) for ledger in ledgers}
    await way.arrive()
    tell.counted(sum(map(len, way.told.values())), "I3 I4 I5 I7 I8")


async def test_c22_a_rebuild_that_dies_on_its_way_is_finished_by_whoever_comes_next(way: Road, tell: Tell) -> None:
    ledgers = await way.write(ledgers=20, each=10)
    await way.arrive()
    rebuilding = asyncio.create_task(way.consumer.rebuild())
    while not rebuilding.done() and (len(await way.view()) == len(ledgers)):
        await asyncio.wait([rebuilding], timeout=0.001)
    rebuilding.cancel()
    await asyncio.wait([rebuilding])
    assert rebuilding.cancelled()
    await way.stop_reading()
    for ledger in ledgers:
        await way.note(ledger)
    await way.arrive()
    tell.counted(sum(map(len, way.told.values())), "I3 I4 I5 I7 I8")


async def test_c23_a_new_reader_of_a_trimmed_log_is_told_and_the_owner_fills_it(way: Road, trim: Trim, tell: Tell) -> None:
    silent, spoken = await way.write(ledgers=6, each=2), await way.write(ledgers=3, each=2)
    await way.sent()
    await trim()
    for ledger in spoken:
        await way.note(ledger)
    await way.sent()
    await told_of_what_is_missing(way, [*silent, *spoken], waiting=len(spoken))
    assert set(await way.view()) == set()
    await sent_again(way)
    await way.arrive()
    tell.counted(sum(map(len, way.told.values())), "I3 I4 I5 I7 I11")


async def test_c23_a_rebuild_from_a_trimmed_log_is_told_and_the_owner_fills_it(way: Road, trim: Trim, tell: Tell) -> None:
    silent, spoken = await way.write(ledgers=6, each=2), await way.write(ledgers=3, each=2)
    await way.arrive()
    await trim()
    for ledger in spoken:
        await way.note(ledger)
    await way.arrive()
    await way.stop_reading()
    await way.consumer.rebuild()
    await told_of_what_is_missing(way, [*silent, *spoken], waiting=len(spoken))
    await sent_again(way)
    await way.arrive()
    tell.counted(sum(map(len, way.told.values())), "I3 I4 I5 I7 I11")


async def told_of_what_is_missing(way: Road, ledgers: list[str], *, waiting: int) -> None:
    """Every partition that lost anything is noted, what comes too early waits, and the consumer says what to do about it."""
    gone = {partition_of(f"partner/{ledger}".encode(), 6) for ledger in ledgers}
    async with asyncio.timeout(PATIENCE):
        while await noted_as_lost(way) != gone or "republish" not in str(way.consumer.trouble()):
            await way.read()
    assert [kind for kind, _ in await way.parked()].count("gap") == waiting


async def noted_as_lost(way: Road) -> set[int]:
    """The partitions of which the consumer has noted that something left them unread."""
    async with way.neighbour.session() as session:
        return {row.partition for row in await parked_in_inbox(session) if row.kind == "lost"}


async def sent_again(way: Road) -> None:
    """What the trouble says: the owner's `republish --since`, and when all is there the notes are discarded."""
    async with way.owner.session() as session:
        assert await republish(session, since=datetime(2000, 1, 1, tzinfo=UTC)) == sum(map(len, way.told.values()))
        await session.commit()
    async with asyncio.timeout(PATIENCE):
        while await way.view() != way.told or {kind for kind, _ in await way.parked()} != {"lost"}:
            await way.step()
    async with way.neighbour.session() as session:
        for row in await parked_in_inbox(session):
            await discard(session, row.id, "sent again")
        await session.commit()
    async with asyncio.timeout(PATIENCE):
        while way.consumer.trouble() is not None:
            await way.read()
