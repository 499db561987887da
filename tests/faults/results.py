"""The table that `make faults` writes: each row with what it met and how it ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.row import BOTH, Row

HEAD = """# Results of the fault rows

Written by `make faults`. Ids are explained in `tests/faults/rows.py`, invariants I1–I12 in `tests/faults/invariants.py`. A row is `ok`
when every test it names ran and passed, `partly` when some were left out, `not run` when all were, and `open` when there is none yet.
Each line is that of the row's last run: a narrowed one (`make faults ARGS="-k c9"`) replaces the lines of the rows it ran.
Operations are changes asked for, facts handed in and mails offered; where a test counts none of these, its examples. An invariant with a
number was judged by the checker, which looked at so many things (on a whole product: at its whole history); one without is asserted by
the row's own tests. A seed is told where anything is drawn at random. A row on one bus, or on none, says why.

| id | injected | bus | result | operations | invariants | seed | seconds |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How one test ended; ``told`` holds operations, invariants and seed if the test said them."""

    node: str
    outcome: str
    seconds: float
    told: dict[str, Any]

    @property
    def bus(self) -> str | None:
        """The bus in the test's parameters, or that its marks name."""
        told = self.node.partition("[")[2]
        named = "kafka" if "mock" in told else next((bus for bus in ("kafka", "postgres") if bus in told), None)
        return named or self.told.get("bus")

    def bus_of(self, row: Row) -> str:
        """The bus it stands for in a row: a test that says nothing of any needs none."""
        return self.bus or ("none" if row.bus == BOTH else row.bus)


def write(path: Path, rows: Sequence[Row], results: Sequence[Result]) -> None:
    """Write the table; rows in their order, one line per bus; a row that did not run now keeps the lines it had."""
    before = path.read_text().splitlines(keepends=True) if path.exists() else []
    lines = [line for row in rows for line in _lines(row, results, [line for line in before if line.startswith(f"| {row.id} |")])]
    ran = sum(" | ok | " in line for line in lines)
    path.write_text(f"{HEAD}{''.join(lines)}\n{ran} lines ok, {sum(bool(row.open) for row in rows)} rows open.\n")


def _lines(row: Row, results: Sequence[Result], before: list[str]) -> list[str]:
    if row.open:
        return [f"| {row.id} | {row.injected} | | open: {row.open} | | | | |\n"]
    mine = [result for result in results if any(_is_of(result.node, test) for test in row.tests)]
    if not mine:
        return before or [f"| {row.id} | {row.injected} | {row.bus} | not run | | {row.invariants} | | |\n"]
    buses = sorted({result.bus_of(row) for result in mine})
    return [_line(row, bus, mine) for bus in buses]


def _line(row: Row, bus: str, all_of_it: Sequence[Result]) -> str:
    whole = all(any(_is_of(result.node, test) for result in all_of_it) for test in row.tests if _meant_for(test, bus))
    mine = [result for result in all_of_it if result.bus_of(row) == bus]
    passed = "ok" if whole else "partly"
    outcome = passed if all(result.outcome == "passed" for result in mine) else "FAILED"
    operations = sum(int(result.told.get("operations") or 1) for result in mine)
    seeds = " ".join(sorted({str(result.told["seed"]) for result in mine if result.told.get("seed", "") != ""}))
    seconds = sum(result.seconds for result in mine)
    where = f"{bus}: {row.why}" if row.why else bus
    return f"| {row.id} | {row.injected} | {where} | {outcome} | {operations} | {_looked_at(row, mine)} | {seeds} | {seconds:.1f} |\n"


def _looked_at(row: Row, results: Sequence[Result]) -> str:
    """The invariants of all its tests together, in their order; the number of things looked at where a test told it."""
    counts: dict[str, int] = {}
    unseen: set[str] = set()
    for result in results:
        held, _, left_out = str(result.told.get("invariants", row.invariants)).partition("not looked at")
        unseen |= set(re.findall(r"I\d+", left_out))
        for name, number in re.findall(r"(I\d+)(?: \((\d+)\))?", held):
            counts[name] = counts.get(name, 0) + int(number or 0)
    order = sorted(counts, key=lambda name: int(name[1:]))
    missing = sorted(unseen - counts.keys(), key=lambda name: int(name[1:]))
    words = " ".join(f"{name} ({counts[name]})" if counts[name] else name for name in order)
    return f"{words}; not looked at: {' '.join(missing)}" if missing else words


def _meant_for(test: str, bus: str) -> bool:
    """Whether a named test is one of this bus; one without parameters of its own may run on any."""
    _, _, parameters = test.partition("[")
    return not parameters or parameters.startswith(bus)


def _is_of(node: str, test: str) -> bool:
    """A test named without parameters stands for all of its parameters."""
    return node == test or ("[" not in test and node.partition("[")[0] == test) or (test.endswith("*]") and node.startswith(test[:-2]))
