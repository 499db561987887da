"""The operator's hand: see what is parked, try it again, give it up with a reason, send facts once more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared import parked
from shared.events import SOURCE, Visibility
from shared.inbox import DISCARDED, FAILED, inbox_parked
from shared.lease import RELAY, depose
from shared.outbox import outbox
from shared.refusals import NotFound

WITHHELD = "org.interurbe.record.withheld.v1"
"""The type of what is sent in place of a fact that was given up: it only keeps the sequence whole."""


COUNTED = 1000
_BY_INDEX = text("SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort']) AS name")
"""As for the relay's query: the statistics of an outbox that fills are always old."""

_WAITING = text("""
WITH unpublished AS (SELECT seq, created_at FROM outbox WHERE published_at IS NULL AND parked_at IS NULL ORDER BY seq LIMIT :counted)
SELECT (SELECT count(*) FROM unpublished) AS counted,
  (SELECT max(seq) FROM outbox WHERE published_at IS NULL AND parked_at IS NULL) - (SELECT min(seq) FROM unpublished) + 1 AS spread,
  (SELECT extract(epoch FROM clock_timestamp() - created_at) FROM unpublished LIMIT 1) AS age,
  (SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL) AS parked
""")


async def parked_in_outbox(session: AsyncSession) -> Sequence[Any]:
    """Facts the bus refused for good, oldest first: rows of the outbox."""
    found = await session.execute(select(outbox).where(outbox.c.parked_at.is_not(None)).order_by(outbox.c.seq))
    return found.all()


async def parked_in_inbox(session: AsyncSession) -> Sequence[Any]:
    """Messages this service's consumers could not apply, by consumer and subject: rows of inbox_parked."""
    c = inbox_parked.c
    found = await session.execute(select(inbox_parked).order_by(c.consumer, c.subject, c.sequence, c.parked_at))
    return found.all()


async def retry(session: AsyncSession, ids: Sequence[str]) -> int:
    """Have these parked facts (ids of outbox events or of parked messages) tried again; how many there were."""
    freed = await session.execute(
        update(outbox).where(outbox.c.id.in_(ids), outbox.c.parked_at.is_not(None)).values(parked_at=None, attempts=0, last_error=None)
    )
    sent_again = int(freed.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as every UPDATE gives
    if sent_again:
        await depose(session, RELAY)
    kind = case((inbox_parked.c.kind == DISCARDED, FAILED), else_=inbox_parked.c.kind)
    again = await session.execute(update(inbox_parked).where(inbox_parked.c.id.in_(ids)).values(kind=kind, again=True))
    return sent_again + int(again.rowcount)  # type: ignore[attr-defined]  # as above


async def discard(session: AsyncSession, parked_id: str, reason: str) -> str:
    """Give up one parked fact, with the reason; what waits behind it goes on. Says what was done; raises `NotFound`."""
    if not reason.strip():
        raise ValueError("a reason is needed: whoever misses this fact later must be able to read why it is gone")
    refused = (await session.execute(select(outbox).where(outbox.c.id == parked_id, outbox.c.parked_at.is_not(None)))).first()
    if refused is not None:
        return await _withhold(session, refused, reason)
    row = (await session.execute(select(inbox_parked).where(inbox_parked.c.id == parked_id).with_for_update())).first()
    if row is None:
        raise NotFound(f"nothing is parked under {parked_id}", field="id", fix="list what is parked and take an id from there")
    if row.subject is None:
        await session.execute(inbox_parked.delete().where(inbox_parked.c.id == parked_id))
        return f"given up: message {row.topic}/{row.partition}/{row.offset} ({reason})"
    if await parked.waits_behind(session, row):
        words = f"given up: {reason}; was: {row.reason}"[:2000]
        await session.execute(update(inbox_parked).where(inbox_parked.c.id == parked_id).values(kind=DISCARDED, again=False, reason=words))
        return f"given up when its turn comes: number {row.sequence} of {row.subject} for {row.consumer} ({reason})"
    first = await parked.pass_over(session, row)
    numbers = f"number {row.sequence}" if first == row.sequence else f"numbers {first} to {row.sequence}"
    return f"given up: {numbers} of {row.subject} for {row.consumer} ({reason})"


async def _withhold(session: AsyncSession, row: Any, reason: str) -> str:
    data = json.dumps({"withheld": row.type, "reason": reason}).encode()
    await session.execute(update(outbox).where(outbox.c.seq == row.seq).values(type=WITHHELD, headers=_bare_headers(row), payload=data))
    await retry(session, [row.id])
    return f"withheld: number {row.sequence} of {row.subject}; a placeholder keeps the order ({reason})"


def _bare_headers(row: Any) -> list[list[str]]:
    """No more headers than an event must have and its trace: what was refused may have been refused for its headers."""
    told = {pair[0]: pair[1] for pair in row.headers if len(pair) == 2} if isinstance(row.headers, list) else {}
    bare = {
        "content-type": "application/json", "ce_specversion": "1.0", "ce_id": row.id, "ce_type": WITHHELD, "ce_subject": row.subject,
        "ce_source": SOURCE.format(owner=row.topic.rpartition(".")[2]), "ce_time": row.created_at.isoformat(),
        "ce_sequence": str(row.sequence), "ce_partitionkey": row.key, "ce_visibility": Visibility.OWNER.value,
    }  # fmt: skip
    return [[name, value] for name, value in bare.items()] + [[name, told[name]] for name in ("traceparent",) if name in told]


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
    await depose(session, RELAY)
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as every UPDATE gives


async def forget_published(session: AsyncSession, before: datetime, limit: int = 5000) -> int:
    """Delete facts published before an instant, at most ``limit``, oldest first; never one that is not published."""
    aged = (outbox.c.created_at < before) & (outbox.c.published_at < before)  # the first has an index, and follows from the second
    old = select(outbox.c.seq).where(aged).order_by(outbox.c.seq).limit(limit).with_for_update(skip_locked=True)
    result = await session.execute(outbox.delete().where(outbox.c.seq.in_(old.scalar_subquery()), outbox.c.published_at.is_not(None)))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as every DELETE gives


async def waiting(session: AsyncSession) -> tuple[int, float, int]:
    """How many facts wait for the bus, the age of the oldest in seconds, and how many are parked.

    Up to `COUNTED` are counted; of more it tells how many numbers lie between the oldest and the newest, so that asking costs
    a millisecond whatever waits.
    """
    await session.execute(_BY_INDEX)
    row = (await session.execute(_WAITING, {"counted": COUNTED})).one()
    return int(row.counted if row.counted < COUNTED else row.spread), float(row.age or 0.0), int(row.parked)
