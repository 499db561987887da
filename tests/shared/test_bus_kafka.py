"""What only Kafka does: brokers that refuse batches, damaged segments, another cluster behind the same address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from deploy.kafka.broker import Broker
from deploy.ports import free_port
from shared.bus import BusError, BusUnavailable, CorruptBatch, HeldBack, Message, Record, RecordRefused, Subscription, TopicPartition
from shared.bus.kafka import CONSUMER, KafkaBus
from shared.bus.kafka.delivery import Delivery
from shared.bus.kafka.ending import end_consumer, no_stray_cancellation
from shared.bus.partitions import partition_of

TOPIC = "interurbe.things"
DEADLINE = 60.0
PATIENCE = 60.0

pytestmark = pytest.mark.kafka


def record(key: bytes, size: int = 100, topic: str = TOPIC) -> Record:
    return Record(topic, key, [("size", b"%d" % size)], b"x" * size)


@pytest.fixture
async def bus(kafka: Broker, kafka_namespace: str) -> AsyncIterator[KafkaBus]:
    made = KafkaBus(kafka.bootstrap, namespace=kafka_namespace)
    await made.ensure_topics([TOPIC])
    yield made
    await made.close()


async def read(member: Subscription, count: int) -> list[Message]:
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            for messages in (await member.poll(limit=100, timeout=1.0)).values():
                found += messages
    return found


@given(st.binary(max_size=80), st.integers(1, 50))
def test_chooses_partitions_as_aiokafka_does(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == DefaultPartitioner()(key, list(range(partitions)), [])


async def test_finds_the_one_record_that_the_broker_refuses(bus: KafkaBus, kafka: Broker, kafka_namespace: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(kafka_namespace + "small", 1, 1, topic_configs={"max.message.bytes": "5000"})])
    await admin.close()
    keys = [b"k%d" % number for number in range(60)]
    records = [record(key, topic="small") for key in keys]
    records[30] = record(b"k30", 9_000, "small")
    records.append(record(b"k30", topic="small"))
    outcomes = await bus.send(records, deadline=DEADLINE)
    assert isinstance(outcomes[30], RecordRefused)
    assert "max.message.bytes" in str(outcomes[30])
    assert isinstance(outcomes[-1], HeldBack)
    assert [outcome for index, outcome in enumerate(outcomes) if index not in (30, 60)] == [None] * 59
    async with bus.subscribe("small", ["small"]) as member:
        assert [message.key for message in await read(member, 59)] == [key for key in keys if key != b"k30"]


async def test_builds_a_new_producer_after_a_fatal_error(bus: KafkaBus) -> None:
    """A producer whose numbering went wrong is of no use any more; aiokafka goes on with it and fails for ever."""
    assert await bus.send([record(b"a")], deadline=DEADLINE) == [None]
    spoiled = bus._sender._producer
    numbers = spoiled._txn_manager._sequence_numbers
    numbers.update(dict.fromkeys(numbers, 1_000))
    outcomes = await bus.send([record(b"a"), record(b"a")], deadline=DEADLINE)
    assert {type(outcome) for outcome in outcomes} == {BusUnavailable}
    assert OutOfOrderSequenceNumber.__name__ in str(outcomes[0])
    assert await bus.send([record(b"a"), record(b"b")], deadline=DEADLINE) == [None, None]
    assert bus._sender._producer is not spoiled
    async with bus.subscribe("fatal", [TOPIC]) as member:
        assert sorted(message.key or b"" for message in await read(member, 3)) == [b"a", b"a", b"b"]


async def test_leaves_no_task_behind_after_a_forced_end(bus: KafkaBus) -> None:
    before = asyncio.all_tasks()
    for _ in range(3):
        await bus.send([record(b"a")], deadline=DEADLINE)
        await bus._sender.discard()
    assert asyncio.all_tasks() <= before


async def test_tells_its_lag_while_a_poll_waits_at_the_broker(bus: KafkaBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONSUMER, "fetch_max_wait_ms", 9_000)  # longer than an answer is waited for
    async with bus.subscribe("waiting", [TOPIC]) as member:
        assert await bus.send([record(b"k")], deadline=DEADLINE) == [None]
        await read(member, 1)
        polling = asyncio.create_task(member.poll(limit=1, timeout=9.0))
        assert sum((await member.lag()).values()) == 1
        assert not polling.done()
        assert await bus.send([record(b"k")], deadline=DEADLINE) == [None]
        assert [len(batch) for batch in (await polling).values()] == [1]


async def test_tells_one_cluster_from_another(bus: KafkaBus, kafka: Broker) -> None:
    assert await bus.cluster_id() == kafka.cluster_id


async def test_goes_past_damaged_records_and_loses_only_those(bus: KafkaBus, kafka: Broker, kafka_namespace: str) -> None:
    for key in (b"before", b"hurt", b"after"):
        # One key, so one partition; one call, so one batch each.
        records = [Record(TOPIC, b"same", [], key + b" %d" % number) for number in range(5)]
        assert await bus.send(records, deadline=DEADLINE) == [None] * 5
    partition = partition_of(b"same", 6)
    _damage(kafka.directory / "data" / f"{kafka_namespace}{TOPIC}-{partition}", b"hurt 3")
    async with bus.subscribe("damage", [TOPIC]) as member:
        found = await read(member, 5)
        assert [message.value for message in found] == [b"before %d" % number for number in range(5)]
        with pytest.raises(CorruptBatch) as caught:
            await read(member, 1)
        assert (caught.value.tp, caught.value.offset, caught.value.after) == (TopicPartition(TOPIC, partition), 5, 10)
        await member.seek(caught.value.tp, caught.value.after)
        assert [message.value for message in await read(member, 5)] == [b"after %d" % number for number in range(5)]


def _damage(directory: Path, content: bytes) -> None:
    """Turns one letter of a stored record, as a failing disk does."""
    segment = next(directory.glob("*.log"))
    where = segment.read_bytes().index(content)
    with segment.open("r+b") as file:
        file.seek(where)
        file.write(b"X")


async def test_reads_from_the_beginning_of_a_wiped_cluster(tmp_path: Path) -> None:
    """Another, empty cluster at the same address: nothing may be skipped because old offsets were higher."""
    ports = free_port(), free_port()
    old, new = Broker(tmp_path / "old", *ports), Broker(tmp_path / "new", *ports)
    bus = KafkaBus(old.bootstrap)
    try:
        await asyncio.to_thread(old.start)
        async with bus.subscribe("wiped", [TOPIC]) as member:
            await bus.ensure_topics([TOPIC])
            assert await bus.send([record(b"a")] * 20, deadline=DEADLINE) == [None] * 20
            await read(member, 20)
            await asyncio.to_thread(old.stop)
            await asyncio.to_thread(new.start)
            await bus.ensure_topics([TOPIC])
            async with asyncio.timeout(PATIENCE):
                while any(await bus.send([record(b"a")], deadline=5.0)):
                    pass
            assert len(await read(member, 1)) == 1
    finally:
        await bus.close()
        await asyncio.to_thread(old.stop)
        await asyncio.to_thread(new.stop)


async def test_takes_its_partitions_back_at_once_under_its_own_name(kafka: Broker, kafka_namespace: str) -> None:
    """A process that was killed and started again does not wait for the group to notice."""
    bus = KafkaBus(kafka.bootstrap, namespace=kafka_namespace, instance="worker-1")
    assert await _sent_to_new_topic(bus)
    first = bus.subscribe("static", [TOPIC])
    (message,) = await read(first, 1)
    await first.commit({TopicPartition(TOPIC, message.partition): message.offset + 1})
    await end_consumer(first._consumer, gracefully=False)  # as kill -9 does: the group is not told
    await bus.send([record(b"b")], deadline=DEADLINE)
    async with bus.subscribe("static", [TOPIC]) as second:
        assert [message.key for message in await read(second, 1)] == [b"b"]
        assert len(second.assignment()) == 6
    await bus.close()


async def _sent_to_new_topic(bus: KafkaBus) -> bool:
    await bus.ensure_topics([TOPIC])
    return await bus.send([record(b"a")], deadline=DEADLINE) == [None]


async def test_does_not_take_a_cancellation_inside_aiokafka_for_one_of_ours() -> None:
    async def cancelled() -> None:
        part = asyncio.ensure_future(asyncio.Event().wait())
        part.cancel()
        await part

    with pytest.raises(KafkaError), no_stray_cancellation():
        await cancelled()

    async def ours() -> None:
        with no_stray_cancellation():
            await asyncio.Event().wait()

    task = asyncio.create_task(ours())
    await asyncio.wait([task], timeout=0.01)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


class TestDelivery:
    """The bookkeeping of one call."""

    def test_halves_a_refused_batch_down_to_one_record(self) -> None:
        records = [record(key) for key in (b"a", b"b", b"a", b"c")]
        outcomes: list[BusError | None] = [None] * 4
        delivery = Delivery(records, outcomes)
        delivery.sort(TOPIC, lambda _: 0)
        share = delivery.open_shares()[0]
        share.refused(4, RecordRefused("no"))
        assert share.step == 2
        share.refused(2, RecordRefused("no"))
        assert share.step == 1
        share.refused(1, RecordRefused("no"))
        assert share.waiting == [1, 3]
        assert [type(outcome) for outcome in outcomes] == [RecordRefused, type(None), HeldBack, type(None)]
