"""How fast a long backlog is carried away: at full speed, but in small portions with rests between while somebody writes.

A relay that sends a thousand facts at once takes the processors of its machine, and PostgreSQL's log, for a tenth of a second:
requests wait that long. Measured with a million facts waiting and 50 requests a second: `make bench ARGS=backlog-kafka`.
"""

from __future__ import annotations

import asyncio
import time

from shared.loop import Wake

BATCH = 1000
PORTION = 50
"""Facts sent at once while somebody writes: so many take a few milliseconds."""

RECENT = 0.5
REST = 6.0
"""Seconds of rest for each second of our own processor time; PostgreSQL and the broker work about as much again for each fact."""

LONGEST_REST = 0.1
WAITING = 1 / 8
"""Below this share of a round's time our processor is not what it takes: the bus is far away, and more may be under way at once."""


class Pace:
    """The pace of one relay; ``wake`` is what commits ring. Every ``compare_seconds`` it looks whether the backlog shrinks at all."""

    def __init__(self, wake: Wake, *, compare_seconds: float = 5.0) -> None:
        self._compare = compare_seconds
        self._wake = wake
        self._portion, self._rests = PORTION, True
        self._length: int | None = None
        self._compared_at = float("-inf")
        self._began = self._used = 0.0

    @property
    def gives_way(self) -> bool:
        """Whether facts were committed a moment ago, and the backlog does not grow all the same."""
        return self._rests and time.monotonic() < self._wake.rung_at + RECENT

    @property
    def portion(self) -> int:
        """How many facts may be sent at once."""
        return self._portion if self.gives_way else BATCH

    def begin(self, length: int) -> None:
        """A round begins with about so many facts waiting: a backlog that has grown in spite of our work is not rested on."""
        self._began, self._used = time.monotonic(), time.process_time()
        if time.monotonic() >= self._compared_at + self._compare:
            self._rests = self._length is None or length <= self._length
            self._length, self._compared_at = length, time.monotonic()

    async def rest(self, sent: int) -> None:
        """After a round that sent so many: leave the machine to others, in proportion to what the round took of it."""
        used, took = time.process_time() - self._used, time.monotonic() - self._began
        if not self.gives_way or sent < PORTION:
            self._portion = PORTION
            if sent < PORTION:
                self._rests, self._length, self._compared_at = True, None, float("-inf")
            return
        self._portion = min(BATCH, self._portion * 2) if used < took * WAITING else max(PORTION, self._portion // 2)
        await asyncio.sleep(min(used * REST, LONGEST_REST))
