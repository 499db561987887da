"""What is asked of the audit: its entries in the order of the chain."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.audit.models import AuditEntry, Entry, written

_ENTRY = AuditEntry.__table__


async def entries(reader: AsyncConnection, partner: str | None, after: int, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` entries after the number ``after``, of one partner's clients (None: of everybody); those that wait are left out."""
    asked = select(_ENTRY).where(_ENTRY.c.n > after).order_by(_ENTRY.c.n).limit(limit)
    if partner is not None:
        asked = asked.where(_ENTRY.c.partner == partner)
    rows = (await reader.execute(asked)).mappings()
    return [{**content(row, row["n"], row["prev_hash"]), "hash": row["hash"]} for row in rows]


def content(row: Mapping[Any, Any], n: int, prev_hash: str | None) -> Entry:
    """What the hash covers of a row, at this place of the chain."""
    return Entry(
        n=n,
        at=written(row["at"]),
        client=row["client"],
        partner=row["partner"],
        action=row["action"],
        subject=row["subject"],
        outcome=row["outcome"],
        trace_id=row["trace_id"],
        prev_hash=prev_hash,
    )
