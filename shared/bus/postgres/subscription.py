"""One member of a consumer group on the log in PostgreSQL: a connection that holds the group's lock, listens and reads."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import asyncpg

from shared.bus import BusUnavailable, CommitRefused, Message, TopicPartition
from shared.bus.postgres.connecting import TROUBLE, connect, disconnect, unavailable
from shared.bus.postgres.schema import CHANNEL, create, create_topics

POLL_SECONDS = 1.0
STANDBY_SECONDS = 0.25

BEGINNINGS = """
SELECT topic.id, topic.name, state.partition,
       CASE WHEN progress.next_offset > state.next_offset THEN state.first_offset
            ELSE greatest(state.first_offset, coalesce(progress.next_offset, 0)) END AS position,
       state.next_offset, progress.next_offset, state.first_offset
FROM log_topic topic JOIN log_partition state ON state.topic = topic.id
LEFT JOIN log_progress progress
    ON progress.consumer_group = $1 AND progress.topic = topic.id AND progress.partition = state.partition
WHERE topic.name = ANY ($2::text[])
ORDER BY topic.name, state.partition
"""
READ = """
SELECT record.topic, record.partition, record."offset", record.key, record.headers, record.value,
       (extract(epoch FROM record.at) * 1000)::bigint
FROM unnest($1::int[], $2::smallint[], $3::bigint[]) AS wanted (topic, partition, position)
CROSS JOIN LATERAL (
    SELECT * FROM log_record
    WHERE log_record.topic = wanted.topic AND log_record.partition = wanted.partition AND log_record."offset" >= wanted.position
    ORDER BY log_record."offset" LIMIT $4
) record
LIMIT $4
"""
COMMIT = """
INSERT INTO log_progress (consumer_group, topic, partition, next_offset)
SELECT $1, topic, partition, position FROM unnest($2::int[], $3::smallint[], $4::bigint[]) AS done (topic, partition, position)
ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next_offset = excluded.next_offset
"""


class PostgresSubscription:
    """A `Subscription`. The group's advisory lock, its reads and its commits share one connection: who lost the lock cannot commit."""

    def __init__(self, url: str, group: str, topics: Sequence[str], *, application: str) -> None:
        self.group = group
        self.generation = 0
        self._url = url
        self._topics = sorted(set(topics))
        self._application = application
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._ids: dict[str, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._closed = False

    async def start(self) -> None:
        """Nothing to do: the first `poll` connects."""
        self._closed = False

    async def poll(self, *, limit: int, timeout: float) -> dict[TopicPartition, list[Message]]:
        """See `Subscription.poll`; a NOTIFY wakes it, and it looks by itself once a second."""
        ends = time.monotonic() + timeout
        while True:
            self._woken.clear()
            found = await self._look(limit)
            rest = ends - time.monotonic()
            if found or rest <= 0:
                return found
            await self._pause(min(rest, POLL_SECONDS if self._positions else STANDBY_SECONDS))

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Remembers where to go on. Raises CommitRefused when the lock of the group was lost since."""
        async with self._turn:
            strange = [tp for tp in offsets if tp not in self._positions]
            if self._connection is None or strange:
                raise CommitRefused(f"{self.group}: another member may read {strange or 'its partitions'} now")
            try:
                await self._connection.execute(COMMIT, self.group, *self._arrays(offsets))
            except TROUBLE as error:
                self._drop()
                raise CommitRefused(f"{self.group}: the connection that holds the group's lock was lost") from error

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """The next poll reads `tp` from there, if it is ours."""
        if tp in self._positions:
            self._positions[tp] = offset

    async def rewind(self) -> None:
        """The next poll reads everything from its earliest record."""
        self._positions = dict.fromkeys(self._positions, 0)

    async def lag(self) -> dict[TopicPartition, int]:
        """Records behind the last commit, per assigned partition. Raises BusUnavailable."""
        return {TopicPartition(row[1], row[2]): max(0, row[4] - row[3]) for row in await self._beginnings()}

    async def ends(self) -> dict[TopicPartition, int]:
        """Behind the last record of each assigned partition. Raises BusUnavailable."""
        return {TopicPartition(row[1], row[2]): row[4] for row in await self._beginnings()}

    async def committed(self) -> dict[TopicPartition, int]:
        """What the group has committed, for the member that holds the lock. Raises BusUnavailable."""
        rows = await self._beginnings()
        return {TopicPartition(row[1], row[2]): row[5] or 0 for row in rows} if any(row[5] for row in rows) else {}

    async def lost(self) -> dict[TopicPartition, tuple[int, int]]:
        """What was trimmed before the group had read it. Raises BusUnavailable."""
        rows = await self._beginnings()
        return {TopicPartition(row[1], row[2]): (row[5] or 0, row[6]) for row in rows if (row[5] or 0) < row[6]}

    def assignment(self) -> set[TopicPartition]:
        """All partitions of the topics for the member that holds the lock, none for the others."""
        return set(self._positions)

    async def close(self) -> None:
        """Lets go of the connection and with it of the lock."""
        self._closed = True
        connection = self._connection
        self._drop(terminate=False)
        await disconnect(connection)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _beginnings(self) -> list[asyncpg.Record]:
        """Where the group stands, for the member that holds the lock, else nothing."""
        async with self._turn:
            if self._connection is None or not self._positions:
                return []
            try:
                rows = await self._connection.fetch(BEGINNINGS, self.group, self._topics)
            except TROUBLE as error:
                self._drop()
                raise unavailable(error, self._url) from error
            if {row[1]: row[0] for row in rows} != self._ids:
                self._drop()  # a topic was deleted, perhaps made anew: under its old number nothing would ever come again
            return list(rows)

    async def _look(self, limit: int) -> dict[TopicPartition, list[Message]]:
        """One try to read: connects and asks for the lock first when that is still to do."""
        async with self._turn:
            try:
                connection = await self._joined()
                if not self._positions:
                    return {}
                rows = await connection.fetch(READ, *self._arrays(self._in_turn()), limit)
            except TROUBLE as error:
                self._drop()
                raise unavailable(error, self._url) from error
            return self._messages(rows)

    async def _joined(self) -> asyncpg.Connection:
        """The connection, listening; and the lock of the group, when it can be had."""
        if self._closed:
            raise BusUnavailable(f"the subscription of {self.group} is closed")
        if self._connection is not None and self._connection.is_closed():
            self._drop()
        if self._connection is None:
            self._connection = await self._listening()
        if not self._positions and await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", _lock_number(self.group)):
            rows = await self._connection.fetch(BEGINNINGS, self.group, self._topics)
            self._positions = {TopicPartition(row[1], row[2]): row[3] for row in rows}
            self.generation += 1
        return self._connection

    async def _listening(self) -> asyncpg.Connection:
        connection = await connect(self._url, self._application)
        try:
            await create(connection)
            await create_topics(connection, self._topics)
            rows = await connection.fetch("SELECT name, id FROM log_topic WHERE name = ANY ($1::text[])", self._topics)
            self._ids = {row[0]: row[1] for row in rows}
            for number in self._ids.values():
                await connection.add_listener(CHANNEL.format(topic=number), self._wake)
        except BaseException:  # a cancelled call too must not leave a connection in doubt; raised again
            connection.terminate()
            raise
        connection.add_termination_listener(self._wake)
        return connection

    def _wake(self, *_: object) -> None:
        self._woken.set()

    async def _pause(self, seconds: float) -> None:
        """Until something was appended, or the connection broke, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def _in_turn(self) -> dict[TopicPartition, int]:
        """The positions, each time beginning with the partition after the one that came first: nobody is starved by a backlog."""
        first = next(iter(self._positions))
        self._positions[first] = self._positions.pop(first)
        return self._positions

    def _arrays(self, offsets: dict[TopicPartition, int]) -> tuple[list[int], list[int], list[int]]:
        return [self._ids[tp.topic] for tp in offsets], [tp.partition for tp in offsets], list(offsets.values())

    def _messages(self, rows: Sequence[Any]) -> dict[TopicPartition, list[Message]]:
        names = {number: name for name, number in self._ids.items()}
        found: dict[TopicPartition, list[Message]] = {}
        for number, partition, offset, key, headers, value, timestamp in rows:
            message = Message(names[number], partition, offset, key, _as_bytes(headers), value, timestamp)
            found.setdefault(TopicPartition(message.topic, partition), []).append(message)
        for tp, messages in found.items():
            self._positions[tp] = messages[-1].offset + 1
        return found

    def _drop(self, *, terminate: bool = True) -> None:
        """Forgets the connection, and so the assignment."""
        connection, self._connection = self._connection, None
        if self._positions:
            self._positions = {}
            self.generation += 1
        if terminate and connection is not None:
            connection.terminate()


def _lock_number(group: str) -> int:
    return int.from_bytes(hashlib.blake2b(group.encode(), digest_size=8, person=b"interurbe").digest(), "big", signed=True)


def _as_bytes(headers: str) -> list[tuple[str, bytes]]:
    return [(name, content.encode("latin-1")) for name, content in json.loads(headers)]
