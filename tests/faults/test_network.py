"""Rows R4, R8, R9, R20, C3, C9, C10, C19, D6 and D7: connections to the databases and the bus fail under the relay and the consumer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from shared.bus import PARTITIONS, Subscription
from shared.bus.kafka import CONSUMER
from shared.bus.kafka.subscription import KafkaSubscription
from shared.bus.postgres.subscription import PostgresSubscription
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope
from shared.loop import Wake
from shared.relay import BATCH_BYTES
from tests.faults.mock_cluster import MockCluster
from tests.faults.proxy import FaultProxy, Match, saying
from tests.faults.road import PATIENCE, TOPIC, Road, Urls, impatient, proxied_mock, proxied_postgres, rerouted, road, two_databases
from tests.fixtures.buses import open_bus_of
from tests.fixtures.postgres import NewDatabase
from tests.shared.ledger import noted


class Far:
    """A road whose three connections (owner's database, neighbour's, bus) each go through a proxy."""

    def __init__(self, road: Road, owner: FaultProxy, neighbour: FaultProxy, bus: FaultProxy) -> None:
        self.road, self.owner, self.neighbour, self.bus = road, owner, neighbour, bus


@pytest.fixture(params=["postgres", "mock"])
async def far(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase, tmp_path: Path
) -> AsyncIterator[Far]:
    """Such a road, already in use; the relay and the consumer go through the proxies, the test's own hand goes to the databases itself."""
    async with AsyncExitStack() as stack:
        urls = new_database("partners"), new_database("initiatives")
        owners, neighbours = [await stack.enter_async_context(FaultProxy(urlsplit(url).port or 5432)) for url in urls]
        if request.param == "mock":
            proxied = proxied_mock(monkeypatch, stack.enter_context(MockCluster()))
        else:
            proxied = proxied_postgres(request.getfixturevalue("log_url"))
        to_bus, bus = await stack.enter_async_context(proxied)
        await bus.ensure_topics([TOPIC])
        made = await stack.enter_async_context(road(urls, bus, tmp_path))
        direct = made.owner, made.neighbour
        away = [Database(rerouted(url, proxy.port)) for url, proxy in zip(urls, (owners, neighbours), strict=True)]
        for database in away:
            stack.push_async_callback(database.close)
        made.owner, made.neighbour = away
        made.relay, made.consumer = made.new_relay(), made.new_consumer()
        made.owner, made.neighbour = direct
        await made.write()
        await made.arrive()
        yield Far(made, owners, neighbours, to_bus)
        for proxy in (owners, neighbours, to_bus):
            proxy.up()


async def test_r4_a_mark_whose_answer_is_lost_makes_a_repeat_at_most(far: Far) -> None:
    road = far.road
    for _ in range(3):
        await road.write()
        far.owner.cut(is_mark(road))
        await road.send()
        far.owner.cut(is_mark(road), times=0)
    assert far.owner.cuts == 3
    await road.arrive()
    copies = Counter(dict(message.headers)["ce_id"] for message in await road.log())
    assert len(copies) == sum(map(len, road.told.values()))
    assert max(copies.values()) <= 2


def is_mark(road: Road) -> Match:
    """A statement that names the relay's fence and is not the one that reads (which names the most bytes it wants)."""
    holder, most = UUID(road.relay._lease.holder).hex.encode(), BATCH_BYTES.to_bytes(8, "big")
    return lambda data: holder in data.replace(b"-", b"") and most not in data and b"UPDATE outbox" not in data


@pytest.mark.slow_fault
async def test_r8_a_leader_cut_off_from_its_database_stops_sending_within_its_lease(far: Far) -> None:
    road = far.road
    second = road.new_relay()
    await road.write()
    far.owner.down()
    assert await road.send() == 0
    assert not road.relay.leading
    async with asyncio.timeout(PATIENCE):
        while not await second.step():
            await second.wake.wait(0.05)
    await second.close()
    far.owner.up()
    await road.write()
    await road.arrive()


async def test_r9_a_leader_cut_off_from_the_bus_blocks_nobody(far: Far) -> None:
    road = far.road
    far.bus.down()
    await road.write()
    for _ in range(3):
        assert await road.send() == 0
    assert road.relay.trouble() is not None
    await road.relay.close()  # its process is stopped: another one, that reaches the bus, takes over at once
    far.bus.up()
    second = road.new_relay()
    async with asyncio.timeout(PATIENCE):
        while await road.unsent():
            if not await second.step():
                await second.wake.wait(0.05)
    await second.close()
    await road.arrive()


async def test_r20_a_producer_that_hangs_does_not_keep_the_process(
    monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase, tmp_path: Path
) -> None:
    with MockCluster() as cluster:
        async with proxied_mock(monkeypatch, cluster) as (proxy, bus), road(two_databases(new_database), bus, tmp_path) as made:
            await made.write()
            await made.arrive()
            await made.write()
            proxy.black_hole = True
            sending = asyncio.create_task(made.send())
            await asyncio.wait([sending], timeout=0.05)
            async with asyncio.timeout(30):
                await made.relay.close()
                await made.consumer.close()
                await bus.close()
            await sending
            assert await made.unsent() == 6


async def test_c3_a_commit_whose_answer_is_lost_has_one_effect(far: Far) -> None:
    road = far.road
    for _ in range(3):
        await road.write()
        await road.sent()
        far.neighbour.cut(saying(b"COMMIT"))
        await road.read()
    assert far.neighbour.cuts >= 1
    await road.arrive()


@pytest.mark.kafka
@pytest.mark.slow_fault
async def test_c9_a_rebalance_in_the_middle_of_a_batch_refuses_its_offsets_and_nothing_else(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase, tmp_path: Path
) -> None:
    async with crowd(request, "kafka", monkeypatch, two_databases(new_database), tmp_path) as made:
        monkeypatch.setattr("shared.offsets._log", structlog.get_logger())  # one that was used before writes where it wrote then
        with capture_logs() as told:
            async with asyncio.timeout(PATIENCE):
                while not any("offsets not kept" in line["event"] for line in told):  # what is in hand may be of partitions that stay
                    await another_joins_in_the_middle_of_a_batch(made, monkeypatch)


async def another_joins_in_the_middle_of_a_batch(made: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reader is at work when another takes half of the partitions; both go on, everything arrives, and the other leaves."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(session: AsyncSession, envelope: Envelope) -> None:
        entered.set()
        await go_on.wait()
        await noted(session, envelope)

    await made.write(ledgers=12)
    await made.sent()
    await made.consumer.close()
    with monkeypatch.context() as patch:
        patch.setattr("tests.faults.road.noted", slowly)
        made.consumer = made.new_consumer()
    other = made.new_consumer()
    first = asyncio.create_task(reading(made, made.consumer, go_on))
    await entered.wait()
    second = asyncio.create_task(reading(made, other, go_on))
    await until(lambda: shares(other) > 0 and shares(made.consumer) < PARTITIONS)
    go_on.set()
    await asyncio.gather(first, second)
    await made.arrive(other)
    await other.close()


@pytest.mark.slow_fault
@pytest.mark.parametrize("kind", ["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
async def test_c10_members_come_and_go_fifty_times(
    request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase, tmp_path: Path
) -> None:
    async with crowd(request, kind, monkeypatch, two_databases(new_database), tmp_path) as made:
        ledgers = await made.write(ledgers=6, each=1)
        for _ in range(50):
            older, younger = made.consumer, made.new_consumer()
            younger.patience = 0.03
            while not shares(younger):
                await asyncio.gather(made.send(), made.read(older), made.read(younger))
                if kind == "postgres":  # there one member reads, and the next one when that has gone
                    break
            for ledger in ledgers:
                await made.note(ledger)
            await asyncio.gather(made.send(), made.read(older), made.read(younger))
            await made.note(ledgers[0])
            await made.sent()
            await older.close()  # it leaves something unread
            made.consumer = younger
        await made.arrive()


@asynccontextmanager
async def crowd(
    request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch, urls: Urls, folder: Path
) -> AsyncIterator[Road]:
    """A road on which members of a group soon hear of each other: by their next heartbeat, and no question waits behind a long poll."""
    monkeypatch.setitem(CONSUMER, "heartbeat_interval_ms", 100)
    impatient(monkeypatch)
    bus = open_bus_of(request, kind)
    await bus.start()
    await bus.ensure_topics([TOPIC])
    async with road(urls, bus, folder, deadline=8.0) as made:
        yield made


def shares(member: Consumer) -> int:
    """How many partitions a member has."""
    return 0 if member._subscription is None else len(member._subscription.assignment())


async def reading(way: Road, member: Consumer, done: asyncio.Event) -> None:
    """A member reads as its process does."""
    while not done.is_set():
        await way.read(member)


async def until(look: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not look():
            await Wake().wait(0.05)


async def test_c19_a_reader_that_hears_nothing_is_restarted_by_its_watchdog(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.consumer.STANDSTILL_SECONDS", 1.0)
    monkeypatch.setattr("shared.consumer.SWEEP_SECONDS", 0.1)
    road = far.road
    kill_fetching(subscription := road.consumer._subscription)
    await road.write()
    await road.sent()
    async with asyncio.timeout(PATIENCE):
        while road.consumer._subscription is subscription:
            await road.read()
    restarts = road.telemetry.metrics.registry.get_sample_value("interurbe_consumer_restarts_total", {"consumer": "test.ledger"})
    assert restarts == 1
    await road.arrive()


def kill_fetching(subscription: Subscription | None) -> None:
    """From now on it brings nothing, and nobody says so."""
    if isinstance(subscription, PostgresSubscription):
        subscription._positions = dict.fromkeys(subscription._positions, 10**9)
    else:
        assert isinstance(subscription, KafkaSubscription)
        subscription._consumer._fetcher._fetch_task.cancel()


@pytest.mark.slow_fault
@pytest.mark.parametrize("whose", ["owner", "neighbour", "bus"])
async def test_d6_a_database_in_a_black_hole_hangs_nobody_for_ever(far: Far, whose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.postgres.connecting.COMMAND_SECONDS", 2.0)
    proxy: FaultProxy = getattr(far, whose)
    await far.road.write()
    proxy.black_hole = True
    async with asyncio.timeout(100):  # statements have a deadline of their own; none of ours is longer than this
        await far.road.send()
        await far.road.read()
    assert await far.road.view() != far.road.told  # nothing came through it
    proxy.up()
    proxy.reset()
    await far.road.arrive()


@pytest.mark.parametrize("whose", ["owner", "neighbour", "bus"])
async def test_d7_a_database_that_refuses_connections_is_waited_for(far: Far, whose: str) -> None:
    proxy: FaultProxy = getattr(far, whose)
    proxy.down()
    for _ in range(4):
        await far.road.write(ledgers=2, each=1)
        await far.road.step()
    assert (far.road.relay.trouble() or far.road.consumer.trouble()) is not None
    proxy.up()
    await far.road.arrive()
