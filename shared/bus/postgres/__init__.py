"""The log of one machine: topics, partitions and group offsets as tables of a PostgreSQL database."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from shared.bus import MAX_RECORD_BYTES, PARTITIONS, BusError, BusUnavailable, Record, SendTimeout
from shared.bus.partitions import partition_of
from shared.bus.postgres.connecting import TROUBLE, connect, disconnect, explain, unavailable
from shared.bus.postgres.schema import create, create_topics
from shared.bus.postgres.subscription import PostgresSubscription
from shared.bus.refusal import screen

__all__ = ["PostgresBus"]

APPEND = "SELECT log_append($1, $2, $3, $4, $5)"
APPEND_AT_MOST = 2_000
IDENTITIES = "SELECT name, id || ' made ' || extract(epoch FROM created_at) FROM log_topic WHERE name = ANY ($1::text[])"
FORGET_AT_MOST = 5_000


class PostgresBus:
    """A `Bus` on the database at `url`, whose owner we are; the tables are made when they are not there."""

    system = "postgresql"

    def __init__(self, url: str, *, application: str = "interurbe", max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        self._url = url
        self._application = application
        self._largest = max_record_bytes
        self._writer: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Nothing to do: the connection is made when the first record is sent."""
        self._closed = False

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Creates what is missing. Raises BusUnavailable."""
        try:
            async with self._turn:
                await create_topics(await self._connected(), topics)
        except TROUBLE as error:
            raise unavailable(error, self._url) from error

    async def send(self, records: Sequence[Record], *, deadline: float) -> list[BusError | None]:
        """Appends all records of a topic in one transaction of one round trip; see `Bus.send`."""
        outcomes = screen(records, largest=self._largest)
        ends = time.monotonic() + deadline
        by_topic: dict[str, list[int]] = {}
        for index, record in enumerate(records):
            if outcomes[index] is None:
                by_topic.setdefault(record.topic, []).append(index)
        for topic, indexes in by_topic.items():
            failure: BusError | None = None
            for start in range(0, len(indexes), APPEND_AT_MOST):
                chosen = indexes[start : start + APPEND_AT_MOST]
                failure = failure or await self._append(topic, [records[index] for index in chosen], ends)
                for index in chosen:
                    outcomes[index] = failure
        return outcomes

    async def _append(self, topic: str, records: Sequence[Record], ends: float) -> BusError | None:
        columns = _columns(records)
        try:
            async with asyncio.timeout(max(0.0, ends - time.monotonic())), self._turn:
                connection = await self._connected()
                known = await connection.fetchval(APPEND, topic, *columns)
        except BusError as error:
            return error
        except TimeoutError:
            self._forget_writer()
            return SendTimeout(f"{topic}: no acknowledgement in time; the records may or may not be in the log")
        except TROUBLE as error:
            self._forget_writer()
            return unavailable(error, self._url)
        except asyncio.CancelledError:
            self._forget_writer()
            raise
        return None if known else BusUnavailable(f"there is no topic {topic!r}: ensure_topics creates it")

    def subscribe(self, group: str, topics: Sequence[str]) -> PostgresSubscription:
        """A new member of `group`; one member of a group reads at a time, the others stand by."""
        return PostgresSubscription(self._url, group, topics, application=f"{self._application} {group}")

    async def identities(self, topics: Sequence[str]) -> dict[str, str]:
        """The topics' numbers with the moment each was made. Raises BusUnavailable."""
        try:
            async with self._turn:
                rows = await (await self._connected()).fetch(IDENTITIES, list(topics))
        except TROUBLE as error:
            raise unavailable(error, self._url) from error
        return {row[0]: row[1] for row in rows}

    async def forget(self, before: datetime) -> int:
        """Forgets the beginning of every partition up to its first record at or after `before`, 5,000 at a time; how many went."""
        try:
            connection = await connect(self._url, f"{self._application} forget")
        except TROUBLE as error:
            raise unavailable(error, self._url) from error
        try:
            await create(connection)
            removed: int = await connection.fetchval("SELECT log_trim($1, $2)", before, FORGET_AT_MOST, timeout=None)
        except TROUBLE as error:
            raise unavailable(error, self._url) from error
        finally:
            await disconnect(connection)
        return removed

    async def check(self) -> str | None:
        """None when the log's database answers on a new connection, else what is wrong."""
        try:
            connection = await connect(self._url, f"{self._application} check")
            await connection.fetchval("SELECT 1")
        except TROUBLE as error:
            return explain(error, self._url)
        await disconnect(connection)
        return None

    async def close(self) -> None:
        """Lets go of the writing connection; a send in progress fails."""
        self._closed = True
        writer, self._writer = self._writer, None
        await disconnect(writer)

    async def _connected(self) -> asyncpg.Connection:
        """The writing connection, made and prepared when there is none."""
        if self._closed:
            raise BusUnavailable("the bus is closed")
        if self._writer is None or self._writer.is_closed():
            connection = await connect(self._url, f"{self._application} send")
            try:
                await create(connection)
            except BaseException:  # a cancelled call too must not leave a connection in doubt; raised again
                connection.terminate()
                raise
            self._writer = connection
        return self._writer

    def _forget_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.terminate()


def _columns(records: Sequence[Record]) -> tuple[list[int], list[bytes], list[str], list[bytes | None]]:
    """The records as arrays; a header's bytes become characters one for one (latin-1), which JSON escapes and any reader can undo."""
    return (
        [partition_of(record.key, PARTITIONS) for record in records],
        [record.key for record in records],
        [_as_text(record.headers) for record in records],
        [record.value for record in records],
    )


def _as_text(headers: list[tuple[str, bytes]]) -> str:
    return json.dumps([(name, str(content, "latin-1")) for name, content in headers])
