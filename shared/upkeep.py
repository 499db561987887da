"""What the outbox needs now and then: to be measured, and to be relieved of facts published long ago."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from shared.bus import Bus
from shared.db import Database
from shared.loop import Wake
from shared.repair import forget_published, waiting
from shared.telemetry import Telemetry

KEPT = timedelta(days=30)
"""How long published facts stay, so that a lost topic can be sent again: at least the retention of the bus."""

MEASURE_SECONDS = 2.0
FORGET_SECONDS = 600.0
STALE_SECONDS = 60.0


class Upkeep:
    """The loop that measures the outbox every two seconds and, every ten minutes, prunes it and the log behind the bus, bit by bit."""

    name = "outbox"

    def __init__(self, database: Database, bus: Bus, telemetry: Telemetry) -> None:
        self.wake, self.poll_seconds = Wake(), MEASURE_SECONDS
        self._database, self._bus, self._metrics = database, bus, telemetry.metrics
        self._trouble: str | None = None
        self._forget_at = time.monotonic() + FORGET_SECONDS

    def trouble(self) -> str | None:
        """That facts do not reach the bus."""
        return self._trouble

    async def step(self) -> int:
        """Measure; prune when it is time. How many rows were pruned."""
        async with self._database.session() as session:
            unpublished, age, parked = await waiting(session)
        self._metrics.outbox_unpublished.set(unpublished)
        self._metrics.outbox_oldest_age_seconds.set(age)
        self._metrics.outbox_parked.set(parked)
        self._trouble = f"the oldest of {unpublished} facts has waited {age:.0f} s for the bus" if age > STALE_SECONDS else None
        if time.monotonic() < self._forget_at:
            return 0
        return await self._forget(datetime.now(UTC))

    async def _forget(self, now: datetime) -> int:
        async with self._database.session() as session:
            gone = await forget_published(session, now - KEPT)
            await session.commit()
        gone = gone or await self._bus.forget(now - KEPT)
        if not gone:
            self._forget_at = time.monotonic() + FORGET_SECONDS
        return gone

    async def close(self) -> None:
        """Nothing is held between steps."""
