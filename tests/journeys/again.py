"""Everything that is in the log comes once more, the last first: what a bus may do that promises at least once."""

from __future__ import annotations

import asyncio

from deploy.embedded.demo.system import until
from deploy.embedded.stack import Stack
from shared.bus import Record
from shared.bus.opening import open_bus
from tests.faults.gathering import settle, topics_of
from tests.faults.history import Quiet
from tests.fixtures.log import whole_log
from tests.journeys.operating import numbers

TOPIC = "interurbe.partners"
LISTENERS = [name for name, topics in topics_of().items() if TOPIC in topics]


def at_rest(stack: Stack) -> None:
    """Wait until nothing is on its way any more: no fact, no mail."""
    assert settle(stack) == Quiet(0, 0, 0)


async def delivered_again(stack: Stack) -> int:
    """Put all facts of the partners service on the bus again, backwards, and wait until every listener has met them; how many."""
    bus = stack.broker.bootstrap if stack.broker else ""
    log = None if stack.broker else stack.cluster.url("log")
    hand = open_bus(kafka=bus, log_url=log, replication=1, application="by hand")
    await hand.start()
    try:
        met = {name: met_again(stack, name) for name in LISTENERS}
        facts = (await whole_log(hand, [TOPIC]))[::-1]
        sent = await hand.send([Record(TOPIC, one.key or b"", one.headers, one.value) for one in facts], deadline=60.0)
        assert sent == [None] * len(facts)
    finally:
        await hand.close()
    for name in LISTENERS:
        until(f"{name} to meet them", lambda: met_again(stack, name) >= met[name] + len(facts))  # noqa: B023 - called at once
    await asyncio.to_thread(at_rest, stack)
    return len(facts)


def met_again(stack: Stack, consumer: str) -> float:
    """How many facts this consumer met that it knew."""
    return numbers(stack, consumer.partition(".")[0]).get(f'interurbe_consumer_duplicates_total{{consumer="{consumer}"}}', 0.0)
