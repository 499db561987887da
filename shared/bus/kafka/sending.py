"""Sending to Kafka: an idempotent producer that is thrown away at the first sign of trouble, under a deadline of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.bus import BusError, BusUnavailable, Record, SendTimeout
from shared.bus.kafka.delivery import Delivery, Share
from shared.bus.kafka.ending import end_producer, ended_unless_started
from shared.bus.kafka.troubles import FORBIDDEN, REFUSED, TROUBLE, refused, unavailable
from shared.bus.partitions import partition_of
from shared.bus.refusal import screen

BATCH_BYTES = 512 * 1024
TOPIC_SECONDS = 1.5
BUILD_SECONDS = 30.0
CLOSE_SECONDS = 5.0
PRODUCER = {
    "acks": "all",
    "enable_idempotence": True,
    "max_batch_size": BATCH_BYTES,
    "request_timeout_ms": 10_000,
    "metadata_max_age_ms": 30_000,
    "retry_backoff_ms": 50,
}


class Sender:
    """The writing half of a bus on Kafka. `namespace` goes before every topic name on the broker."""

    def __init__(self, bootstrap: str, *, namespace: str, client: str, largest: int) -> None:
        self._bootstrap = bootstrap
        self._namespace = namespace
        self._client = client
        self._largest = largest
        self._producer: Any = None
        self._building: asyncio.Task[Any] | None = None
        self._closed = False

    async def send(self, records: Sequence[Record], *, deadline: float) -> list[BusError | None]:
        """See `Bus.send`. Batches are built here and given to aiokafka whole: it costs a third of sending record by record."""
        delivery = Delivery(records, screen(records, largest=self._largest))
        try:
            async with asyncio.timeout(deadline):
                await self._deliver(delivery)
        except TimeoutError:
            delivery.fail_rest(
                SendTimeout(f"no acknowledgement by Kafka at {self._bootstrap} within {deadline:g} s; it may still be stored")
            )
            await self.discard()
        except TROUBLE as error:
            delivery.fail_rest(unavailable(error, self._bootstrap))
            await self.discard()
        except BusUnavailable as error:
            delivery.fail_rest(error)
        except asyncio.CancelledError:
            await self.discard()
            raise
        return delivery.outcomes

    async def _deliver(self, delivery: Delivery) -> None:
        """Sends until nothing is open; after a refused batch again with a new producer, whose numbering of batches has no hole."""
        while True:
            producer = await self._ready()
            for topic in delivery.unsorted_topics:
                await self._sort(producer, delivery, topic)
            shares = delivery.open_shares()
            if not shares:
                return
            whole = await asyncio.gather(*(self._send_share(producer, share) for share in shares))
            if not all(whole):
                await self.discard()

    async def _sort(self, producer: Any, delivery: Delivery, topic: str) -> None:
        try:
            async with asyncio.timeout(TOPIC_SECONDS):
                partitions = await producer.partitions_for(self._namespace + topic)
        except TimeoutError:
            delivery.drop(topic, BusUnavailable(f"Kafka at {self._bootstrap} has no topic {topic!r}: ensure_topics creates it"))
        except FORBIDDEN as error:
            delivery.drop(topic, refused(error, self._bootstrap))
        else:
            delivery.sort(topic, partial(partition_of, partitions=len(partitions)))

    async def _send_share(self, producer: Any, share: Share) -> bool:
        """One partition's records, batch after batch, each acknowledged before the next; whether the producer is still good."""
        while share.waiting:
            batch = producer.create_batch()
            count = share.fill(batch)
            try:
                await (await producer.send_batch(batch, self._namespace + share.topic, partition=share.partition))
            except FORBIDDEN as error:
                share.failed(refused(error, self._bootstrap))
                return False
            except REFUSED as error:
                share.refused(count, refused(error, self._bootstrap))
                return False
            except TROUBLE as error:
                share.failed(unavailable(error, self._bootstrap))
                return False
            share.stored(count)
        return True

    async def _ready(self) -> Any:
        """The producer, built when there is none.

        Building goes on behind a send that gave up waiting for it: to a broker far away it takes longer than a send may.
        """
        if self._closed:
            raise BusUnavailable("the bus is closed")
        if self._producer is None:
            building = self._building = self._building or asyncio.create_task(self._build())
            try:
                self._producer = await asyncio.shield(building)
            finally:
                if building.done() and self._building is building:
                    self._building = None
        return self._producer

    async def _build(self) -> Any:
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, client_id=self._client, **PRODUCER)
        async with ended_unless_started(producer, end_producer), asyncio.timeout(BUILD_SECONDS):
            await producer.start()
        return producer

    async def discard(self) -> None:
        """Throws the producer away; the next send builds another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await end_producer(producer, gracefully=False)

    async def close(self) -> None:
        """Ends the producer, with a few seconds to finish what it is sending; a later send is refused."""
        self._closed = True
        await self._stop_building()
        producer, self._producer = self._producer, None
        if producer is not None:
            await end_producer(producer, gracefully=True)

    async def _stop_building(self) -> None:
        building, self._building = self._building, None
        if building is None:
            return
        building.cancel()
        await asyncio.wait([building], timeout=CLOSE_SECONDS)
        if building.done() and not building.cancelled() and building.exception() is None:
            await end_producer(building.result(), gracefully=False)
