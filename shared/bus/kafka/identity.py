"""Who a topic is: its id and its cluster's, asked in version 12 of the Metadata request, which aiokafka does not speak by itself."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any
from uuid import UUID

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import AbstractType, Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

TEXT = CompactString("utf-8")
NOBODY = UUID(int=0)


class Uuid(AbstractType):  # type: ignore[misc]  # aiokafka has no types
    """Sixteen bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        """As they are."""
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        """As they are."""
        return UUID(bytes=data.read(16))


_BROKER = (("node_id", Int32), ("host", TEXT), ("port", Int32), ("rack", TEXT), ("tags", TaggedFields))
_PARTITION = (
    ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32), ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)), ("offline_replicas", CompactArray(Int32)), ("tags", TaggedFields),
)  # fmt: skip
_TOPIC = (
    ("error_code", Int16), ("name", TEXT), ("topic_id", Uuid), ("is_internal", Boolean), ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32), ("tags", TaggedFields),
)  # fmt: skip


class MetadataResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    """What the broker knows of itself and of topics."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("brokers", CompactArray(*_BROKER)), ("cluster_id", TEXT), ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)), ("tags", TaggedFields),
    )  # fmt: skip


class MetadataRequestStruct(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """A question about topics by their names."""

    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", TEXT), ("tags", TaggedFields))), ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean), ("tags", TaggedFields),
    )  # fmt: skip


class MetadataRequest(Request[MetadataRequestStruct]):  # type: ignore[misc]  # aiokafka has no types
    """The same, for aiokafka's clients."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[MetadataRequestStruct]) -> MetadataRequestStruct:
        """The question; no topic is made by asking for it."""
        return request_struct_class([(NOBODY, name, {}) for name in self._topics], False, False, {})


async def identities(admin: Any, topics: Sequence[str]) -> dict[str, str]:
    """Cluster and id of each of the topics that exist; of a broker older than Kafka 3.1 the cluster alone."""
    try:
        answer = await admin._send_request(MetadataRequest(topics))  # noqa: SLF001 - aiokafka has no other way to ask
    except (IncompatibleBrokerVersion, NotImplementedError):
        cluster = str((await admin.describe_cluster())["cluster_id"])
        return dict.fromkeys(set(topics) & set(await admin.list_topics()), cluster)
    found = (topic for topic in answer.to_object()["topics"] if topic["error_code"] == 0)
    return {topic["name"]: f"{answer.cluster_id} {topic['topic_id']}" for topic in found}
