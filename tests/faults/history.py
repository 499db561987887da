"""What clients were told, what owners keep, what the log, views, messages and mails say: and whether it all fits together.

A `History` is plain data, gathered after a fault has ended (`tests/faults/gathering.py`) or made up by a test that proves the
checker (`tests/faults/invariants.py`). A `Report` says of each invariant what was looked at and what was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

OK, INFO, REFUSED = "ok", "info", "refused"
"""What a client knows of its command: done; nothing certain, although asked again and again; refused for good."""


@dataclass(frozen=True, slots=True)
class Command:
    """One intent of a client: append ``mark``, unique in the run, to the list of a ``thing``; ``why`` it was refused, if it was."""

    mark: str
    thing: str
    outcome: str
    trace: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as committed or as read from the log; ``mark`` is the command it answers, ``cause`` the fact that led to it."""

    id: str
    subject: str
    sequence: int
    type: str
    topic: str
    trace: str | None
    time: str = ""
    mark: str | None = None
    cause: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def thing(self) -> str:
        """The id within the subject."""
        return self.subject.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Told:
    """A message that is owed to somebody, and what became of it."""

    id: str
    event: str
    to: str
    status: str
    ambiguous: int
    trace: str | None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as the mail server took it."""

    message_id: str
    to: str
    subject: str
    trace: str | None


@dataclass(frozen=True, slots=True)
class Quiet:
    """How it looked once everything had come to rest, or time was up."""

    unpublished: int
    lag: int
    due: int
    not_ready: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What a service answered when it was asked how it is. None: nothing. ``reasons`` are the checks that are not well, in its words."""

    ready: bool | None
    reasons: Mapping[str, str] = field(default_factory=dict)
    alive: bool | None = None


BRIEF = "brief"
"""Stands for the check of a fault that does not last."""


@dataclass(frozen=True, slots=True)
class Ordeal:
    """A fault as long as it lasted, at one service: which check had to fail (none: the process itself was away), and all it said.

    One that is over as soon as it is done (`BRIEF`) may have been got over already: then it is asked only who answers, and how.
    """

    what: str
    service: str
    check: str | None
    said: tuple[Said, ...]


@dataclass(slots=True)
class History:
    """Everything that is known of a run. None: this run could not see it."""

    commands: list[Command] = field(default_factory=list)
    owned: dict[str, list[str]] = field(default_factory=dict)
    """Of each thing the marks in its owner's tables, in their order."""
    counted: dict[str, int] = field(default_factory=dict)
    """Of each subject the number of its last fact, by its owner's tables."""
    outbox: list[Fact] = field(default_factory=list)
    log: list[Fact] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    marks: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of each consumer the marks of its inbox."""
    listens: dict[str, list[str]] = field(default_factory=dict)
    parked: dict[str, int] = field(default_factory=dict)
    readers: dict[str, str] = field(default_factory=dict)
    """Whoever subscribed: mailbox -> the partner they follow."""
    since: dict[str, datetime] = field(default_factory=dict)
    """Since when: what happened before is told to nobody."""
    told: list[Told] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    quiet: Quiet | None = None
    handles: dict[str, tuple[int, int]] | None = None
    """What is held ("partners: open files", "partners: megabytes", "PostgreSQL: connections") before and after."""
    metrics: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of each service what its numbers say it has done, before and after; a process that was replaced began at zero."""
    ordeals: list[Ordeal] = field(default_factory=list)
    """What services said of themselves while faults lasted; a fault too short to ask about is not among them."""
    texts: dict[str, str] = field(default_factory=dict)
    """What stands where others may read it, beside logs and spans: by what it is."""
    leaks: list[str] | None = None


@dataclass(slots=True)
class Finding:
    """One invariant: how many things were looked at, and what was wrong."""

    looked_at: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """`ok`, `broken` or `not looked at`, with counts."""
        if self.wrong:
            return f"broken ({len(self.wrong)} of {self.looked_at})"
        return f"ok ({self.looked_at})" if self.looked_at else "not looked at"


@dataclass(slots=True)
class Report:
    """The twelve invariants of a run."""

    findings: dict[str, Finding]

    @property
    def broken(self) -> dict[str, list[str]]:
        """What does not hold, with the first differences."""
        return {name: list(dict.fromkeys(found.wrong))[:10] for name, found in self.findings.items() if found.wrong}

    @property
    def unseen(self) -> list[str]:
        """What nothing was looked at for: it holds of nothing, and is never called sound."""
        return [name for name, found in self.findings.items() if not found.looked_at]

    def words(self) -> str:
        """One line, for a table: each invariant that holds with how many things were looked at."""
        held = [f"{name} ({found.looked_at})" for name, found in self.findings.items() if found.looked_at and not found.wrong]
        unseen = self.unseen
        broken = [f"{name} {found.words}" for name, found in self.findings.items() if found.wrong]
        return "; ".join(filter(None, [" ".join(held), ", ".join(broken), f"not looked at: {' '.join(unseen)}" if unseen else ""]))
