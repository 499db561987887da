"""A file of partners that was sent: its rows as they came, what became of each, and the rules of taking it in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from services.partners.registry.models import Profile, Registration
from shared.auth import Caller
from shared.db import Key, new_id
from shared.refusals import Conflict, Gone, Malformed, Refusal

MOST_ROWS: Final = 50_000
LONGEST_ROW: Final = 64 * 1024
MOST_UNDER_WAY: Final = 10
"""How many imports of one client may wait or be worked on at a time."""
ROWS_KEPT: Final = timedelta(days=30)


class State(StrEnum):
    """Where an import stands."""

    WAITING = "waiting"
    WORKING = "working"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What became of a row."""

    REGISTERED = "registered"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUSPECTED_DUPLICATE = "suspected_duplicate"
    REFUSED = "refused"


UNDER_WAY: Final = (State.WAITING, State.WORKING)
NOT_TAKEN: Final = (Outcome.SUSPECTED_DUPLICATE, Outcome.REFUSED)


class TooManyRows(Refusal):
    """The file has more rows than one import takes. Split it (each part with its own header line) and send the parts one by one."""

    status = 413
    code = "too-many-rows"
    title = "The file has too many rows."


class FileUnreadable(Malformed):
    """The file cannot be told apart into rows from ``line`` on; nothing of it was taken. Correct that place and send it again."""

    code = "file-unreadable"
    title = "The file cannot be read."


class RepeatedInFile(Conflict):
    """An earlier row of the same file is about the same partner. Put all that is said of a partner into one row."""

    code = "repeated-in-file"
    title = "The file names this partner twice."


class TooManyImports(Conflict):
    """The client has as many imports under way as it may have. Wait until one has finished, or cancel one."""

    code = "too-many-imports"
    title = "Too many imports are under way."


class ImportEnded(Conflict):
    """The import has finished or was cancelled before. What it did stays; send the rows that are left as a new import."""

    code = "import-ended"
    title = "The import has ended."


class RowsForgotten(Gone):
    """The rows of an import are kept for 30 days after its end. The counts stay."""

    code = "rows-forgotten"
    title = "The rows of this import are no longer kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A file as it was sent: ``columns`` is the header of a CSV file, empty otherwise."""

    format: str
    columns: list[str] = field(default_factory=list)
    dry_run: bool = False
    force: bool = False
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A row as it was sent: the number of its first line, and its cells or its text."""

    line: int
    said: list[str] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as it was understood; ``partner`` and ``version`` are those it named, if any."""

    line: int
    registration: Registration
    partner: str | None = None
    version: int | None = None

    @property
    def is_unnamed(self) -> bool:
        """Whether it says neither id nor key, so that names alone can tell whether its partner is on record."""
        return self.partner is None and not self.registration.profile.identifiers

    def marks(self) -> Iterator[str]:
        """What no other row of the file may say: whom it is about, as far as it says so itself."""
        if self.partner is not None:
            yield mark_of(self.partner)
        for scheme, value in self.registration.profile.identifiers:
            yield f"key:{scheme}:{value}"

    def names(self) -> Iterator[str]:
        """The names that a try-out compares within the file, where nothing is kept that could be compared with."""
        for folded in self.registration.profile.folded():
            yield f"name:{self.registration.profile.country}:{folded}"


def mark_of(partner: str) -> str:
    """That a row was about this partner."""
    return f"partner:{partner}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a row: the partner, if any, and why it was not taken, if so."""

    outcome: Outcome
    partner: str | None = None
    refusal: Refusal | None = None


@dataclass(slots=True)
class Desk:
    """What is known when a batch of rows is begun: whose keys they are, those partners, and what earlier rows were about (by line).

    ``twins`` are those who bear all the names of rows (by line) that say nothing else of whom they are about, ``survivors`` those into
    which partners that rows name were merged.
    """

    owners: dict[tuple[str, str], str]
    partners: dict[str, tuple[Profile, int]]
    marks: dict[str, int]
    survivors: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)
    twins: dict[int, dict[str, Profile]] = field(default_factory=dict)

    def companions(self, rows: Sequence[Row | None], *, dry_run: bool) -> int:
        """How many of these rows, from the first on, can be taken together, for none depends on what becomes of another.

        One that names a partner on record is alone. New ones share no key; and no name, where a name alone decides.
        """
        taken: set[str] = set()
        for count, row in enumerate(rows):
            if row is None:
                continue
            alone = row.partner is not None or any(key in self.owners for key in row.registration.profile.identifiers)
            marks, names = set(row.marks()), set(row.names())
            if taken and (alone or not taken.isdisjoint(marks | names if dry_run or row.is_unnamed else marks)):
                return count
            if alone:
                return count + 1
            taken |= marks | names
        return len(rows)

    def must_be_first(self, *marks: str) -> None:
        """Refuse what an earlier row of the file was about already."""
        for mark in marks:
            line = self.marks.get(mark)
            if line is not None:
                detail = f"Line {line} of this file is about the same partner ({mark.partition(':')[2]})."
                place = "/id" if mark.startswith("partner:") else "/identifiers"
                raise RepeatedInFile(detail, field=place, fix="Put all that is said of a partner into one row.", line=line)

    def note(self, line: int, *marks: str) -> None:
        """Remember what a row was about."""
        self.marks |= dict.fromkeys(marks, line)
        self.fresh |= dict.fromkeys(marks, line)


class PartnerImport(Model):
    """One file: who sent it and how, and how far it is; its counts move with its rows, in one transaction."""

    __tablename__ = "partner_import"
    __table_args__ = (
        Index("ix_partner_import_under_way", "touched_at", postgresql_where=text("state IN ('waiting', 'working')")),
        Index("ix_partner_import_partner", "by_partner", "id"),
    )

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    state: Mapped[str]
    format: Mapped[str]
    columns: Mapped[list[str]]
    dry_run: Mapped[bool]
    force: Mapped[bool]
    client: Mapped[str]
    by_partner: Mapped[str] = mapped_column(Key)
    scopes: Mapped[list[str]]
    traceparent: Mapped[str | None]
    rows: Mapped[int]
    done: Mapped[int]
    registered: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    suspected_duplicate: Mapped[int]
    refused: Mapped[int]
    ended_because: Mapped[str | None]
    received_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    rows_until: Mapped[datetime | None]

    @classmethod
    def begin(cls, caller: Caller, received: Received, now: datetime) -> Self:
        """A file whose rows are about to be stored."""
        said = {name: getattr(received, name) for name in ("format", "columns", "dry_run", "force", "traceparent")}
        counts = dict.fromkeys(("rows", "done", *Outcome), 0)
        by = {"client": caller.client, "by_partner": caller.partner, "scopes": sorted(caller.scopes)}
        return cls(id=new_id(), state=State.WAITING, received_at=now, touched_at=now, **said, **counts, **by)

    def sender(self) -> Caller:
        """Whoever sent the file: every row may do what they may."""
        return Caller(self.client, self.by_partner, frozenset(self.scopes))

    def count(self, outcomes: list[Outcome], now: datetime) -> None:
        """These became of the next rows; the last one ends the import."""
        self.state, self.touched_at, self.started_at = State.WORKING, now, self.started_at or now
        self.done += len(outcomes)
        for outcome in outcomes:
            setattr(self, outcome, getattr(self, outcome) + 1)
        if self.done == self.rows:
            self.end(State.FINISHED, None, now)

    def end(self, state: State, because: str | None, now: datetime) -> None:
        """Nothing more is done, and from now on the rows are kept for a while only; raises `ImportEnded`."""
        if self.state not in UNDER_WAY:
            raise ImportEnded(f"The import is {self.state} already.", fix="Send what is left as a new import.", state=self.state)
        self.state, self.ended_because, self.finished_at, self.rows_until = state, because, now, now + ROWS_KEPT


class ImportRow(Model):
    """One row as it was sent, and what became of it: nothing yet, while ``outcome`` is empty."""

    __tablename__ = "partner_import_row"

    importing: Mapped[str] = mapped_column(Key, ForeignKey("partner_import.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    said: Mapped[Any] = mapped_column(JSONB)
    outcome: Mapped[str | None]
    partner: Mapped[str | None] = mapped_column(Key)
    problem: Mapped[dict[str, Any] | None]


class ImportMark(Model):
    """That a row of a file was about something no other row of it may be about."""

    __tablename__ = "partner_import_mark"

    importing: Mapped[str] = mapped_column(Key, ForeignKey("partner_import.id"), primary_key=True)
    mark: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[int]
