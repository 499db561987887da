"""Facts are written in the transaction that made them true; the relay carries them to the bus afterwards.

The order that everything rests on: the aggregate's row is written (so it is locked, and its version checked) *before* the
outbox row draws its ``seq``. Hence within one aggregate ``seq`` order is commit order, and whenever a later event can be
seen the earlier one can be too; a relay that takes unpublished rows in ``seq`` order neither loses nor reorders any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Insert,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from shared.db import Key, mechanism, new_id, upsert
from shared.events import DATASCHEMA, SOURCE, Envelope, Event, Visibility
from shared.events.cloudevents import Unreadable, from_message, to_data, to_headers
from shared.sandbox import in_sandbox
from shared.telemetry.correlation import causation_id, correlation_id
from shared.telemetry.tracing import current_traceparent

MAX_EVENT_BYTES = 256 * 1024
"""The largest fact that is accepted, with its headers; far below what any broker refuses, so no fact is stuck for its size."""

outbox = Table(
    "outbox",
    mechanism,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Key, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("published_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("parked_at", DateTime(timezone=True)),
    UniqueConstraint("subject", "sequence"),
)
Index("ix_outbox_unpublished", outbox.c.seq, postgresql_where=outbox.c.published_at.is_(None) & outbox.c.parked_at.is_(None))
Index("ix_outbox_parked", outbox.c.subject, postgresql_where=outbox.c.parked_at.is_not(None))
Index("ix_outbox_created_at", outbox.c.created_at, postgresql_using="brin")


@dataclass(frozen=True, slots=True)
class Reach:
    """Who may know of a fact; ``audience`` holds partner ids. One of them that is of the sandbox marks the fact as for trying out.

    ``about`` are partners that it concerns although they may not know of it yet: they mark it too.
    """

    visibility: Visibility
    audience: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


_AT_ONCE = 1000
"""So many aggregates in one statement at the most: it stays far within the time that a statement has."""

_FACT_COLUMNS = ("id", "subject", "sequence", "topic", "key", "type", "headers", "payload")


class Aggregate:
    """Mixin for a thing we are the authority for: it has a version (the ETag) and counts its own facts.

    ``version`` is SQLAlchemy's version counter: a change based on an older version fails with ``StaleDataError``.
    ``sequence`` is the number of the last fact recorded about it.
    """

    SUBJECT: ClassVar[str]

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    sequence: Mapped[int] = mapped_column(Integer, nullable=False, default=0)

    def __init__(self, **values: Any) -> None:
        """A new one has its id from the start, so that its first fact can name it."""
        super().__init__(**{"id": new_id(), "sequence": 0, **values})

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy hands in the class
        """Let SQLAlchemy check and raise the version with every change."""
        return {"version_id_col": cls.version}

    @property
    def subject(self) -> str:
        """What its facts are about: ``agreement/0199…``."""
        return f"{self.SUBJECT}/{self.id}"

    def reach(self, fact: Event) -> Reach:
        """Who may know of this fact."""
        raise TypeError(f"{type(self).__name__} must say who may know of {type(fact).__name__}")


class TooLarge(ValueError):
    """A fact is larger than any bus must carry."""


class Unsayable(ValueError):
    """A fact that no reader could make sense of: its data does not fit its type, or an attribute is missing."""


async def record(session: AsyncSession, aggregate: Aggregate, *facts: Event, now: datetime) -> None:
    """Write the facts about an aggregate into the outbox, in the session's own transaction, in the order given.

    The aggregate (new or changed) is flushed first; the facts get the next sequence numbers, the current trace context and
    the ids of what caused them. ``now`` becomes their time. Raises `TooLarge` for a fact above `MAX_EVENT_BYTES`, and `Unsayable`
    for one that does not fit the schema of its type.
    """
    if not facts:
        return
    first = aggregate.sequence + 1
    aggregate.sequence = first + len(facts) - 1
    session.add(aggregate)
    await session.flush()
    rows = [_row(_envelope(aggregate, fact, first + place, now)) for place, fact in enumerate(facts)]
    await session.execute(insert(outbox), rows)
    session.info["recorded"] = True


async def record_new(session: AsyncSession, aggregate: Aggregate, fact: Event, *beside: Any, now: datetime) -> None:
    """Write a new aggregate, the mapped objects ``beside`` it and its first fact in one statement: one round trip instead of three.

    For what is made often. The objects are written as they are (no defaults) and do not become part of the session. Here too the
    fact draws its ``seq`` after the aggregate's row is written: the relay's horizon relies on it.
    """
    aggregate.version = aggregate.sequence = 1
    values = {f"fact_{name}": value for name, value in _row(_envelope(aggregate, fact, 1, now)).items()}
    things = (aggregate, *beside)
    for place, thing in enumerate(things):
        values |= {f"{place}_{column.key}": getattr(thing, column.key) for column in thing.__table__.columns}
    await session.execute(_together(tuple(thing.__table__ for thing in things)), values)
    session.info["recorded"] = True


async def record_all(session: AsyncSession, changes: Sequence[tuple[Aggregate, Event]], *, now: datetime) -> None:
    """Write many aggregates of one kind, each once and new or changed, with one fact about each: two statements for a thousand.

    The aggregates are written as they are and do not become part of the session, so nothing checks that their versions are still the
    ones that were read: whoever calls holds a lock that keeps others from changing them.
    """
    await record_each(session, [(aggregate, (fact,)) for aggregate, fact in changes], now=now)


async def record_each(session: AsyncSession, changes: Sequence[tuple[Aggregate, Sequence[Event]]], *, now: datetime) -> None:
    """As `record_all`, with any number of facts about each, told in the order given; those of which nothing is told are written too."""
    for aggregate, facts in changes:
        aggregate.version, aggregate.sequence = (aggregate.version or 0) + 1, aggregate.sequence + len(facts)
    for start in range(0, len(changes), _AT_ONCE):
        some = changes[start : start + _AT_ONCE]
        table: Table = type(some[0][0]).__table__  # type: ignore[attr-defined]  # every aggregate is mapped to one
        rows = [{column.key: getattr(aggregate, column.key) for column in table.columns} for aggregate, _ in some]
        await upsert(session, table, rows, key=("id",))
        told = [
            _row(_envelope(aggregate, fact, aggregate.sequence - len(facts) + place, now))
            for aggregate, facts in some
            for place, fact in enumerate(facts, 1)
        ]
        if told:
            await session.execute(insert(outbox), told)
            session.info["recorded"] = True


@cache
def _together(tables: tuple[Table, ...]) -> Insert:
    """The statement that inserts one row into each of the tables and one into the outbox."""
    rows = [
        insert(table).values({column.key: bindparam(f"{place}_{column.key}", type_=column.type) for column in table.columns})
        for place, table in enumerate(tables)
    ]
    written = rows[0].returning(literal(1).label("done")).cte("new_0")
    beside = [row.cte(f"new_{place}") for place, row in enumerate(rows[1:], start=1)]
    fact = [bindparam(f"fact_{name}", type_=outbox.c[name].type).label(name) for name in _FACT_COLUMNS]
    return insert(outbox).from_select(_FACT_COLUMNS, select(*fact).select_from(written)).add_cte(*beside)


def _envelope(aggregate: Aggregate, fact: Event, sequence: int, now: datetime) -> Envelope:
    reach = aggregate.reach(fact)
    traceparent, tracestate = current_traceparent()
    return Envelope(
        id=new_id(),
        source=SOURCE.format(owner=fact.TOPIC.rpartition(".")[2]),
        type=fact.TYPE,
        subject=aggregate.subject,
        time=now,
        sequence=sequence,
        data=fact,
        partitionkey=aggregate.subject,
        dataschema=DATASCHEMA.format(type=fact.TYPE),
        visibility=reach.visibility,
        audience=reach.audience,
        correlationid=correlation_id.get(),
        causationid=causation_id.get(),
        traceparent=traceparent,
        tracestate=tracestate,
        sandbox=any(map(in_sandbox, (*reach.audience, *reach.about))),
    )


def _row(envelope: Envelope) -> dict[str, Any]:
    payload, headers = to_data(envelope), to_headers(envelope)
    size = len(payload) + sum(len(name) + len(value) for name, value in headers)
    if size > MAX_EVENT_BYTES:
        raise TooLarge(f"{envelope.type} of {envelope.subject} is {size} bytes; at most {MAX_EVENT_BYTES} are carried")
    try:  # read as every consumer will read it: what once went out can only be withheld, never corrected
        from_message(headers, payload)
    except Unreadable as error:
        raise Unsayable(f"{envelope.type} of {envelope.subject} could be read by nobody: {error}") from error
    return {
        "id": envelope.id,
        "subject": envelope.subject,
        "sequence": envelope.sequence,
        "topic": envelope.topic,
        "key": envelope.partitionkey,
        "type": envelope.type,
        "headers": [[name, value.decode()] for name, value in headers],
        "payload": payload,
    }
