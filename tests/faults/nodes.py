"""What the nodes of a Kafka cluster say: who leads, who coordinates, whose copies are whole; and the election of preferred leaders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String

from deploy.kafka.cluster import KafkaCluster
from shared.bus import BusUnavailable
from shared.bus.kafka import KafkaBus
from shared.bus.kafka.ending import end_admin
from shared.bus.kafka.troubles import TROUBLE
from shared.loop import Wake
from tests.faults.road import PATIENCE, TOPIC

GROUP = "interurbe.test.ledger"
TEXT = String("utf-8")

Answer = TypeVar("Answer")


class ElectLeadersResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    """What became of each partition's election."""

    API_KEY = 43
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("error_code", Int16),
        ("topics", Array(("topic", TEXT), ("partitions", Array(("partition", Int32), ("error_code", Int16), ("error_message", TEXT))))),
    )  # fmt: skip


class ElectLeadersStruct(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """Elections of these partitions; kind 0 is that of preferred leaders."""

    API_KEY = 43
    API_VERSION = 1
    RESPONSE_TYPE = ElectLeadersResponse
    SCHEMA = Schema(("kind", Int8), ("topics", Array(("topic", TEXT), ("partitions", Array(Int32)))), ("timeout_ms", Int32))


class ElectLeaders(Request[ElectLeadersStruct]):  # type: ignore[misc]  # aiokafka has no types
    """The same, for aiokafka's clients."""

    API_KEY = 43

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[ElectLeadersStruct]) -> ElectLeadersStruct:
        """Of all six partitions."""
        return request_struct_class(0, [(self._topic, list(range(6)))], 10_000)


class Nodes:
    """The brokers of a cluster by id, for one test: its topic and its group. Every question is asked until it is answered."""

    def __init__(self, cluster: KafkaCluster, namespace: str) -> None:
        self._cluster = cluster
        self.brokers = cluster.brokers
        self._namespace = namespace
        self._topic = namespace + TOPIC

    def bus(self) -> KafkaBus:
        """A bus on all of them, with as many copies of everything."""
        return KafkaBus(self._cluster.bootstrap, replication=len(self.brokers), namespace=self._namespace)

    async def make_topic(self, bus: KafkaBus) -> None:
        """The topic, as soon as there are brokers enough for its copies; whole."""

        async def made() -> bool:
            try:
                await bus.ensure_topics([TOPIC])
            except BusUnavailable:
                return False
            return True

        await until(made)
        await self.whole()

    async def come(self, *nodes: int) -> None:
        """Start these again, and wait until they have all copies and their share of the lead."""
        await asyncio.gather(*(asyncio.to_thread(self.brokers[node].start) for node in nodes))
        await self.whole()

    async def whole(self) -> None:
        """Wait until every copy is in sync."""

        async def look() -> bool:
            return all(len(copies) == len(self.brokers) for copies in (await self.in_sync()).values())

        await until(look)

    async def led_without(self, *nodes: int) -> None:
        """Wait until others than these lead all partitions."""

        async def look() -> bool:
            return not set((await self.leaders()).values()) & {-1, *nodes}

        await until(look)

    async def leaders(self) -> dict[int, int]:
        """Who leads each partition; -1 nobody."""
        return {one["partition"]: one["leader"] for one in await self._partitions()}

    async def in_sync(self) -> dict[int, set[int]]:
        """Whose copies of each partition are whole."""
        return {one["partition"]: set(one["isr"]) for one in await self._partitions()}

    async def coordinator(self) -> int:
        """Who coordinates the group of the road's consumer."""
        return await self._ask(lambda admin: admin.find_coordinator(self._namespace + GROUP))

    async def elect(self) -> None:
        """Let every partition be led again by the broker that is preferred for it."""
        await self._ask(lambda admin: admin._send_request(ElectLeaders(self._topic)))

    async def _partitions(self) -> list[dict[str, Any]]:
        (topic,) = await self._ask(lambda admin: admin.describe_topics([self._topic]))
        found: list[dict[str, Any]] = topic["partitions"]
        return found

    async def _ask(self, question: Callable[[Any], Awaitable[Answer]]) -> Answer:
        there = ",".join(broker.bootstrap for broker in self.brokers.values() if broker.pid is not None)
        async with asyncio.timeout(PATIENCE):
            while True:
                admin = AIOKafkaAdminClient(bootstrap_servers=there, request_timeout_ms=2_000)
                try:
                    await admin.start()
                    return await question(admin)
                except TROUBLE:
                    await Wake().wait(0.1)
                finally:
                    await end_admin(admin)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not await look():
            await Wake().wait(0.1)
