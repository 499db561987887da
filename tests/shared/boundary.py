"""The bus as tests see it from outside: one that meddles with what is sent, and one that hands out the messages it was given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from shared.bus import Bus, BusError, HeldBack, Message, Record, TopicPartition

Verdict = Callable[[Record], BusError | None]
TOPIC = "interurbe.partners"


class Tollgate:
    """A bus on another one: ``verdict`` says of each record whether it passes, ``before`` is awaited ahead of every send.

    As every bus does, it holds back what lies behind a refused record of the same key. ``sends`` are the sizes of the calls.
    """

    def __init__(self, bus: Bus) -> None:
        self.system = bus.system
        self.verdict: Verdict = lambda _record: None
        self.before: Callable[[], Awaitable[None]] | None = None
        self.sends: list[int] = []
        self._bus = bus

    async def send(self, records: Sequence[Record], *, deadline: float) -> list[BusError | None]:
        self.sends.append(len(records))
        if self.before is not None:
            await self.before()
        outcomes: list[BusError | None] = []
        stopped: set[bytes] = set()
        for record in records:
            outcome = HeldBack("behind a refused one") if record.key in stopped else self.verdict(record)
            if outcome is not None:
                stopped.add(record.key)
            outcomes.append(outcome)
        passing = [record for record, outcome in zip(records, outcomes, strict=True) if outcome is None]
        passed = iter(await self._bus.send(passing, deadline=deadline)) if passing else iter(())
        return [next(passed) if outcome is None else outcome for outcome in outcomes]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


class Feed:
    """A subscription that hands out batches it was given, whatever another one does: what a zombie of a group would read.

    Who seeks back to the beginning of the batch handed out last is handed it again.
    ``troubles`` maps the name of a method to the error it raises next; ``kept`` and ``sought`` tell what was asked of it.
    """

    group, generation = "interurbe.feed", 1

    def __init__(self, batches: Sequence[Sequence[Message]], troubles: dict[str, BaseException] | None = None) -> None:
        self.kept: dict[TopicPartition, int] = {}
        self.sought: list[tuple[TopicPartition, int]] = []
        self.closed = False
        self.batches = [list(batch) for batch in batches]
        self._last: list[Message] = []
        self._troubles = troubles if troubles is not None else {}

    async def start(self) -> None:
        self.closed = False

    async def poll(self, *, limit: int, timeout: float) -> dict[TopicPartition, list[Message]]:
        self._stumble("poll")
        found: dict[TopicPartition, list[Message]] = {}
        self._last = self.batches.pop(0) if self.batches else []
        for message in self._last:
            found.setdefault(TopicPartition(message.topic, message.partition), []).append(message)
        return found

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._stumble("commit")
        self.kept |= offsets

    async def committed(self) -> dict[TopicPartition, int]:
        return {}

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        self._stumble("seek")
        self.sought.append((tp, offset))
        if self._last:
            self.batches.insert(0, self._last)
            self._last = []

    async def rewind(self) -> None:
        self._stumble("rewind")

    async def lost(self) -> dict[TopicPartition, tuple[int, int]]:
        return {}

    async def ends(self) -> dict[TopicPartition, int]:
        return {}

    async def lag(self) -> dict[TopicPartition, int]:
        self._stumble("lag")
        return {}

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(TOPIC, number) for number in range(6)}

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def _stumble(self, name: str) -> None:
        error = self._troubles.pop(name, None)
        if error is not None:
            raise error


class FedBus:
    """A bus whose subscriptions are the given ones, one after another; the last one stays."""

    def __init__(self, bus: Bus, *feeds: Feed) -> None:
        self.system = bus.system
        self.opened: list[Feed] = []
        self._bus, self._feeds = bus, list(feeds)

    def subscribe(self, group: str, topics: Sequence[str]) -> Feed:
        feed = self._feeds.pop(0) if len(self._feeds) > 1 else self._feeds[0]
        self.opened.append(feed)
        return feed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)
