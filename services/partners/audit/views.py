"""What is asked of the audit: its entries in the order of the chain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, MetaData, Select, Table, and_, case, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.audit.models import AuditEntry, Entry, written
from shared.db import Key

_ENTRY = AuditEntry.__table__
# The registry stands on this room, so its table is named here by what is asked of it and not imported.
_partner = Table("partner", MetaData(), Column("id", Key), Column("merged_into", Key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which entries are asked for, those after the number ``after``; None asks nothing.

    ``whose`` is the partner that may see its own alone. ``partner`` is any of the ids that one partner has had: all of them count.
    """

    whose: str | None = None
    partner: str | None = None
    action: str | None = None
    after: int = 0


async def entries(reader: AsyncConnection, sought: Sought, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` entries in the order of the chain; those that wait to be chained are left out."""
    asked = select(_ENTRY).where(_ENTRY.c.n > sought.after).order_by(_ENTRY.c.n).limit(limit)
    if sought.whose is not None:
        asked = asked.where(_ENTRY.c.partner == sought.whose)
    if sought.partner is not None:
        asked = asked.where(_ENTRY.c.partner.in_(_all_ids_of(sought.partner)))
    if sought.action is not None:
        asked = asked.where(_ENTRY.c.action == sought.action)
    rows = (await reader.execute(asked)).mappings()
    return [{**content(row, row["n"], row["prev_hash"]), "hash": row["hash"]} for row in rows]


def _all_ids_of(partner: str) -> Select[Any]:
    """The id, those of the records that were merged with it, whichever way, and theirs."""
    found = select(literal(partner, Key).label("id")).cte("found", recursive=True)
    into = and_(_partner.c.id == found.c.id, _partner.c.merged_into.is_not(None))
    other = case((_partner.c.id == found.c.id, _partner.c.merged_into), else_=_partner.c.id)
    return select(found.union(select(other).join(found, or_(into, _partner.c.merged_into == found.c.id))).c.id)


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
