"""The bus on Apache Kafka; this package is the only importer of aiokafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.bus import MAX_RECORD_BYTES, PARTITIONS, BusError, BusUnavailable, Record
from shared.bus.kafka.ending import end_admin, start_admin
from shared.bus.kafka.identity import identities
from shared.bus.kafka.sending import Sender
from shared.bus.kafka.subscription import KafkaSubscription
from shared.bus.kafka.troubles import TROUBLE, explain, unavailable
from shared.bus.kafka.unpacking import bound_the_client

__all__ = ["KafkaBus"]

bound_the_client()

CHECK_SECONDS = 3.0
CREATE_SECONDS = 10.0
SAFE_REPLICATION = 3
CONSUMER = {
    "session_timeout_ms": 6_000,
    "heartbeat_interval_ms": 1_500,
    "request_timeout_ms": 10_000,
    "metadata_max_age_ms": 30_000,
    "retry_backoff_ms": 100,
    "fetch_max_wait_ms": 500,
}


class KafkaBus:
    """A `Bus` on the brokers at `bootstrap` ("host:port", several with commas).

    `namespace` goes before every topic and group, so that several installations can share one cluster. `instance`, unique to
    this process and the same after its restart, lets it take its partitions back at once (static membership).
    """

    system = "kafka"

    def __init__(
        self, bootstrap: str, *, replication: int = 1, namespace: str = "", instance: str | None = None, application: str = "interurbe"
    ) -> None:
        self._bootstrap = bootstrap
        self._replication = replication
        self._namespace = namespace
        self._instance = instance
        self._application = application
        self._sender = Sender(bootstrap, namespace=namespace, client=application, largest=MAX_RECORD_BYTES)

    async def start(self) -> None:
        """Nothing to do: clients connect when they are needed."""

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Creates what is missing. Raises BusUnavailable."""
        names = {self._namespace + topic for topic in topics}
        try:
            async with asyncio.timeout(CREATE_SECONDS), self._admin() as admin:
                missing = sorted(names - set(await admin.list_topics()))
                if missing:
                    _raise_refusals(await admin.create_topics([self._new(name) for name in missing]))
        except TROUBLE as error:
            raise unavailable(error, self._bootstrap) from error

    async def send(self, records: Sequence[Record], *, deadline: float) -> list[BusError | None]:
        """Appends the records, batch by batch and partition by partition; see `Bus.send`."""
        return await self._sender.send(records, deadline=deadline)

    def subscribe(self, group: str, topics: Sequence[str]) -> KafkaSubscription:
        """A new member of `group`; partitions are shared out between its members in turn."""
        options: dict[str, Any] = {**CONSUMER, "bootstrap_servers": self._bootstrap, "group_id": self._namespace + group}
        options["client_id"] = f"{self._application}-{group}"
        if self._instance:
            options["group_instance_id"] = f"{group}-{self._instance}"
        return KafkaSubscription(options, self._namespace, topics, self.ensure_topics)

    async def forget(self, before: datetime) -> int:
        """Nothing: the brokers keep records for as long as their topics say (`retention.ms`)."""
        return 0

    async def check(self) -> str | None:
        """None when a broker answers, else what is wrong."""
        try:
            await self.cluster_id()
        except BusUnavailable as error:
            return str(error)
        return None

    async def cluster_id(self) -> str:
        """The id the cluster was given when it was formatted: another one means another, or a wiped, cluster. Raises BusUnavailable."""
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._admin() as admin:
                return str((await admin.describe_cluster())["cluster_id"])
        except TROUBLE as error:
            raise BusUnavailable(explain(error, self._bootstrap)) from error

    async def identities(self, topics: Sequence[str]) -> dict[str, str]:
        """Cluster and id of each topic. Raises BusUnavailable."""
        try:
            async with asyncio.timeout(CREATE_SECONDS), self._admin() as admin:
                found = await identities(admin, [self._namespace + topic for topic in topics])
        except TROUBLE as error:
            raise unavailable(error, self._bootstrap) from error
        return {name.removeprefix(self._namespace): identity for name, identity in found.items()}

    async def close(self) -> None:
        """Ends the producer; subscriptions are closed by who opened them."""
        await self._sender.close()

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, client_id=self._application, request_timeout_ms=10_000)
        try:
            await start_admin(admin)
            yield admin
        finally:
            await end_admin(admin)

    def _new(self, name: str) -> Any:
        safe = {"min.insync.replicas": "2"} if self._replication >= SAFE_REPLICATION else {}
        return NewTopic(name, PARTITIONS, self._replication, topic_configs=safe)


def _raise_refusals(response: Any) -> None:
    """Raises the first error of a CreateTopics response, except that a topic is already there: someone was quicker."""
    for name, code, *_ in response.topic_errors:
        kind = errors.for_code(code)
        if kind not in (errors.NoError, errors.TopicAlreadyExistsError):
            raise kind(name)
