"""Rows B9, B10, B11 and B14 on three real brokers with three copies of everything, of which two must be whole to write."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.kafka.cluster import KafkaCluster
from tests.faults.nodes import Nodes
from tests.faults.road import Road, road, two_databases
from tests.fixtures.postgres import NewDatabase

pytestmark = [pytest.mark.kafka, pytest.mark.slow_fault, pytest.mark.timeout(300)]  # brokers take seconds to go and to come


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Three brokers that tests may hurt."""
    made = KafkaCluster(tmp_path_factory.mktemp("cluster"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def nodes(three: KafkaCluster, kafka_namespace: str) -> Iterator[Nodes]:
    """All of them, there and awake."""
    three.start()
    yield Nodes(three, kafka_namespace)
    for broker in three.brokers.values():
        broker.thaw()


@pytest.fixture
async def way(nodes: Nodes, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Road]:
    """A road over them, already in use."""
    bus = nodes.bus()
    await nodes.make_topic(bus)
    async with road(two_databases(new_database), bus, tmp_path, deadline=8.0) as made:
        await made.write()
        await made.arrive()
        yield made


async def arrived_in_order(way: Road, *, most: int) -> None:
    """Everything is in the view; in the log each ledger's facts first occur as 1, 2, 3 … and none more often than `most` times."""
    await way.arrive()
    copies: Counter[tuple[bytes, int]] = Counter()
    firsts: dict[bytes, list[int]] = {}
    for message in await way.log():
        said = dict(message.headers)
        fact = (said["ce_subject"], int(said["ce_sequence"]))
        if not copies[fact]:
            firsts.setdefault(fact[0], []).append(fact[1])
        copies[fact] += 1
    assert firsts == {f"partner/{ledger}".encode(): list(range(1, len(notes) + 1)) for ledger, notes in way.told.items()}
    assert max(copies.values()) <= most


async def test_b9_the_broker_that_leads_is_killed_and_leads_again_after_an_election(way: Road, nodes: Nodes) -> None:
    leader = (await nodes.leaders())[0]
    ledgers = await way.write()
    nodes.brokers[leader].kill()
    for _ in range(3):
        for ledger in ledgers:
            await way.note(ledger)
        await way.step()
    await nodes.led_without(leader)
    await way.arrive()  # with two of three
    await nodes.come(leader)
    for _ in range(3):
        for ledger in ledgers:
            await way.note(ledger)
        await asyncio.gather(way.step(), nodes.elect())
    assert (await nodes.leaders())[0] == leader
    await arrived_in_order(way, most=2)


async def test_b9_a_leader_that_was_frozen_and_deposed_wakes_up_and_does_no_harm(way: Road, nodes: Nodes) -> None:
    leader = (await nodes.leaders())[0]
    ledgers = await way.write()
    nodes.brokers[leader].freeze()
    sending = asyncio.create_task(way.send())
    await nodes.led_without(leader)
    nodes.brokers[leader].thaw()
    for ledger in ledgers:
        await way.note(ledger)
    await sending
    await nodes.whole()
    await arrived_in_order(way, most=2)


async def test_b10_the_broker_that_coordinates_the_group_is_killed_and_reading_goes_on(way: Road, nodes: Nodes) -> None:
    ledgers = await way.write()
    for _ in range(2):
        coordinator = await nodes.coordinator()
        nodes.brokers[coordinator].kill()
        for ledger in ledgers:
            await way.note(ledger)
        await way.arrive()  # without it
        assert await nodes.coordinator() != coordinator
        await nodes.come(coordinator)
    await arrived_in_order(way, most=2)


async def test_b11_with_one_broker_of_three_commands_succeed_and_facts_wait(
    way: Road, nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    staying, *leaving = nodes.brokers
    ledgers = await way.write()
    await way.arrive()
    for node in leaving:
        nodes.brokers[node].kill()
    await nodes.led_without(*leaving)
    with caplog.at_level("WARNING", "aiokafka"):
        for _ in range(2):
            for ledger in ledgers:
                await way.note(ledger)
            assert await way.send() == 0
            await way.read()
    assert "NotEnoughReplicas" in caplog.text
    assert await way.unsent() == 2 * len(ledgers)
    assert way.relay.trouble() is not None
    assert set.union(*(await nodes.in_sync()).values()) == {staying}
    await nodes.come(*leaving)
    await arrived_in_order(way, most=2)
    assert way.relay.trouble() is None


@pytest.mark.parametrize(("hangs", "seconds"), [(False, 0.02), (True, 0.5)])
async def test_b14_a_broker_killed_in_the_middle_of_a_batch_and_started_again_loses_nothing(
    way: Road, nodes: Nodes, *, hangs: bool, seconds: float
) -> None:
    """Wherever it is by then; one that hangs has been sent its part of the batch, and has stored and answered nothing."""
    ledgers = await way.write(ledgers=30, each=1)
    await way.sent()  # there is a connection to each of them
    for ledger in ledgers * 5:
        await way.note(ledger)
    leader = (await nodes.leaders())[0]
    if hangs:
        nodes.brokers[leader].freeze()
    sending = asyncio.create_task(way.send())
    await asyncio.wait([sending], timeout=seconds)
    assert not sending.done()
    nodes.brokers[leader].kill()
    await sending
    await nodes.come(leader)
    await arrived_in_order(way, most=2)
