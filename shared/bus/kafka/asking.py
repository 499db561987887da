"""Where partitions begin and end, asked over a connection of its own: the one that reads answers only once its long poll is over."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from aiokafka import AIOKafkaConsumer

from shared.bus.kafka.ending import end_consumer, ended_unless_started

_OF_READERS = ("group_id", "group_instance_id")


class Asker:
    """Asks a broker for offsets; connects when first asked, and anew after whatever went wrong."""

    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are those of the reader it asks for; it joins no group."""
        self._options = {name: value for name, value in options.items() if name not in _OF_READERS}
        self._consumer: Any = None
        self._connecting = asyncio.Lock()

    async def ask(self, which: str, partitions: Collection[Any]) -> dict[Any, int]:
        """`beginning_offsets` or `end_offsets` of the partitions; raises what aiokafka raises."""
        async with self._connecting:
            if self._consumer is None:
                self._consumer = await self._connected()
            consumer = self._consumer
        try:
            found: dict[Any, int] = await getattr(consumer, which)(list(partitions))
        except BaseException:  # a deadline too: who does not answer is left; raised again
            if self._consumer is consumer:
                await self.close()
            raise
        return found

    async def close(self) -> None:
        """Lets go of the connection; the next question makes another."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await end_consumer(consumer, gracefully=False)

    async def _connected(self) -> Any:
        consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False)
        async with ended_unless_started(consumer, end_consumer):
            await consumer.start()
        return consumer
