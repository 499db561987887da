"""The contract of a bus: every scenario on PostgreSQL and on a real Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from shared.bus import Bus, BusUnavailable, CommitRefused, HeldBack, Message, Record, RecordRefused, Subscription, TopicPartition

TOPIC = "interurbe.things"
OTHER = "interurbe.others"
DEADLINE = 60.0
PATIENCE = 60.0


def record(key: str, number: int = 0, *, topic: str = TOPIC, value: bytes | None = None) -> Record:
    return Record(topic, key.encode(), [("ce_id", f"{key}-{number}".encode())], str(number).encode() if value is None else value)


async def send_all(bus: Bus, records: Sequence[Record]) -> None:
    assert await bus.send(records, deadline=DEADLINE) == [None] * len(records)


async def read(member: Subscription, count: int, *, limit: int = 500) -> list[Message]:
    """Polls until `count` messages came, in the order they came."""
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            for messages in (await member.poll(limit=limit, timeout=1.0)).values():
                found += messages
    return found


async def until_assigned(member: Subscription, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(member.assignment()) != count:
            await member.poll(limit=1, timeout=0.05)


def behind(messages: Sequence[Message]) -> dict[TopicPartition, int]:
    """What to commit when these are done."""
    return {TopicPartition(message.topic, message.partition): message.offset + 1 for message in messages}


class TestBus:
    @pytest.fixture(autouse=True)
    async def topics(self, bus: Bus) -> None:
        await bus.ensure_topics([TOPIC, OTHER])

    async def test_keeps_the_order_of_each_key_and_its_partition(self, bus: Bus) -> None:
        keys = [f"agreement/{number}" for number in range(20)]
        await send_all(bus, [record(key, number) for number in range(10) for key in keys])
        await send_all(bus, [record(key, number) for number in range(10, 20) for key in keys])
        async with bus.subscribe("order", [TOPIC]) as member:
            messages = await read(member, 400)
        for key in keys:
            own = [message for message in messages if message.key == key.encode()]
            assert [message.value for message in own] == [str(number).encode() for number in range(20)]
            assert len({message.partition for message in own}) == 1
        assert len({message.partition for message in messages}) > 1

    async def test_has_six_partitions_and_chooses_them_as_kafka_does(self, bus: Bus) -> None:
        known = {b"": 3, b"a": 4, b"agreement/0199": 4, "مدينة".encode(): 1}
        await send_all(bus, [Record(TOPIC, key, [], b"x") for key in known])
        async with bus.subscribe("six", [TOPIC]) as member:
            messages = await read(member, len(known))
            assert member.assignment() == {TopicPartition(TOPIC, number) for number in range(6)}
        assert {message.key: message.partition for message in messages} == known

    async def test_brings_back_any_bytes(self, bus: Bus) -> None:
        headers = [("ce_id", b"1"), ("odd", bytes(range(256))), ("empty", b""), ("twice", b"1"), ("twice", b"2"), ("größe", "ñ".encode())]
        sent = [
            Record(TOPIC, bytes(range(256)), headers, bytes(range(256))),
            Record(TOPIC, b"k", [], b""),
            Record(TOPIC, b"t", headers, None),
        ]
        await send_all(bus, sent)
        async with bus.subscribe("bytes", [TOPIC]) as member:
            messages = {message.key: message for message in await read(member, 3)}
        assert [(messages[one.key].headers, messages[one.key].value) for one in sent] == [(one.headers, one.value) for one in sent]
        assert all(abs(message.timestamp_ms - time.time() * 1000) < 60_000 for message in messages.values())

    async def test_goes_on_where_the_group_committed(self, bus: Bus) -> None:
        await send_all(bus, [record("a", number) for number in range(10)])
        async with bus.subscribe("resume", [TOPIC]) as member:
            messages = await read(member, 10)
            await member.commit(behind(messages[:4]))
        async with bus.subscribe("resume", [TOPIC]) as member:
            again = await read(member, 6)
            assert [message.value for message in again] == [b"4", b"5", b"6", b"7", b"8", b"9"]
            await member.commit(behind(again))
            assert await member.poll(limit=10, timeout=0.3) == {}

    async def test_limits_what_it_returns_and_loses_nothing(self, bus: Bus) -> None:
        await send_all(bus, [record(f"k{number}", number) for number in range(100)])
        async with bus.subscribe("limit", [TOPIC]) as member:
            sizes: list[int] = []
            values: set[bytes | None] = set()
            while len(values) < 100:
                found = await member.poll(limit=7, timeout=1.0)
                sizes.append(sum(map(len, found.values())))
                values |= {message.value for messages in found.values() for message in messages}
        assert max(sizes) <= 7

    async def test_seeks_back(self, bus: Bus) -> None:
        await send_all(bus, [record("a", number) for number in range(5)])
        async with bus.subscribe("seek", [TOPIC]) as member:
            messages = await read(member, 5)
            await member.seek(TopicPartition(TOPIC, messages[2].partition), messages[2].offset)
            assert [message.value for message in await read(member, 3)] == [b"2", b"3", b"4"]

    async def test_ignores_a_seek_in_a_partition_of_another(self, bus: Bus) -> None:
        async with bus.subscribe("seek", [TOPIC]) as member:
            await member.poll(limit=1, timeout=0.1)
            await member.seek(TopicPartition(OTHER, 0), 5)

    async def test_replays_from_zero(self, bus: Bus) -> None:
        await send_all(bus, [record(f"k{number}", number) for number in range(30)])
        async with bus.subscribe("replay", [TOPIC]) as member:
            first = await read(member, 30)
            await member.commit(behind(first))
            await member.rewind()
            assert sorted(await read(member, 30)) == sorted(first)

    async def test_serves_two_groups_independently(self, bus: Bus) -> None:
        await send_all(bus, [record("a", number) for number in range(3)])
        async with bus.subscribe("one", [TOPIC]) as one, bus.subscribe("two", [TOPIC]) as two:
            messages = await read(one, 3)
            await one.commit(behind(messages))
            assert await read(two, 3) == messages

    async def test_reads_several_topics(self, bus: Bus) -> None:
        await send_all(bus, [record("a", 1), record("a", 2, topic=OTHER)])
        async with bus.subscribe("both", [TOPIC, OTHER]) as member:
            assert {(message.topic, message.value) for message in await read(member, 2)} == {(TOPIC, b"1"), (OTHER, b"2")}
            assert len(member.assignment()) == 12

    async def test_counts_what_is_not_yet_committed(self, bus: Bus) -> None:
        async with bus.subscribe("lag", [TOPIC]) as member:
            await send_all(bus, [record("a", number) for number in range(8)])
            messages = await read(member, 8)
            assert sum((await member.lag()).values()) == 8
            await member.commit(behind(messages[:5]))
            lag = await member.lag()
            assert lag[TopicPartition(TOPIC, messages[0].partition)] == 3
            assert len(lag) == 6

    async def test_wakes_for_what_is_sent_while_it_waits(self, bus: Bus) -> None:
        async with bus.subscribe("wake", [TOPIC]) as member:
            await until_assigned(member, 6)
            reading = asyncio.create_task(read(member, 1))
            await send_all(bus, [record("a", 1)])
            assert [message.value for message in await reading] == [b"1"]

    async def test_refuses_what_is_too_large_and_holds_back_only_its_key(self, bus: Bus) -> None:
        large = record("large", 2, value=b"x" * 2_000_000)
        outcomes = await bus.send([record("large", 1), large, record("large", 3), record("b", 4), record("c", 5)], deadline=DEADLINE)
        assert [type(outcome) for outcome in outcomes] == [type(None), RecordRefused, HeldBack, type(None), type(None)]
        assert [outcome.retryable for outcome in outcomes if outcome] == [False, True]
        assert "2000" in str(outcomes[1])
        async with bus.subscribe("large", [TOPIC]) as member:
            assert {message.value for message in await read(member, 3)} == {b"1", b"4", b"5"}

    async def test_says_which_topic_is_missing(self, bus: Bus) -> None:
        outcomes = await bus.send([record("a", 1, topic="interurbe.nowhere"), record("a", 2)], deadline=DEADLINE)
        assert isinstance(outcomes[0], BusUnavailable)
        assert "interurbe.nowhere" in str(outcomes[0])
        assert outcomes[1] is None

    async def test_takes_a_large_batch(self, bus: Bus) -> None:
        sent = [record(f"k{number % 700}", number, value=b"v" * 600) for number in range(5_000)]
        await send_all(bus, sent)
        async with bus.subscribe("batch", [TOPIC]) as member:
            messages = await read(member, 5_000)
        ids = [dict(message.headers)["ce_id"] for message in messages]
        assert len(set(ids)) == 5_000
        by_key = sorted(messages, key=lambda message: (message.key, message.offset))
        assert [dict(message.headers)["ce_id"] for message in by_key] == [
            dict(one.headers)["ce_id"] for one in sorted(sent, key=lambda one: one.key)
        ]

    async def test_sends_nothing_happily(self, bus: Bus) -> None:
        assert await bus.send([], deadline=DEADLINE) == []

    async def test_lets_a_second_member_take_over(self, bus: Bus) -> None:
        await send_all(bus, [record(f"k{number}", number) for number in range(20)])
        first, second = bus.subscribe("pair", [TOPIC]), bus.subscribe("pair", [TOPIC])
        async with first:
            await until_assigned(first, 6)
            await second.start()
            await asyncio.gather(*(member.poll(limit=1, timeout=2.0) for member in (first, second)))
            assert not first.assignment() & second.assignment()
        assert first.assignment() == set()
        assert first.generation > 0
        await until_assigned(second, 6)
        await second.rewind()
        assert len(await read(second, 20)) == 20
        assert second.generation > 0
        await second.close()

    async def test_refuses_a_commit_for_a_partition_of_another(self, bus: Bus) -> None:
        async with bus.subscribe("stranger", [TOPIC]) as member:
            await until_assigned(member, 6)
            with pytest.raises(CommitRefused):
                await member.commit({TopicPartition(OTHER, 0): 1})

    async def test_refuses_a_commit_of_a_member_that_left(self, bus: Bus) -> None:
        member = bus.subscribe("left", [TOPIC])
        await member.start()
        await until_assigned(member, 6)
        await member.close()
        await member.close()
        with pytest.raises(CommitRefused):
            await member.commit({TopicPartition(TOPIC, 0): 1})

    async def test_creates_topics_once(self, bus: Bus) -> None:
        await send_all(bus, [record("a", 1)])
        await asyncio.gather(bus.ensure_topics([TOPIC]), bus.ensure_topics([TOPIC, "interurbe.new"]), bus.ensure_topics(["interurbe.new"]))
        async with bus.subscribe("once", [TOPIC]) as member:
            assert len(await read(member, 1)) == 1

    async def test_answers_when_asked(self, bus: Bus) -> None:
        assert await bus.check() is None

    async def test_can_be_closed_twice(self, bus: Bus) -> None:
        await bus.close()
        await bus.close()
        assert [type(outcome) for outcome in await bus.send([record("a")], deadline=DEADLINE)] == [BusUnavailable]
