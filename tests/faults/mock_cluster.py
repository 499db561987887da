"""The mock cluster inside librdkafka (from confluent-kafka's wheel), by ctypes: brokers that fail in the words of the protocol."""

from __future__ import annotations

import ctypes as c
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import confluent_kafka

PRODUCE, FETCH, OFFSET_COMMIT, HEARTBEAT = 0, 1, 8, 12
"""Kinds of request."""

UNKNOWN_TOPIC, NOT_LEADER, TIMED_OUT, TOO_LARGE, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_AFTER_APPEND = 3, 6, 7, 10, 19, 20
CORRUPT, TOPIC_FORBIDDEN, OUT_OF_ORDER, INVALID_EPOCH, STORAGE_ERROR, UNKNOWN_PRODUCER, INVALID_RECORD = 2, 29, 45, 47, 56, 59, 87
"""Errors a broker may answer."""

_PRODUCER_CLIENT = 0
_TEXT = 512


def _library() -> c.CDLL:
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    return c.CDLL(str(next(folder.glob("librdkafka-*.so*"))))


class MockCluster:
    """So many brokers on free ports, in threads of the library; use it in `with`. Broker ids count from 1.

    What it cannot do (no ISR, no size limits, no groups of several members, 5 MiB per partition) is for the real Kafka.
    """

    def __init__(self, brokers: int = 1) -> None:
        self._brokers = brokers
        self._library = _library()
        self._client: int | None = None
        self._cluster: int | None = None
        self.bootstrap = ""

    @property
    def port(self) -> int:
        """Where the first broker listens."""
        return int(self.bootstrap.split(",", maxsplit=1)[0].rpartition(":")[2])

    def __enter__(self) -> Self:
        words = c.create_string_buffer(_TEXT)
        settings = self._call("rd_kafka_conf_new", c.c_void_p)
        self._call("rd_kafka_conf_set", c.c_int, c.c_void_p(settings), b"log_level", b"0", words, c.c_size_t(_TEXT))
        self._client = self._call("rd_kafka_new", c.c_void_p, _PRODUCER_CLIENT, c.c_void_p(settings), words, c.c_size_t(_TEXT))
        assert self._client, words.value
        self._cluster = self._call("rd_kafka_mock_cluster_new", c.c_void_p, c.c_void_p(self._client), self._brokers)
        found = self._tell("bootstraps", c.c_char_p)
        self.bootstrap = found.decode()
        self._tell("group_initial_rebalance_delay_ms", None, 0, prefix="rd_kafka_mock_")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._call("rd_kafka_mock_cluster_destroy", None, c.c_void_p(self._cluster))
        self._call("rd_kafka_destroy", None, c.c_void_p(self._client))

    def topic(self, name: str, partitions: int = 6) -> None:
        """Make a topic with a copy on every broker."""
        self._tell("topic_create", c.c_int, name.encode(), partitions, self._brokers, prefix="rd_kafka_mock_")

    def delete(self, topic: str) -> None:
        """Delete a topic with all that is in it."""
        self._tell("topic_delete", c.c_int, topic.encode(), prefix="rd_kafka_mock_")

    def down(self, broker: int = 1) -> None:
        """The broker is gone."""
        self._tell("broker_set_down", c.c_int, c.c_int32(broker), prefix="rd_kafka_mock_")

    def up(self, broker: int = 1) -> None:
        """It is back, with all it had."""
        self._tell("broker_set_up", c.c_int, c.c_int32(broker), prefix="rd_kafka_mock_")

    def round_trip(self, milliseconds: int, broker: int = 1) -> None:
        """Every answer of the broker takes so long."""
        self._tell("broker_set_rtt", c.c_int, c.c_int32(broker), milliseconds, prefix="rd_kafka_mock_")

    def answer(self, request: int, *errors: int) -> None:
        """The next requests of this kind are answered with these errors, one each."""
        listed = (c.c_int * len(errors))(*errors)
        self._tell("push_request_errors_array", None, c.c_int16(request), c.c_size_t(len(errors)), listed, prefix="rd_kafka_mock_")

    def forget_answers(self, request: int) -> None:
        """Errors not yet given are not given."""
        self._tell("clear_request_errors", None, c.c_int16(request), prefix="rd_kafka_mock_")

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """The partition's leader is now this broker."""
        self._tell("partition_set_leader", c.c_int, topic.encode(), c.c_int32(partition), c.c_int32(broker), prefix="rd_kafka_mock_")

    def coordinate(self, group: str, broker: int) -> None:
        """The group's coordinator is now this broker."""
        self._tell("coordinator_set", c.c_int, b"group", group.encode(), c.c_int32(broker), prefix="rd_kafka_mock_")

    def advertise(self, port: int, broker: int = 1) -> None:
        """The broker tells clients to come to 127.0.0.1:`port`: to a proxy."""
        self._tell("broker_set_host_port", c.c_int, c.c_int32(broker), b"127.0.0.1", port, prefix="rd_kafka_mock_")

    def _tell(self, what: str, answer: object, *arguments: object, prefix: str = "rd_kafka_mock_cluster_") -> bytes:
        found: bytes = self._call(prefix + what, answer, c.c_void_p(self._cluster), *arguments)
        if answer is c.c_int and found:
            raise RuntimeError(f"{what}{arguments}: error {found!r}")
        return found

    def _call(self, name: str, answer: object, *arguments: object) -> Any:
        function = getattr(self._library, name)
        function.restype = answer
        return function(*arguments)
