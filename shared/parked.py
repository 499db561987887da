"""What cannot be applied now, kept with all its bytes and the reason: it holds back its own subject only, and is never skipped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import Message
from shared.db import new_id
from shared.inbox import DISCARDED, FAILED, GAP, Item, Parked, Plan, inbox_mark, inbox_parked, marks_of, read
from shared.telemetry.tracing import trace_id_of


async def park(session: AsyncSession, consumer: str, items: Sequence[tuple[Item, str]]) -> None:
    """Keep messages that cannot be applied now, each once, with kind and reason and all their bytes."""
    rows = [_row(consumer, item, kind) for item, kind in items if not _stays(item)]
    if rows:
        await session.execute(insert(inbox_parked).on_conflict_do_nothing(), rows)


def _row(consumer: str, item: Item, kind: str, reason: str | None = None) -> dict[str, Any]:
    message, place = item.message, item.place
    words = reason or (str(item.trouble) if item.trouble else f"waits for the facts before number {place[1] if place else '?'}")
    envelope = item.envelope
    return {
        "id": new_id(),
        "consumer": consumer,
        "kind": kind,
        "reason": words.replace("\x00", "\ufffd")[:2000],
        "subject": place[0] if place else None,
        "sequence": place[1] if place else None,
        "type": item.type,
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "key": message.key,
        "payload": message.value,
        "headers": [[name, base64.b64encode(value or b"").decode()] for name, value in message.headers],
        "trace_id": trace_id_of(envelope.traceparent) if envelope else None,
    }


def restored(row: Any) -> Item:
    """The message as it came, from its parked row; one that was given up has nothing in it any more but its place."""
    headers = [(name, base64.b64decode(value)) for name, value in row.headers]
    message = Message(row.topic, row.partition, row.offset, row.key, headers, row.payload, 0)
    parked = Parked(row.id, row.subject, row.sequence, row.kind == DISCARDED)
    if parked.given_up:
        return Item(message, None, None, parked)
    return replace(read(message), parked=parked)


async def set_aside(session: AsyncSession, consumer: str, item: Item, reason: str) -> None:
    """Keep a fact that its handler refuses: parked as failed, whatever it waited for before."""
    row = _row(consumer, item, FAILED, reason) | {"attempts": 1}
    statement = insert(inbox_parked).values(row)
    changed = {"kind": FAILED, "reason": row["reason"], "again": False, "attempts": inbox_parked.c.attempts + 1}
    if item.place is None:
        await session.execute(statement.on_conflict_do_nothing())
        return
    target = [inbox_parked.c.consumer, inbox_parked.c.subject, inbox_parked.c.sequence]
    await session.execute(
        statement.on_conflict_do_update(index_elements=target, index_where=inbox_parked.c.subject.is_not(None), set_=changed)
    )


async def leave(session: AsyncSession, items: Sequence[Item], made: Plan) -> None:
    """Let go of the rows whose facts need them no longer; the others wait again to be asked for."""
    waiting = {id(item) for item, _ in made.park if _stays(item)}
    staying = [item.parked.id for item in items if item.parked and id(item) in waiting]
    leaving = [item.parked.id for item in items if item.parked and id(item) not in waiting]
    if staying:
        await session.execute(update(inbox_parked).where(inbox_parked.c.id.in_(staying), inbox_parked.c.again).values(again=False))
    if leaving:
        await session.execute(delete(inbox_parked).where(inbox_parked.c.id.in_(leaving)))


def _stays(item: Item) -> bool:
    """Whether the row it waited in is still the right one: not when its place could be read only now."""
    return item.parked is not None and (item.parked.subject is not None or item.place is None)


async def forget(session: AsyncSession, consumer: str) -> None:
    """Forget everything this consumer has seen, for a rebuild from the first fact on."""
    await session.execute(delete(inbox_mark).where(inbox_mark.c.consumer == consumer))
    await session.execute(delete(inbox_parked).where(inbox_parked.c.consumer == consumer))


_RIPE = text(
    "SELECT p.id FROM inbox_parked p LEFT JOIN inbox_mark m ON m.consumer = p.consumer AND m.subject = p.subject"
    " WHERE p.consumer = :c AND (p.again OR p.sequence <= m.sequence"
    " OR (p.kind IN (:gap, :discarded) AND p.sequence = coalesce(m.sequence, 0) + 1)) ORDER BY p.subject, p.sequence LIMIT :most"
)


async def ripe(session: AsyncSession, consumer: str, limit: int = 500) -> list[Item]:
    """Parked facts whose turn has come (next of their subject, asked for again, or passed), and those that wait behind them."""
    ids = (await session.execute(_RIPE, {"c": consumer, "gap": GAP, "discarded": DISCARDED, "most": limit})).scalars().all()
    if not ids:
        return []
    row = inbox_parked.c
    subjects = select(row.subject).where(row.id.in_(ids))
    of_subject = (row.subject.in_(subjects)) & (row.kind.in_((GAP, DISCARDED)))
    found = await session.execute(
        select(inbox_parked).where(row.consumer == consumer, row.id.in_(ids) | of_subject).order_by(row.subject, row.sequence).limit(limit)
    )
    return [restored(one) for one in found]


async def waits_behind(session: AsyncSession, parked: Any) -> bool:
    """Whether an earlier fact of the same subject is parked too, so that this one's turn comes after it."""
    row = inbox_parked.c
    earlier = select(row.id).where(row.consumer == parked.consumer, row.subject == parked.subject, row.sequence < parked.sequence)
    return (await session.execute(earlier.limit(1))).first() is not None


async def pass_over(session: AsyncSession, parked: Any) -> int:
    """Move the mark past a parked fact without applying it, and let go of its row; the first number that is passed over.

    What is missing before it is passed over too. Whoever applies facts in this moment finds the mark moved, and looks again.
    """
    statement = insert(inbox_mark).values(consumer=parked.consumer, subject=parked.subject, sequence=parked.sequence)
    before = (await marks_of(session, parked.consumer, [parked.subject])).get(parked.subject, 0)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["consumer", "subject"], set_={"sequence": parked.sequence}, where=inbox_mark.c.sequence < parked.sequence
        )
    )
    await session.execute(delete(inbox_parked).where(inbox_parked.c.id == parked.id))
    return min(before + 1, int(parked.sequence))
