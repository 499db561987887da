"""What each consumer has already seen: one mark per (consumer, subject), moved in the view's own transaction.

A fact at or below the mark is a duplicate, the next one is applied, one beyond it waits here until the missing ones came.
Order and "once" so depend on no retention, no relay and no broker. What cannot be applied is kept here with its reason; it
holds back its own subject only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, LargeBinary, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import Message
from shared.db import Key, mechanism
from shared.events import Envelope, family
from shared.events.cloudevents import UnknownType, Unreadable, from_message

inbox_mark = Table(
    "inbox_mark",
    mechanism,
    Column("consumer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("sequence", Integer, nullable=False),
    postgresql_with={"fillfactor": 70},  # room on the page: a mark that moves then needs no new index entry
)

inbox_parked = Table(
    "inbox_parked",
    mechanism,
    Column("id", Key, primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("subject", Text),
    Column("sequence", Integer),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("type", Text),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("headers", JSON, nullable=False),
    Column("payload", LargeBinary),
    Column("trace_id", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("again", Boolean, nullable=False, server_default="false"),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)
Index(
    "uq_inbox_parked_place",
    inbox_parked.c.consumer,
    inbox_parked.c.topic,
    inbox_parked.c.partition,
    inbox_parked.c.offset,
    unique=True,
    postgresql_where=inbox_parked.c.subject.is_(None),  # a topic made anew counts its offsets from zero again
)
Index(
    "uq_inbox_parked_fact",
    inbox_parked.c.consumer,
    inbox_parked.c.subject,
    inbox_parked.c.sequence,
    unique=True,
    postgresql_where=inbox_parked.c.subject.is_not(None),
)

GAP, FAILED, UNREADABLE, UNKNOWN, DISCARDED = "gap", "failed", "unreadable", "unknown-version", "discarded"
LOST = "lost"
"""No message but a note: the log let go of some before they were read."""


class Overtaken(Exception):
    """Another member of the group applied some of these facts in the same moment; roll back and look again."""


class Parked(NamedTuple):
    """The row of `inbox_parked` a message waited in, and whether an operator gave it up."""

    id: str
    subject: str | None
    sequence: int | None
    given_up: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One message and what could be made of it: an envelope, or the reason why not; and the row it waited in, if it did."""

    message: Message
    envelope: Envelope | None
    trouble: Unreadable | None = None
    parked: Parked | None = None

    @property
    def place(self) -> tuple[str, int] | None:
        """Its subject and sequence, if it told them."""
        told = self.envelope or (self.trouble.attributes if self.trouble else None)
        if told is not None:
            return told.subject, told.sequence
        kept = self.parked
        return (kept.subject, kept.sequence) if kept and kept.subject is not None and kept.sequence is not None else None

    @property
    def type(self) -> str | None:
        """Its CloudEvents type, if it told one."""
        told = self.envelope or (self.trouble.attributes if self.trouble else None)
        return told.type if told else None


def read(message: Message) -> Item:
    """Make of a message what can be made of it; never raises for what is in it."""
    try:
        return Item(message, from_message(message.headers, message.value))
    except Unreadable as trouble:
        return Item(message, None, trouble)


@dataclass(slots=True)
class Plan:
    """What a batch comes to: facts to apply in their order, duplicates to skip, items to park with their kind."""

    marks: dict[str, int]
    apply: list[Item]
    park: list[tuple[Item, str]]
    duplicates: int = 0

    def moved(self) -> dict[str, int]:
        """The new mark of every subject that moves."""
        return {place[0]: place[1] for item in self.apply if (place := item.place)}


def plan(items: Sequence[Item], marks: dict[str, int], known_families: Iterable[str]) -> Plan:
    """Decide for every item of a batch; in-batch disorder is put in order, what is still missing leaves a gap.

    ``marks`` are the last sequences applied; ``known_families`` the event types (without version) the consumer handles: an
    unknown version of those is parked, any other unknown type is none of its business.
    """
    made = Plan(marks, [], [])
    families = set(known_families)
    for subject, arrived in _by_subject(items, made).items():
        reached, blocked = marks.get(subject, 0), False
        for sequence in sorted(arrived):
            item = arrived[sequence]
            if sequence <= reached:
                made.duplicates += 1
            elif blocked or sequence > reached + 1:
                made.park.append((item, GAP))
            elif item.envelope is None and item.type is not None and family(item.type) in families:
                made.park.append((item, UNKNOWN if isinstance(item.trouble, UnknownType) else FAILED))
                blocked = True
            else:
                made.apply.append(item)
                reached = sequence
    return made


def _by_subject(items: Sequence[Item], made: Plan) -> dict[str, dict[int, Item]]:
    """The items that told their place, by subject and sequence; repeats are counted, the placeless are parked."""
    arrived: dict[str, dict[int, Item]] = {}
    for item in items:
        if item.place is None:
            made.park.append((item, UNREADABLE))
            continue
        of_subject = arrived.setdefault(item.place[0], {})
        if item.place[1] in of_subject:
            made.duplicates += 1
        else:
            of_subject[item.place[1]] = item
    return arrived


async def marks_of(session: AsyncSession, consumer: str, subjects: Iterable[str]) -> dict[str, int]:
    """The marks of these subjects as they are now; `move_marks` sees to it that nobody else has moved them since."""
    found = await session.execute(
        text("SELECT subject, sequence FROM inbox_mark WHERE consumer = :c AND subject = ANY(:s)"),
        {"c": consumer, "s": list(set(subjects))},
    )
    return {row.subject: row.sequence for row in found}


_MOVE = text(
    "UPDATE inbox_mark m SET sequence = g.sequence"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(subject text, sequence int, before int)"
    " WHERE m.consumer = :c AND m.subject = g.subject AND m.sequence = g.before"
)
_BEGIN = text(
    "INSERT INTO inbox_mark (consumer, subject, sequence) SELECT :c, g.subject, g.sequence"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(subject text, sequence int) ON CONFLICT DO NOTHING"
)


async def move_marks(session: AsyncSession, consumer: str, made: Plan) -> None:
    """Move the marks from where the plan found them to where it leads.

    A second member of the group that got the same messages waits here for the first to end. Raises `Overtaken` when it, or
    anybody, has moved a mark meanwhile: then all that this transaction did must be rolled back.
    """
    moved = made.moved()
    known = {subject: sequence for subject, sequence in moved.items() if subject in made.marks}
    fresh = {subject: sequence for subject, sequence in moved.items() if subject not in made.marks}
    for statement, rows in ((_MOVE, known), (_BEGIN, fresh)):
        if not rows:
            continue
        result = await session.execute(statement, {"c": consumer, "rows": _recordset(rows, made.marks)})
        count: int = result.rowcount  # type: ignore[attr-defined]  # a CursorResult, as every INSERT and UPDATE gives
        if count != len(rows):
            raise Overtaken(f"{consumer}: {len(rows) - count} subjects were moved by another member")


def _recordset(rows: dict[str, int], before: dict[str, int]) -> str:
    """In the order of subjects, so that two members that move the same marks wait for each other and never both."""
    return json.dumps([{"subject": subject, "sequence": rows[subject], "before": before.get(subject, 0)} for subject in sorted(rows)])
