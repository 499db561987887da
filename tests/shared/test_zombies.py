"""Two members of one group that both got the same messages: each fact is applied once, in order, by one of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import Message
from shared.bus.postgres import PostgresBus
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope
from shared.inbox import Overtaken
from shared.process.runtime import Runtime
from tests.shared.boundary import FedBus, Feed
from tests.shared.facts import envelope, fact, message
from tests.shared.ledger import HANDLERS, noted, seen

RuntimeOf = Callable[[Database], Runtime]
FACTS, PARTNERS = 12, 5


@pytest.fixture
async def bus(log_url: str) -> AsyncIterator[PostgresBus]:
    """What lies behind the feeds."""
    made = PostgresBus(log_url)
    yield made
    await made.close()


def history() -> list[Message]:
    """Twelve facts of five partners, in turn."""
    told = [
        envelope(number, f"p{partner}", fact(number, f"p{partner}", str(number)))
        for number in range(1, FACTS + 1)
        for partner in range(PARTNERS)
    ]
    return [message(one, offset) for offset, one in enumerate(told)]


def batches(messages: list[Message], chance: random.Random) -> list[list[Message]]:
    """The messages in batches of random lengths, in order, now and then a batch twice."""
    cut, rest = [], list(messages)
    while rest:
        size = chance.randint(1, 17)
        cut.append(rest[:size])
        if chance.random() < 0.2:
            cut.append(rest[:size])
        del rest[:size]
    return cut


def member(runtime: Runtime, feed: Feed) -> Consumer:
    """A consumer of the one group, on a feed of its own."""
    runtime.bus = FedBus(runtime.bus, feed)
    return Consumer("test.ledger", runtime, HANDLERS)


async def follow(consumer: Consumer, feed: Feed) -> None:
    """Step until everything was read; two that stand in each other's way go back and read again, as a loop lets them."""
    while feed.batches:
        try:
            await consumer.step()
        except (DBAPIError, Overtaken):
            continue
    await consumer.step()


@pytest.mark.parametrize("seed", range(4))
async def test_zombies_apply_every_fact_once_and_in_order(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf, seed: int) -> None:
    chance = random.Random(seed)
    feeds = [Feed(batches(history(), chance)) for _ in range(2)]
    async with asyncio.timeout(100):
        await asyncio.gather(*(follow(member(runtime_of(neighbour), feed), feed) for feed in feeds))
    for partner in range(PARTNERS):
        assert await seen(neighbour, f"p{partner}") == list(range(1, FACTS + 1))


async def test_the_second_of_two_waits_for_the_first_and_then_skips(bus: PostgresBus, neighbour: Database, runtime_of: RuntimeOf) -> None:
    """Forced: both have read the marks, and the first commits while the second is in its handler."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(session: AsyncSession, sent: Envelope) -> None:
        inside.set()
        await go_on.wait()
        await noted(session, sent)

    told = [message(envelope(number, "p1", fact(number, "p1", str(number))), number) for number in (1, 2, 3)]
    first, second = member(runtime_of(neighbour), Feed([told])), member(runtime_of(neighbour), Feed([told]))
    second._application._handlers = dict.fromkeys(HANDLERS, slow)
    late = asyncio.create_task(second.step())
    await inside.wait()
    assert await first.step() == 3
    go_on.set()
    assert await late == 3
    assert await seen(neighbour, "p1") == [1, 2, 3]
