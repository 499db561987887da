"""One member of a consumer group on Kafka: joins in the background, commits explicitly, and says when a batch is damaged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from shared.bus import BusUnavailable, CommitRefused, CorruptBatch, Message, TopicPartition
from shared.bus.kafka.asking import Asker
from shared.bus.kafka.ending import end_consumer, ended_unless_started, no_stray_cancellation
from shared.bus.kafka.troubles import DAMAGED, MOVED_ON, TROUBLE, unavailable

ANSWER_SECONDS = 5.0
JOIN_SECONDS = 1.0
LONGEST_BATCH = 100_000

Answer = TypeVar("Answer")


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A `Subscription`. `namespace` goes before the group and every topic on the broker; `ensure` creates the topics."""

    def __init__(
        self, options: dict[str, Any], namespace: str, topics: Sequence[str], ensure: Callable[[Sequence[str]], Awaitable[None]]
    ) -> None:
        self.group = str(options["group_id"]).removeprefix(namespace)
        self.generation = 0
        self._bootstrap = str(options["bootstrap_servers"])
        self._options = options
        self._namespace = namespace
        self._topics = sorted(set(topics))
        self._ensure = ensure
        self._consumer: Any = None
        self._asker = Asker(options)
        self._joining: asyncio.Task[Any] | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._closed = False

    async def start(self) -> None:
        """Begins to join."""
        self._closed = False
        if self._joining is None and self._consumer is None:
            self._joining = asyncio.create_task(self._join())

    async def poll(self, *, limit: int, timeout: float) -> dict[TopicPartition, list[Message]]:
        """See `Subscription.poll`; a long poll at the broker returns as soon as something arrives."""
        ends = time.monotonic() + timeout
        if not await self._joined(timeout):
            return {}
        before = self._positions()
        try:
            try:
                with no_stray_cancellation():
                    found = await self._consumer.getmany(timeout_ms=_milliseconds(ends), max_records=limit)
            except DAMAGED as error:
                await self._go_back(before)
                found = await self._up_to_damage(error, limit, ends)
        except TROUBLE as error:
            await self._leave(gracefully=False)
            raise unavailable(error, self._bootstrap) from error
        return {self._ours(tp): [self._message(record) for record in records] for tp, records in found.items()}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Remembers where to go on. Raises CommitRefused after a rebalance, BusUnavailable when the broker is away."""
        if self._consumer is None:
            raise CommitRefused(f"{self.group}: this member is not in the group")
        try:
            await self._answer(self._consumer.commit({self._theirs(tp): offset for tp, offset in offsets.items()}))
        except MOVED_ON as error:
            raise CommitRefused(f"{self.group}: the partitions were given to another member") from error
        except TROUBLE as error:
            raise unavailable(error, self._bootstrap) from error
        self._committed |= offsets

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """The next poll reads `tp` from there, if it is ours."""
        if tp in self.assignment():
            self._consumer.seek(self._theirs(tp), offset)

    async def rewind(self) -> None:
        """The next poll reads everything from its earliest record. Raises BusUnavailable."""
        try:
            for tp, offset in (await self._offsets("beginning_offsets")).items():
                await self.seek(tp, offset)
        except TROUBLE as error:
            raise unavailable(error, self._bootstrap) from error

    async def committed(self) -> dict[TopicPartition, int]:
        """What the group has committed, per assigned partition; {} for a new group. Raises BusUnavailable."""
        places = await self._places()
        return places if any(places.values()) else {}

    async def lost(self) -> dict[TopicPartition, tuple[int, int]]:
        """What the broker deleted before the group had read it. Raises BusUnavailable."""
        places = await self._places()
        try:
            begins = await self._offsets("beginning_offsets")
        except TROUBLE as error:
            raise unavailable(error, self._bootstrap) from error
        return {tp: (offset, begins[tp]) for tp, offset in places.items() if offset < begins.get(tp, 0)}

    async def ends(self) -> dict[TopicPartition, int]:
        """Behind the last record of each assigned partition. Raises BusUnavailable."""
        try:
            return await self._offsets("end_offsets")
        except TROUBLE as error:
            raise unavailable(error, self._bootstrap) from error

    async def lag(self) -> dict[TopicPartition, int]:
        """Records behind the last commit, per assigned partition. Raises BusUnavailable."""
        try:
            ends = await self._offsets("end_offsets")
            begins = await self._offsets("beginning_offsets")
            return {tp: max(0, end - max(begins.get(tp, 0), await self._committed_at(tp))) for tp, end in ends.items()}
        except TROUBLE as error:
            raise unavailable(error, self._bootstrap) from error

    def assignment(self) -> set[TopicPartition]:
        """What the group gave to this member."""
        return set() if self._consumer is None else {self._ours(tp) for tp in self._consumer.assignment()}

    async def close(self) -> None:
        """Leaves the group."""
        self._closed = True
        joining, self._joining = self._joining, None
        if joining is not None:
            # given up half-way, aiokafka leaves a connection behind, and a member for whom the group waits until its session ends
            await asyncio.wait([joining], timeout=JOIN_SECONDS)
            joining.cancel()
            await asyncio.wait([joining], timeout=ANSWER_SECONDS)
            if joining.done() and not joining.cancelled() and joining.exception() is None:
                self._consumer = joining.result()
        await self._leave(gracefully=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def on_partitions_revoked(self, revoked: Sequence[Any]) -> None:
        """Nothing: what was not committed will be read by the next owner."""

    def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
        """Another assignment begins."""
        self.generation += 1
        self._committed.clear()

    async def _joined(self, timeout: float) -> bool:
        """Whether the group let us in, waiting for it at most so long. Raises BusUnavailable when the broker is away."""
        if self._closed:
            raise BusUnavailable(f"the subscription of {self.group} is closed")
        if self._consumer is None:
            await self.start()
            joining = self._joining
            if joining is None or not (await asyncio.wait([joining], timeout=timeout))[0]:
                return False
            self._joining = None
            try:
                self._consumer = joining.result()
            except TROUBLE as error:
                raise unavailable(error, self._bootstrap) from error
        return True

    async def _join(self) -> Any:
        await self._ensure(self._topics)
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        )
        async with ended_unless_started(consumer, end_consumer):
            consumer.subscribe([self._namespace + topic for topic in self._topics], listener=self)
            await consumer.start()
        return consumer

    async def _leave(self, *, gracefully: bool) -> None:
        consumer, self._consumer = self._consumer, None
        self._committed.clear()
        await self._asker.close()
        if consumer is not None:
            self.generation += 1
            await end_consumer(consumer, gracefully=gracefully)

    def _positions(self) -> dict[Any, int]:
        """Where reading goes on, per partition, as far as that is known yet; aiokafka itself tells it only to who waits for it."""
        reading = self._consumer._subscription.subscription  # noqa: SLF001 - as said
        if reading is None or reading.assignment is None:
            return {}
        states = {tp: reading.assignment.state_value(tp) for tp in reading.assignment.tps}
        return {tp: state.position for tp, state in states.items() if state is not None and state.has_valid_position}

    async def _go_back(self, before: dict[Any, int]) -> None:
        """Read again what aiokafka took out of the other partitions when it met the damage in one: it gives nobody that."""
        for tp, place in self._positions().items():
            began = before[tp] if tp in before else await self._committed_at(self._ours(tp))
            if began != place:
                self._consumer.seek(tp, began)

    async def _up_to_damage(self, error: Exception, limit: int, ends: float) -> dict[Any, list[Any]]:
        """The good records before the damage, if any are unread; else raises CorruptBatch."""
        found = _damage(error)
        if found is None:
            raise unavailable(error, self._bootstrap) from error
        tp, offset, after = found
        before = offset - await self._answer(self._consumer.position(tp))
        if before > 0:
            good: dict[Any, list[Any]] = await self._consumer.getmany(tp, timeout_ms=_milliseconds(ends), max_records=min(limit, before))
            return good
        raise CorruptBatch(self._ours(tp), offset, after, str(error)[:500]) from error

    async def _places(self) -> dict[TopicPartition, int]:
        """Up to where the group has read, per assigned partition: 0 where it has committed nothing. Raises BusUnavailable."""
        mine = list(self.assignment())
        try:
            found = await asyncio.gather(*(self._place(tp) for tp in mine))
        except (*TROUBLE, *MOVED_ON) as error:
            raise unavailable(error, self._bootstrap) from error
        return {tp: offset or 0 for tp, offset in zip(mine, found, strict=True)}

    async def _place(self, tp: TopicPartition) -> int | None:
        place: int | None = await self._answer(self._consumer.committed(self._theirs(tp)))
        return place

    async def _offsets(self, which: str) -> dict[TopicPartition, int]:
        """`beginning_offsets` or `end_offsets` of the assigned partitions."""
        if self._consumer is None or not self._consumer.assignment():
            return {}
        found = await self._answer(self._asker.ask(which, self._consumer.assignment()))
        return {self._ours(tp): offset for tp, offset in found.items()}

    async def _committed_at(self, tp: TopicPartition) -> int:
        if tp not in self._committed:
            self._committed[tp] = await self._answer(self._consumer.committed(self._theirs(tp))) or 0
        return self._committed[tp]

    async def _answer(self, question: Awaitable[Answer]) -> Answer:
        """With a deadline: aiokafka would ask again and again for as long as the broker is away."""
        with no_stray_cancellation():
            async with asyncio.timeout(ANSWER_SECONDS):
                return await question

    def _ours(self, tp: Any) -> TopicPartition:
        return TopicPartition(tp.topic.removeprefix(self._namespace), tp.partition)

    def _theirs(self, tp: TopicPartition) -> Any:
        return KafkaPartition(self._namespace + tp.topic, tp.partition)

    def _message(self, record: Any) -> Message:
        headers = [(name, content or b"") for name, content in record.headers]
        topic = record.topic.removeprefix(self._namespace)
        return Message(topic, record.partition, record.offset, record.key, headers, record.value, record.timestamp)


def _milliseconds(ends: float) -> int:
    return max(0, int((ends - time.monotonic()) * 1000))


def _damage(error: BaseException) -> tuple[Any, int, int] | None:
    """(partition, first unreadable offset, where the next batch begins), read from the frame of aiokafka that met the damage.

    aiokafka names only the partition, and only in words; without the end of the batch one would have to try offset after offset.
    """
    trace = error.__traceback__
    while trace is not None:
        known = trace.tb_frame.f_locals
        if "next_batch" in known and "tp" in known:
            offset: int = known["self"].next_fetch_offset
            after: int = known["next_batch"].next_offset
            return known["tp"], offset, after if offset < after <= offset + LONGEST_BATCH else offset + 1
        trace = trace.tb_next
    return None
