"""Where a reader stands in the log: so that records the log let go of unread are noticed, and another log in the place of the old."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.bus import Bus, Message, Subscription, TopicPartition

LOOK_SECONDS = 30.0


class Hole(NamedTuple):
    """Records from `first` on, before `until`, that are gone."""

    tp: TopicPartition
    first: int
    until: int


class Course:
    """What one reader of `topics` expects next. Our logs have no gaps: no record is compacted away and no transaction is marked."""

    def __init__(self, bus: Bus, topics: Sequence[str]) -> None:
        self._bus, self._topics = bus, topics
        self._generation = -1
        self._next: dict[TopicPartition, int] = {}
        self._known: dict[str, str] = {}
        self._look_at = 0.0

    async def holes(self, subscription: Subscription, batches: Mapping[TopicPartition, Sequence[Message]]) -> list[Hole]:
        """What is missing before these records: where the group had read to, the log does not go on. Raises BusUnavailable."""
        if subscription.generation != self._generation:
            generation = subscription.generation
            self._next = await subscription.committed() or dict.fromkeys(subscription.assignment(), 0)  # whoever comes new owes all of it
            self._generation = generation
        found = [(tp, self._next.get(tp), batch[0].offset) for tp, batch in batches.items()]
        return [Hole(tp, expected, came) for tp, expected, came in found if expected is not None and came > expected]

    def begin_anew(self) -> None:
        """Forget how far it came: where to go on is asked of the group, and what is gone is looked for, at once."""
        self._generation, self._look_at = -1, 0.0
        self._next.clear()

    def reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether all up to these places was read, or is known to be gone."""
        return all(self._next.get(tp, 0) >= end for tp, end in ends.items())

    def passed(self, tp: TopicPartition, offset: int) -> None:
        """The next record to come is this one."""
        self._next[tp] = offset

    async def look(self, subscription: Subscription) -> tuple[list[Hole], bool]:
        """Every 30 s: what is gone where nothing has come since to show it, and whether a topic is another one than at the last look.

        Raises BusUnavailable.
        """
        if time.monotonic() < self._look_at:
            return [], False
        holes = [Hole(tp, *hole) for tp, hole in (await subscription.lost()).items()]
        changed = await self._is_another_log()
        self._look_at = time.monotonic() + LOOK_SECONDS
        return holes, changed

    async def _is_another_log(self) -> bool:
        found = await self._bus.identities(self._topics)
        changed = any(self._known.get(topic, identity) != identity for topic, identity in found.items())
        self._known.update(found)
        if changed:
            self._next.clear()
        return changed
