"""How far a reader has come, told to the bus while the next messages are already applied.

Nothing rests on it: whoever goes on from an older offset meets facts that the marks in the database know. So the way to the bus and back
(2 ms on Kafka, a quarter of the time a small batch takes) need not be waited for.
"""

from __future__ import annotations

import asyncio

import structlog

from shared.bus import CommitRefused, Subscription, TopicPartition

_log = structlog.get_logger("interurbe.consumer")


class Offsets:
    """The commits of one consumer's offsets: one on its way at a time, in their order."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer
        self._on_its_way: asyncio.Task[None] | None = None

    async def keep(self, subscription: Subscription, offsets: dict[TopicPartition, int]) -> None:
        """Tell the bus, and return at once; raises BusUnavailable when the one before failed: a later one then says as much."""
        await self.kept()
        self._on_its_way = asyncio.create_task(self._commit(subscription, offsets))

    async def kept(self) -> None:
        """Wait until the last one was answered; raises BusUnavailable."""
        committing, self._on_its_way = self._on_its_way, None
        if committing is not None:
            await committing

    async def let_go(self) -> None:
        """Wait until the last one was answered, whatever the answer: the subscription is about to be closed."""
        committing, self._on_its_way = self._on_its_way, None
        if committing is not None:
            await asyncio.wait([committing])
            if not committing.cancelled() and committing.exception() is not None:
                _log.info("offsets not kept; these messages will come again and be skipped", consumer=self._consumer)

    async def _commit(self, subscription: Subscription, offsets: dict[TopicPartition, int]) -> None:
        try:
            await subscription.commit(offsets)
        except CommitRefused as refusal:
            _log.info("offsets not kept; these messages will come again and be skipped", consumer=self._consumer, reason=str(refusal))
