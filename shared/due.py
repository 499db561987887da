"""What must happen at a time: one row per thing, done once, in order, also after the process slept for a week."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, Update, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.crash import crash_here
from shared.db import Database, mechanism
from shared.loop import Wake
from shared.telemetry.tracing import current_traceparent, span_context, under

_log = structlog.get_logger("interurbe.due")

BATCH = 500
"""So many things at the most before the loop looks up: to be stopped, to tell of trouble, to see what has become due meanwhile."""

STRANGE = timedelta(minutes=1)
"""How long overdue a thing of an unknown kind may be before it is told: a newer process may be about to start."""

due = Table(
    "due",
    mechanism,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("not_before", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("traceparent", Text),
)
Index("ix_due_due_at", due.c.due_at)

Act = Callable[[AsyncSession, str, datetime], Awaitable[None]]
"""Does what is due for a subject at an instant; touches its session only."""

Acts = Mapping[str, Act]


async def owe(session: AsyncSession, kind: str, subject: str, due_at: datetime) -> None:
    """See to it that ``kind`` happens to ``subject`` at ``due_at`` (aware); a second call moves it."""
    row = {"kind": kind, "subject": subject, "due_at": due_at, "traceparent": current_traceparent()[0]}
    statement = insert(due).values(row)
    changed = {name: statement.excluded[name] for name in ("due_at", "traceparent")} | {
        "not_before": None,
        "attempts": 0,
        "last_error": None,
    }
    await session.execute(statement.on_conflict_do_update(index_elements=["kind", "subject"], set_=changed))


async def forgive(session: AsyncSession, kind: str, subject: str) -> None:
    """See to it that ``kind`` no longer happens to ``subject``."""
    await session.execute(delete(due).where(due.c.kind == kind, due.c.subject == subject))


class DueLoop:
    """The loop that does what is due, oldest first, each in a transaction of its own, by as many processes as there are."""

    name = "due"

    def __init__(self, database: Database, acts: Acts, *, relay_wake: Callable[[], None] | None = None) -> None:
        self.wake, self.poll_seconds = Wake(), 1.0
        self._database, self._acts, self._relay_wake = database, dict(acts), relay_wake
        self._trouble: str | None = None

    def trouble(self) -> str | None:
        """What was due and could not be done, if anything."""
        return self._trouble

    async def step(self, now: datetime | None = None) -> int:
        """Do what is due at ``now`` (the clock's, if not given), at most ``BATCH`` things; how many were done."""
        moment = now or datetime.now(UTC)
        done = 0
        try:
            while done < BATCH and await self._next(moment):
                done += 1
        except Exception as error:  # whatever it is, it is told before the loop sees it; raised again
            self._trouble = f"what is due cannot be looked up: {type(error).__name__}: {error}"[:500]
            raise
        if done == 0:
            self._trouble = await self._overdue(moment)
        return done

    async def _next(self, now: datetime) -> bool:
        async with self._database.session() as session:
            row = (
                await session.execute(
                    select(due)
                    .where(due.c.due_at <= now, due.c.kind.in_(self._acts), func.coalesce(due.c.not_before, now) <= now)
                    .order_by(due.c.due_at, due.c.kind, due.c.subject)
                    .limit(1)
                    .with_for_update(skip_locked=True)
                )
            ).first()
            if row is None:
                return False
            try:
                async with session.begin_nested():
                    with under(span_context(row.traceparent)):
                        await self._acts[row.kind](session, row.subject, now)
                await session.execute(delete(due).where(due.c.kind == row.kind, due.c.subject == row.subject, due.c.due_at == row.due_at))
            except Exception as error:  # noqa: BLE001 - an act may fail in any way; the row keeps the reason and comes again
                await session.execute(_postponed(row.kind, row.subject, now, row.attempts, error))
                _log.exception("what was due failed", kind=row.kind, subject=row.subject, attempts=row.attempts + 1)
            crash_here("due.before_commit")
            await session.commit()
            crash_here("due.after_commit")
            if session.info.get("recorded") and self._relay_wake is not None:
                self._relay_wake()
        return True

    async def _overdue(self, now: datetime) -> str | None:
        """What fails again and again, or is of a kind that nobody here knows how to do."""
        strange = due.c.kind.not_in(self._acts) & (due.c.due_at <= now - STRANGE)
        async with self._database.reader() as reader:
            failing = select(due).where(due.c.due_at <= now, strange | (due.c.attempts > 0)).order_by(due.c.due_at)
            row = (await reader.execute(failing.limit(1))).first()
        if row is None:
            return None
        why = f"fails: {row.last_error}" if row.kind in self._acts else "nobody here knows how to do it"
        return f"{row.kind} of {row.subject} is due since {row.due_at.isoformat()} and {why}"

    async def close(self) -> None:
        """Nothing is held between steps."""


def _postponed(kind: str, subject: str, now: datetime, attempts: int, error: Exception) -> Update:
    pause = timedelta(seconds=min(3600, 2**attempts))
    values = {"attempts": attempts + 1, "last_error": f"{type(error).__name__}: {error}"[:2000], "not_before": now + pause}
    return update(due).where(due.c.kind == kind, due.c.subject == subject).values(values)
