"""The operator's hand: see what is parked, try it again, give it up with a reason, send facts once more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.inbox import DISCARDED, UNREADABLE, inbox_parked
from shared.outbox import outbox
from shared.refusals import NotFound

WITHHELD = "org.interurbe.record.withheld.v1"
"""The type of what is sent in place of a fact that was given up: it only keeps the sequence whole."""


async def parked_in_outbox(session: AsyncSession) -> Sequence[Any]:
    """Facts the bus refused for good, oldest first: rows of the outbox."""
    found = await session.execute(select(outbox).where(outbox.c.parked_at.is_not(None)).order_by(outbox.c.seq))
    return found.all()


async def parked_in_inbox(session: AsyncSession) -> Sequence[Any]:
    """Messages this service's consumers could not apply, by consumer and subject: rows of inbox_parked."""
    c = inbox_parked.c
    found = await session.execute(select(inbox_parked).order_by(c.consumer, c.subject, c.sequence, c.parked_at))
    return found.all()


_BACK_IN_THE_QUEUE = text(
    "WITH freed AS (DELETE FROM outbox WHERE subject = :subject AND published_at IS NULL RETURNING *)"
    " INSERT INTO outbox (id, subject, sequence, topic, key, type, headers, payload, created_at)"
    " SELECT id, subject, sequence, topic, key, type, headers, payload, created_at FROM freed ORDER BY freed.seq"
)
"""The subject's waiting facts go to the end of the queue together, in their order: the relay's horizon may have passed their old numbers."""


async def retry(session: AsyncSession, ids: Sequence[str]) -> int:
    """Have these parked facts (ids of outbox events or of parked messages) tried again; how many there were."""
    subjects = await session.execute(select(outbox.c.subject).where(outbox.c.id.in_(ids), outbox.c.parked_at.is_not(None)))
    found = list(subjects.scalars())
    for subject in sorted(set(found)):
        await session.execute(text("SELECT 1 FROM outbox WHERE subject = :subject AND published_at IS NULL FOR UPDATE"), {"subject": subject})
        await session.execute(_BACK_IN_THE_QUEUE, {"subject": subject})
    again = await session.execute(update(inbox_parked).where(inbox_parked.c.id.in_(ids)).values(again=True))
    return len(found) + again.rowcount  # type: ignore[attr-defined, no-any-return]  # a CursorResult, as every UPDATE gives


async def discard(session: AsyncSession, parked_id: str, reason: str) -> str:
    """Give up one parked fact, with the reason; what waits behind it goes on. Says what was done; raises `NotFound`."""
    if not reason.strip():
        raise ValueError("a reason is needed: whoever misses this fact later must be able to read why it is gone")
    row = (await session.execute(select(outbox).where(outbox.c.id == parked_id, outbox.c.parked_at.is_not(None)))).first()
    if row is not None:
        return await _withhold(session, row, reason)
    parked = (await session.execute(select(inbox_parked).where(inbox_parked.c.id == parked_id))).first()
    if parked is None:
        raise NotFound(f"nothing is parked under {parked_id}", field="id", fix="list what is parked and take an id from there")
    if parked.kind == UNREADABLE and parked.subject is None:
        await session.execute(inbox_parked.delete().where(inbox_parked.c.id == parked_id))
        return f"given up: message {parked.topic}/{parked.partition}/{parked.offset} ({reason})"
    await session.execute(
        update(inbox_parked).where(inbox_parked.c.id == parked_id).values(kind=DISCARDED, reason=f"given up: {reason}; was: {parked.reason}"[:2000])
    )
    return f"given up: number {parked.sequence} of {parked.subject} for {parked.consumer} ({reason})"


async def _withhold(session: AsyncSession, row: Any, reason: str) -> str:
    headers = [[name, WITHHELD if name == "ce_type" else value] for name, value in row.headers if name != "ce_dataschema"]
    data = json.dumps({"withheld": row.type, "reason": reason}).encode()
    await session.execute(update(outbox).where(outbox.c.seq == row.seq).values(type=WITHHELD, headers=headers, payload=data))
    await retry(session, [row.id])
    return f"withheld: number {row.sequence} of {row.subject}; a placeholder keeps the order ({reason})"


async def republish(
    session: AsyncSession, *, subject: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> int:
    """Send facts again, of one subject or of a time (``since`` ≤ created < ``until``, aware), in their order; how many.

    Consumers skip what they have seen, so this repairs a lost topic or a gap and harms nothing else.
    """
    if subject is None and since is None and until is None:
        raise ValueError("name a subject or a period: sending everything again must be meant")
    statement = update(outbox).where(outbox.c.published_at.is_not(None))
    if subject is not None:
        statement = statement.where(outbox.c.subject == subject)
    if since is not None:
        statement = statement.where(outbox.c.created_at >= since)
    if until is not None:
        statement = statement.where(outbox.c.created_at < until)
    result = await session.execute(statement.values(published_at=None, attempts=0, last_error=None))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as every UPDATE gives


async def forget_published(session: AsyncSession, before: datetime, limit: int = 5000) -> int:
    """Delete facts published before an instant, at most ``limit``, oldest first; never one that is not published."""
    old = select(outbox.c.seq).where(outbox.c.published_at < before).order_by(outbox.c.seq).limit(limit).with_for_update(skip_locked=True)
    result = await session.execute(outbox.delete().where(outbox.c.seq.in_(old.scalar_subquery()), outbox.c.published_at.is_not(None)))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as every DELETE gives


async def waiting(session: AsyncSession) -> tuple[int, float, int]:
    """How many facts wait for the bus (counted up to 100,000), the age of the oldest in seconds, and how many are parked."""
    unpublished = select(outbox.c.seq, outbox.c.created_at).where(outbox.c.published_at.is_(None), outbox.c.parked_at.is_(None))
    counted = unpublished.limit(100_000).subquery()
    age = select(func.extract("epoch", func.clock_timestamp() - outbox.c.created_at)).where(
        outbox.c.published_at.is_(None), outbox.c.parked_at.is_(None)
    )
    row = (
        await session.execute(
            select(
                select(func.count()).select_from(counted).scalar_subquery(),
                age.order_by(outbox.c.seq).limit(1).scalar_subquery(),
                select(func.count()).where(outbox.c.parked_at.is_not(None)).scalar_subquery(),
            )
        )
    ).one()
    return int(row[0]), float(row[1] or 0.0), int(row[2])
