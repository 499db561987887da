"""What waits in the inbox is looked at again: applied when its turn has come, counted, and told of when it waits for nothing that comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from shared import parked
from shared.applying import Application
from shared.inbox import DISCARDED, FAILED, GAP, LOST, UNKNOWN, UNREADABLE

if TYPE_CHECKING:
    from shared.process.runtime import Runtime

GAP_ALARM_SECONDS = 60.0

_COUNT = text("SELECT kind, count(*) FROM inbox_parked WHERE consumer = :c GROUP BY kind")
_FORSAKEN = text(
    "SELECT count(*) FROM inbox_parked p WHERE p.consumer = :c AND p.kind = :gap"
    " AND p.parked_at < clock_timestamp() - make_interval(secs => :seconds)"
    " AND NOT EXISTS (SELECT 1 FROM inbox_parked e WHERE e.consumer = p.consumer AND e.subject = p.subject AND e.sequence < p.sequence)"
)
"""Subjects whose first parked fact waits for one that is nowhere; behind a failed one the operator is told of that."""


class Sweep:
    """The second look at what a consumer has parked."""

    def __init__(self, consumer: str, runtime: Runtime, application: Application) -> None:
        self.trouble: str | None = None
        self._consumer, self._application = consumer, application
        self._database, self._metrics = runtime.database, runtime.telemetry.metrics

    async def apply(self) -> int:
        """Apply parked facts whose turn has come, and what waits right behind them; how many were looked at."""
        async with self._database.session() as session:
            items = await parked.ripe(session, self._consumer)
        if items:
            await self._application.apply(items)
        return len(items)

    async def count(self) -> None:
        """Tell the metrics what is left, and the operator what waits for facts that never came."""
        async with self._database.reader() as reader:
            counts = {row[0]: row[1] for row in await reader.execute(_COUNT, {"c": self._consumer})}
            waits = GAP in counts or DISCARDED in counts
            about = {"c": self._consumer, "gap": GAP, "seconds": GAP_ALARM_SECONDS}
            forsaken = (await reader.execute(_FORSAKEN, about)).scalar_one() if waits else 0
        for kind in (GAP, FAILED, UNREADABLE, UNKNOWN, LOST):
            self._metrics.inbox_parked.labels(consumer=self._consumer, kind=kind).set(counts.get(kind, 0))
        self._application.someone_waits = waits
        self.trouble = None
        if forsaken:
            self.trouble = f"{forsaken} subjects wait for earlier facts that never came; have their owner republish them (see `parked`)"
        if LOST in counts:
            self.trouble = "messages left the log unread: have their owner republish that time, then discard the notes (see `parked`)"
