"""What is done to the audit: an entry is written with each change, and entries that wait are chained."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from services.partners.audit.models import AuditEntry, hash_of
from services.partners.audit.views import content
from shared.db import execute_raw
from shared.telemetry.tracing import current_traceparent
from shared.witness import Deed, Line

BATCH: Final = 500
_CHAIN_LOCK: Final = 7_238_413
_WRITE: Final = (
    "INSERT INTO audit_entry (at, client, partner, action, subject, outcome, trace_id) VALUES ($1, $2, $3::text::uuid, $4, $5, $6, $7)"
)
_CHAIN: Final = text(
    "UPDATE audit_entry AS e SET n = link.n, prev_hash = link.prev_hash, hash = link.hash "
    "FROM jsonb_to_recordset(:links) AS link(seq bigint, n bigint, prev_hash text, hash text) WHERE e.seq = link.seq"
).bindparams(bindparam("links", type_=JSONB))
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{1,10}|bootstrap")


def note(deed: Deed) -> Line:
    """The entry of who did what, to be written in the transaction of the change itself: the witness that the edge calls."""
    caller, traceparent = deed.caller, current_traceparent()[0]
    trace = traceparent.split("-")[1] if traceparent else None
    return Line(_WRITE, (datetime.now(UTC), caller.client, caller.partner, deed.action, subject_of(deed), deed.outcome, trace))


def write(session: Session, deed: Deed) -> None:
    """Write who did what where no edge does."""
    line = note(deed)
    execute_raw(session.connection(), line.statement, *line.values)


def write_all(session: Session, deeds: Sequence[Deed]) -> None:
    """Write many deeds in the order given, at once."""
    if deeds:
        session.connection().exec_driver_sql(_WRITE, [note(deed).values for deed in deeds])


def subject_of(deed: Deed) -> str:
    """The path of what was made or changed. Only ids are filled in: other words of a path may be anything, even a person's name."""
    path = deed.location or deed.action.partition(" ")[2]
    return re.sub(r"\{(\w+)[^}]*\}", lambda name: _filled(name[0], deed.params.get(name[1], "")), path)


def _filled(place: str, value: str) -> str:
    return value if _ID.fullmatch(value) else place


async def chain(session: AsyncSession, batch: int = BATCH) -> int:
    """Bind entries that wait to the chain, those committed first first; how many. One process at a time; the others wait."""
    await session.execute(select(func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    waiting = select(AuditEntry.__table__).where(AuditEntry.n.is_(None)).order_by(AuditEntry.seq).limit(batch)
    rows = (await session.execute(waiting)).mappings().all()
    if not rows:
        return 0
    last = select(AuditEntry.n, AuditEntry.hash).where(AuditEntry.n.is_not(None)).order_by(AuditEntry.n.desc()).limit(1)
    number, before = (await session.execute(last)).one_or_none() or (0, None)
    links: list[dict[str, Any]] = []
    for place, row in enumerate(rows, (number or 0) + 1):
        entry = content(row, place, before)
        before = hash_of(entry)
        links.append({"seq": row["seq"], "n": place, "prev_hash": entry["prev_hash"], "hash": before})
    await session.execute(_CHAIN, {"links": links})
    return len(rows)
