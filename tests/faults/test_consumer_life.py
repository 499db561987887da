"""Rows C11 and C15: a handler slower than the bus will wait, and cancellation wherever a consumer or a relay waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import PARTITIONS, Message, TopicPartition
from shared.bus.kafka import CONSUMER
from shared.bus.kafka.subscription import KafkaSubscription
from shared.consumer import Consumer
from shared.events import Envelope, PartnerRegistered, PartnerUpdated
from shared.handling import Handler
from shared.process.runtime import Runtime
from shared.relay import Relay
from tests.faults.conftest import BUSES, Tell
from tests.faults.interrupting import interrupted
from tests.faults.road import EXPECTED, PATIENCE, TOPIC, Road, road, two_databases
from tests.fixtures.buses import open_bus_of
from tests.fixtures.postgres import NewDatabase
from tests.shared.ledger import SilentWake, noted

INTERVAL_MS = 500
SLOW_SECONDS = 0.4


@pytest.fixture(params=BUSES)
async def way(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Road]:
    """A road on which nothing was said yet."""
    bus = open_bus_of(request, str(request.param))
    await bus.ensure_topics([TOPIC])
    async with road(two_databases(new_database), bus, tmp_path, deadline=8.0) as made:
        yield made


async def slowly(session: AsyncSession, fact: Envelope) -> None:
    """Takes its time over every fact."""
    await session.execute(select(func.pg_sleep(SLOW_SECONDS)))
    await noted(session, fact)


def slow_consumer(way: Road, slowly: Handler = slowly) -> Consumer:
    """A member of the group whose handler takes its time."""
    runtime = Runtime(settings=None, database=way.neighbour, bus=way.bus, wake=SilentWake(), telemetry=way.telemetry)  # type: ignore[arg-type]  # loops read no settings
    made = Consumer("test.ledger", runtime, {PartnerRegistered: slowly, PartnerUpdated: slowly})
    made.patience = 0.1
    return made


@pytest.mark.slow_fault
async def test_c11_a_handler_slower_than_the_bus_waits_applies_once_and_comes_on(
    way: Road, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    monkeypatch.setitem(CONSUMER, "max_poll_interval_ms", INTERVAL_MS)
    members = [slow_consumer(way), slow_consumer(way)]
    try:
        for member in members:
            await until_it_reads(member)
        before = [generation_of(member) for member in members]
        await way.write(ledgers=4, each=3)
        await way.sent()
        async with asyncio.timeout(PATIENCE):
            while await way.view() != way.told:
                await asyncio.gather(*(way.read(member) for member in members))
        if way.bus.system == "kafka":  # the fault happened: the group went on without whoever was so slow
            assert [generation_of(member) for member in members] != before
    finally:
        for member in members:
            await member.close()
    await way.arrive()
    tell.counted(12, "I3 I5 I7 I8")


@pytest.mark.slow_fault
@pytest.mark.kafka
@pytest.mark.parametrize("way", ["kafka"], indirect=True)
async def test_c11_what_a_slow_member_has_in_hand_is_given_to_another_and_applied_once(
    way: Road, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    monkeypatch.setitem(CONSUMER, "max_poll_interval_ms", INTERVAL_MS)
    monkeypatch.setitem(CONSUMER, "heartbeat_interval_ms", 100)
    entered, go_on, given = asyncio.Event(), asyncio.Event(), counted(monkeypatch)

    async def holding(session: AsyncSession, fact: Envelope) -> None:
        entered.set()
        await go_on.wait()
        await noted(session, fact)

    slow, quick = slow_consumer(way, holding), way.consumer
    for member in (slow, quick):
        await until_it_reads(member)
    await way.write(ledgers=12, each=2)
    await way.sent()
    working = asyncio.create_task(everything_read(way, slow))
    await entered.wait()
    async with asyncio.timeout(PATIENCE):
        while len(assigned(quick)) < PARTITIONS:
            await way.read(quick)
    other = asyncio.create_task(everything_read(way, quick))  # the same facts, and waits for whoever has them in hand
    go_on.set()
    await asyncio.gather(working, other)
    await way.arrive()
    assert max(given.values()) > 1  # what was in hand came twice, and was applied once
    await slow.close()
    tell.counted(24, "I3 I5 I7 I8")


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int]]:
    """How often each message (by partition and offset) is given to a member of the group."""
    given: Counter[tuple[int, int]] = Counter()
    poll = KafkaSubscription.poll

    async def counting(self: KafkaSubscription, *, limit: int, timeout: float) -> dict[TopicPartition, list[Message]]:
        found = await poll(self, limit=limit, timeout=timeout)
        given.update((one.partition, one.offset) for batch in found.values() for one in batch)
        return found

    monkeypatch.setattr(KafkaSubscription, "poll", counting)
    return given


async def everything_read(way: Road, member: Consumer) -> None:
    """Read until all that was told is seen."""
    async with asyncio.timeout(PATIENCE):
        while await way.view() != way.told:
            await way.read(member)


def assigned(member: Consumer) -> set[TopicPartition]:
    """The partitions that a member reads."""
    return set() if member._subscription is None else set(member._subscription.assignment())


async def until_it_reads(member: Consumer) -> None:
    """On Kafka a member has partitions; in PostgreSQL one reads, and the others stand by."""
    subscription = await member._joined()
    async with asyncio.timeout(PATIENCE):
        await subscription.poll(limit=1, timeout=0.1)
        while member._bus.system == "kafka" and not subscription.assignment():
            await subscription.poll(limit=1, timeout=0.1)


def generation_of(member: Consumer) -> int:
    """How often what it reads has changed."""
    return member._subscription.generation if member._subscription else -1


@pytest.mark.slow_fault
async def test_c15_a_consumer_cancelled_wherever_it_waits_loses_nothing(way: Road, tell: Tell) -> None:
    ledgers = await way.write(ledgers=2, each=1)
    await way.arrive()
    at, went_on = 0, True
    while went_on:
        at += 1
        for ledger in ledgers:
            await way.note(ledger)
        await way.sent()
        await way.stop_reading()
        way.consumer.patience = 0.05
        went_on = await interrupted(taken(way.consumer, len(ledgers)), at)
        await way.stop_reading()
        await caught_up(way)
    await way.arrive()
    assert at > len(ledgers)
    tell.counted(at, "I3 I4 I5 I7")


async def taken(consumer: Consumer, facts: int) -> None:
    """A consumer's life from its first step until it has dealt with so many facts, and one step more."""
    done = 0
    while done < facts:
        done += await consumer.step()
    await consumer.step()


async def caught_up(way: Road) -> None:
    """Whoever comes next has read everything, and told the bus."""
    way.consumer.patience = 0.05
    async with asyncio.timeout(PATIENCE):
        while await way.view() != way.told or await behind(way.consumer):
            await way.read()
    assert await way.parked() == []


async def behind(consumer: Consumer) -> bool:
    """Whether anything on the bus is not yet committed by the group, as far as it knows."""
    try:
        await consumer._offsets.kept()
        lag = await consumer._subscription.lag() if consumer._subscription else {}
    except EXPECTED:
        return True
    return not lag or any(lag.values())


@pytest.mark.slow_fault
async def test_c15_a_relay_cancelled_wherever_it_waits_loses_nothing(way: Road, tell: Tell) -> None:
    ledgers = await way.write(ledgers=2, each=1)
    await way.arrive()
    at, went_on = 0, True
    while went_on:
        at += 1
        for ledger in ledgers:
            await way.note(ledger)
        await way.relay.close()
        way.relay = way.new_relay()
        went_on = await interrupted(carried(way.relay, len(ledgers)), at)
        await way.relay.close()
        way.relay = way.new_relay()
        await way.sent()
    await way.arrive()
    copies = Counter(dict(message.headers)["ce_id"] for message in await way.log())
    assert len(copies) == sum(map(len, way.told.values()))
    assert max(copies.values()) <= 2  # sent once more at the most
    tell.counted(at, "I2 I3 I4 I5")


async def carried(relay: Relay, facts: int) -> None:
    """A relay's life from its first step until it has carried so many facts, and one step more."""
    done = 0
    while done < facts:
        done += await relay.step()
    await relay.step()
