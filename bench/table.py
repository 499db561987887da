"""What a benchmark says: ours, the bare baseline, their ratio, and what is owed."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``value`` is compared with ``owed`` and ``aim`` (``at_most``: smaller is better)."""

    what: str
    value: float
    owed: float
    aim: float
    detail: str = ""
    at_most: bool = False
    unit: str = ""

    @property
    def verdict(self) -> str:
        """`aim`, `owed` or `SHORT`."""
        return "aim" if self._meets(self.aim) else "owed" if self._meets(self.owed) else "SHORT"

    def _meets(self, bound: float) -> bool:
        return self.value <= bound if self.at_most else self.value >= bound


@dataclass(slots=True)
class Pair:
    """Two ways to do the same work, run in turns so that whatever else the machine does falls on both."""

    ours: Measure
    bare: Measure
    runs: int = 3
    ours_rates: list[float] = field(default_factory=list)
    bare_rates: list[float] = field(default_factory=list)

    async def ratio(self) -> tuple[float, str]:
        """Median of ours over median of bare, and both rates in words; each returns things per second."""
        for _ in range(self.runs):
            self.bare_rates.append(await self.bare())
            self.ours_rates.append(await self.ours())
        ours, bare = statistics.median(self.ours_rates), statistics.median(self.bare_rates)
        return ours / bare, f"{ours:,.0f}/s against {bare:,.0f}/s"


def show(rows: list[Row]) -> str:
    """The table as Markdown."""
    lines = ["| what | measured | owed | aim | met | figures |", "|---|---|---|---|---|---|"]
    for row in rows:
        sign = "≤" if row.at_most else "≥"
        lines.append(
            f"| {row.what} | {row.value:.2f}{row.unit} | {sign} {row.owed:g}{row.unit} | {sign} {row.aim:g}{row.unit} "
            f"| {row.verdict} | {row.detail} |"
        )
    return "\n".join(lines)


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000
