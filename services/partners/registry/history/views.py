"""What is asked of the history: a partner's changes, newest first."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.models import plain
from services.partners.registry.history.models import PartnerChange
from services.partners.registry.views import partner_by_id
from shared.auth import PLATFORM, Caller

_COLUMNS = (PartnerChange.version, PartnerChange.at, PartnerChange.by_partner, PartnerChange.client, PartnerChange.changes)


async def changes_of_partner(reader: AsyncConnection, caller: Caller, partner: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` changes of a partner, newest first, those that led to a version lower than ``before``; raises NotFound.

    ``client`` is None unless the caller is the partner itself or the operator: which of its systems a partner uses is its own business.
    """
    asked = select(*_COLUMNS).where(PartnerChange.partner == partner).order_by(PartnerChange.version.desc()).limit(limit)
    if before is not None:
        asked = asked.where(PartnerChange.version < before)
    await partner_by_id(reader, partner, caller)
    found = (await reader.execute(asked)).mappings().all()
    sees_clients = caller.is_admin or caller.partner == partner
    return [_told(dict(row), sees_clients=sees_clients) for row in found]


def _told(row: dict[str, Any], *, sees_clients: bool) -> dict[str, Any]:
    by_partner = None if row["by_partner"] == PLATFORM else row["by_partner"]
    return plain(row) | {"by_partner": by_partner, "client": row["client"] if sees_clients else None}
