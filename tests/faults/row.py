"""What a fault row is, and how it names its tests."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.owed import reason

BOTH = "both"
SHARED, HTTP, FAULTS, MAIL = "tests/shared", "tests/shared/http", "tests/faults", "tests/notifications/mail"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: its id, what is injected, the bus ("both", "postgres", "kafka", "none"), tests by node id, or why it is open."""

    id: str
    injected: str
    bus: str = "none"
    tests: tuple[str, ...] = ()
    invariants: str = ""
    open: str = ""

    @property
    def why(self) -> str:
        """Why it does not run on both buses, if it does not."""
        return "" if self.bus == BOTH else reason(self.id)


def named(file: str, *names: str) -> tuple[str, ...]:
    """These tests of a file."""
    return tuple(f"{file}::{name}" for name in names)


_CRASH = f"{FAULTS}/test_processes.py::test_a_process_ends_at_the_worst_moment"


def crash(*ids: str) -> tuple[str, ...]:
    """The tests that end a process at these places, on both buses."""
    return tuple(f"{_CRASH}[{bus}-{one}]" for one in ids for bus in ("postgres", "kafka"))
