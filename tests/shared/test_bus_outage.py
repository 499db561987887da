"""What a bus does while its server is away, on PostgreSQL and on a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest

from shared.bus import Bus, BusError, BusUnavailable, Message, Record, SendTimeout, Subscription
from tests.fixtures.servers import Fragile

TOPIC = "interurbe.things"
PATIENCE = 60.0
BOUND = 50.0  # more than any close or check may take, less than what is being sent would wait


def record(number: int) -> Record:
    return Record(TOPIC, b"agreement/%d" % (number % 5), [("number", b"%d" % number)], b"x")


async def sent(bus: Bus, records: list[Record]) -> None:
    """Sends again, as a relay does, until everything is acknowledged."""
    async with asyncio.timeout(PATIENCE):
        while any(await bus.send(records, deadline=5.0)):
            pass


async def heard(member: Subscription, complete: Callable[[list[Message]], bool]) -> list[Message]:
    """Polls, through all troubles, until what came is `complete`."""
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        while not complete(found):
            with suppress(BusUnavailable):
                for messages in (await member.poll(limit=100, timeout=0.5)).values():
                    found += messages
    return found


def numbers(messages: list[Message]) -> set[int]:
    return {int(dict(message.headers)["number"]) for message in messages}


def first_seen(messages: list[Message]) -> dict[bytes | None, list[int]]:
    """The numbers of each key in the order of their first appearance."""
    order: dict[bytes | None, dict[int, None]] = {}
    for message in messages:
        order.setdefault(message.key, {}).setdefault(int(dict(message.headers)["number"]))
    return {key: list(seen) for key, seen in order.items()}


@pytest.fixture
async def bus(fragile: Fragile) -> AsyncIterator[Bus]:
    made = fragile.bus()
    await made.start()
    await made.ensure_topics([TOPIC])
    yield made
    await made.close()


@pytest.fixture
def frozen(fragile: Fragile) -> Iterator[Callable[[], None]]:
    """Freezes the server when called; it is thawed after the test at the latest."""
    yield fragile.freeze
    fragile.thaw()


async def test_starts_while_the_server_is_down_and_recovers(fragile: Fragile) -> None:
    fragile.stop()
    bus = fragile.bus()
    await bus.start()
    outcomes = await bus.send([record(1)], deadline=5.0)
    assert isinstance(outcomes[0], BusError)
    assert outcomes[0].retryable
    trouble = await bus.check()
    assert trouble is not None
    assert "INTERURBE_" in trouble
    with pytest.raises(BusUnavailable):
        await bus.ensure_topics([TOPIC])
    async with bus.subscribe("early", [TOPIC]) as member:
        with pytest.raises(BusUnavailable):
            await member.poll(limit=10, timeout=5.0)
        fragile.start()
        await bus.ensure_topics([TOPIC])
        await sent(bus, [record(1)])
        assert numbers(await heard(member, bool)) == {1}
    assert await bus.check() is None
    await bus.close()


async def test_keeps_to_its_deadline_when_the_server_says_nothing(fragile: Fragile, bus: Bus, frozen: Callable[[], None]) -> None:
    await sent(bus, [record(1)])
    frozen()
    outcomes = await bus.send([record(2), record(3)], deadline=0.5)
    assert [type(outcome) for outcome in outcomes] == [SendTimeout, SendTimeout]
    assert await bus.check() is not None
    fragile.thaw()
    await sent(bus, [record(2), record(3)])
    async with bus.subscribe("thawed", [TOPIC]) as member:
        assert numbers(await heard(member, lambda found: numbers(found) == {1, 2, 3})) == {1, 2, 3}


async def test_closes_in_time_while_the_server_says_nothing(bus: Bus, frozen: Callable[[], None]) -> None:
    await sent(bus, [record(1)])
    member = bus.subscribe("hanging", [TOPIC])
    await member.start()
    await heard(member, bool)
    frozen()
    sending = asyncio.create_task(bus.send([record(2)], deadline=90.0))
    async with asyncio.timeout(BOUND):
        await member.close()
    async with asyncio.timeout(BOUND):
        await bus.close()
    sending.cancel()
    await asyncio.wait([sending], timeout=BOUND)
    assert sending.done()


async def test_loses_nothing_when_the_server_is_killed(fragile: Fragile, bus: Bus) -> None:
    async with bus.subscribe("killed", [TOPIC]) as member:
        await sent(bus, [record(number) for number in range(50)])
        found = await heard(member, lambda messages: len(numbers(messages)) == 50)
        fragile.kill()
        sending = asyncio.create_task(sent(bus, [record(number) for number in range(50, 100)]))
        await asyncio.to_thread(fragile.start)
        await sending
        found += await heard(member, lambda messages: numbers(messages) >= set(range(50, 100)))
    assert numbers(found) == set(range(100))
    assert first_seen(found) == {b"agreement/%d" % key: list(range(key, 100, 5)) for key in range(5)}


async def test_gives_the_group_to_another_member_when_one_is_gone(bus: Bus) -> None:
    await sent(bus, [record(number) for number in range(10)])
    first, second = bus.subscribe("gone", [TOPIC]), bus.subscribe("gone", [TOPIC])
    async with second:
        async with first:
            await heard(first, bool)
        assert numbers(await heard(second, lambda found: len(numbers(found)) == 10)) == set(range(10))


async def test_goes_on_reading_when_the_server_is_back(fragile: Fragile, bus: Bus) -> None:
    async with bus.subscribe("back", [TOPIC]) as member:
        await sent(bus, [record(number) for number in range(3)])
        await heard(member, lambda found: len(numbers(found)) == 3)
        fragile.kill()
        await asyncio.to_thread(fragile.start)
        await sent(bus, [record(3)])
        await heard(member, lambda found: 3 in numbers(found))
