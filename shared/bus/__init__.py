"""The Bus protocol: topics of keyed records that outlive their readers, on Kafka or on one machine's PostgreSQL.

This package's root imports nothing but the standard library. `shared.bus.kafka` is the only importer of aiokafka,
`shared.bus.postgres` keeps the log in PostgreSQL, `shared.bus.opening` chooses between them.

What both promise, and `tests/shared/test_bus.py` holds both to:

* a topic has partitions (six when created here); a key always lands in the same one, chosen by Kafka's own murmur2;
* records of one key are read in the order they were sent; nothing is read twice unless a reader goes back;
* a group remembers, per partition, the next offset to read; a partition is read by one member of a group at a time;
* at least once: what was read and not committed is read again by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self

PARTITIONS = 6
MAX_RECORD_BYTES = 1_000_000


class TopicPartition(NamedTuple):
    """One ordered log: a topic and the number of one of its partitions (from 0)."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record to send; headers keep their order, may repeat a name and carry any bytes; value None is a tombstone."""

    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes | None


class Message(NamedTuple):
    """A record as read back: where it lies in the log, and the broker's or sender's time in milliseconds since 1970 (UTC)."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: list[tuple[str, bytes]]
    value: bytes | None
    timestamp_ms: int


class BusError(Exception):
    """Something the bus could not do, in plain words; `retryable` says whether the same call may succeed later."""

    retryable: bool = True


class SendTimeout(BusError):
    """The acknowledgement did not come within the deadline: the record may or may not be in the log."""


class BusUnavailable(BusError):
    """The broker cannot be reached, or refuses work for now."""


class HeldBack(BusError):
    """Not sent, because an earlier record of the same key in the same call was not accepted: order comes first."""


class RecordRefused(BusError):
    """This record can never be sent as it is: too large, invalid, or not allowed on its topic."""

    retryable = False


class CommitRefused(BusError):
    """The group moved on without this member (a rebalance, a lost connection): normal, what was read will be read again."""


class CorruptBatch(BusError):
    """Stored bytes that cannot be read back, and why; `seek(tp, after)` goes past them, after the loss has been recorded."""

    retryable = False

    def __init__(self, tp: TopicPartition, offset: int, after: int | None = None, why: str = "") -> None:
        self.tp = tp
        self.offset = offset
        self.after = offset + 1 if after is None else after
        words = f"{tp.topic}/{tp.partition}: the records from offset {offset} are damaged; reading can go on at {self.after}"
        super().__init__(f"{words} ({why})" if why else words)


class Subscription(Protocol):
    """One member of a consumer group. Use it as an async context manager, from one task (`lag` may be called from another)."""

    @property
    def group(self) -> str:
        """The consumer group's name."""
        ...

    @property
    def generation(self) -> int:
        """Counts the times the assignment changed; compare before and after to notice a rebalance. 0 before the first one."""
        ...

    async def start(self) -> None:
        """Joins the group in the background; never raises because the broker is down (the first `poll` says so)."""
        ...

    async def poll(self, *, limit: int, timeout: float) -> dict[TopicPartition, list[Message]]:
        """Waits up to `timeout` seconds for new messages of the assigned partitions and returns at most `limit`, each partition in order.

        Returns {} when nothing came, or while another member reads everything. Reading goes on behind the last message returned,
        whatever was committed: use `seek` to go back. A group without an offset begins at the earliest record. A group whose
        offset lies before the retained log goes on at the earliest retained record.

        Raises BusUnavailable when the broker cannot be reached (after waiting at most `timeout`); the next call tries again.
        Raises CorruptBatch when stored bytes are damaged; other partitions flow once the caller has `seek`ed to its `after`.
        """
        ...

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Remembers the next offset to read (last one done + 1) per partition.

        Raises CommitRefused when a partition is not (or no longer) this member's; BusUnavailable when the broker is away.
        """
        ...

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """Makes the next `poll` read `tp` from `offset`; a partition that is not assigned any more is ignored."""
        ...

    async def rewind(self) -> None:
        """Makes the next `poll` read every assigned partition from its earliest record; commits nothing."""
        ...

    async def committed(self) -> dict[TopicPartition, int]:
        """What the group has committed, per assigned partition; {} for a new group. A partition of which it has read nothing is at 0.

        Raises BusUnavailable.
        """
        ...

    async def lost(self) -> dict[TopicPartition, tuple[int, int]]:
        """What left the log before the group had read it: (first, behind the last) per assigned partition.

        For a group that has committed nothing that is all that ever left. Raises BusUnavailable.
        """
        ...

    async def ends(self) -> dict[TopicPartition, int]:
        """Where the log ends now: behind the last record, per assigned partition. Raises BusUnavailable."""
        ...

    async def lag(self) -> dict[TopicPartition, int]:
        """Records not yet committed by the group, per assigned partition. Raises BusUnavailable."""
        ...

    def assignment(self) -> set[TopicPartition]:
        """The partitions this member reads now; empty before the first `poll` and for a member that stands by."""
        ...

    async def close(self) -> None:
        """Leaves the group, so that another member takes over at once; bounded to about 5 s; safe to call twice."""
        ...

    async def __aenter__(self) -> Self:
        """Starts."""
        ...

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Closes."""
        ...


class Bus(Protocol):
    """A connection to the log: one per process, shared by its relay and its consumers."""

    system: str
    """What OpenTelemetry's messaging conventions call it: `kafka` or `postgresql`."""

    async def start(self) -> None:
        """Makes ready; does not raise while the broker is down: connections are made when needed, and again when lost."""
        ...

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Creates what is missing, with six partitions; an existing topic is left as it is. Raises BusUnavailable."""
        ...

    async def send(self, records: Sequence[Record], *, deadline: float) -> list[BusError | None]:
        """Appends the records and waits for every acknowledgement, at most `deadline` seconds.

        Returns one outcome per record in input order: None means stored safely; otherwise why not. Never raises for a record.
        Records of one key are stored in input order; behind one that failed the later ones of its key are not sent (HeldBack),
        other keys flow. Past the deadline the open outcomes are SendTimeout and the producer is thrown away: the next call builds
        a new one. A record whose outcome is retryable may have been stored all the same: send it again, readers must tell.
        """
        ...

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """A new member of `group`, not yet started; the topics are created when missing."""
        ...

    async def forget(self, before: datetime) -> int:
        """Lets go of records older than `before` (aware) where the log does not see to that itself; how many. Raises BusUnavailable."""
        ...

    async def identities(self, topics: Sequence[str]) -> dict[str, str]:
        """What tells each topic that exists from any other of its name: it changes when the topic is made anew, here or on another
        server behind the same address. Raises BusUnavailable.
        """
        ...

    async def check(self) -> str | None:
        """None when the broker answers, else what is wrong and how to mend it; takes at most about 3 s."""
        ...

    async def close(self) -> None:
        """Lets go of everything within about 5 s, even when the broker hangs; safe to call twice."""
        ...
