"""What is asked of hostings: those of a partner, and whether one would close a circle."""

from datetime import date
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.partners.models import plain
from services.partners.registry.hosting.models import Hosting, Stay, host_on
from services.partners.registry.views import partner_by_id
from shared.auth import Caller

_COLUMNS = (Hosting.host, Hosting.valid_from, Hosting.valid_to)

_CIRCLE: Final = text(
    "WITH RECURSIVE up(id, first, last) AS ("
    " SELECT CAST(:host AS uuid), CAST(:first AS date), coalesce(CAST(:last AS date), 'infinity')"
    " UNION SELECT h.host, greatest(up.first, h.valid_from), least(up.last, coalesce(h.valid_to, 'infinity'))"
    " FROM hosting h JOIN up ON h.partner = up.id"
    " WHERE h.valid_from <= up.last AND coalesce(h.valid_to, 'infinity') >= up.first AND up.id <> CAST(:partner AS uuid)"
    ") SELECT 1 FROM up WHERE id = CAST(:partner AS uuid) LIMIT 1"
)


async def hostings_of(reader: AsyncConnection, caller: Caller, partner: str) -> list[dict[str, Any]]:
    """All hostings of a partner, the newest first; raises NotFound without the partner."""
    await partner_by_id(reader, partner, caller)
    asked = select(*_COLUMNS).where(Hosting.partner == partner).order_by(Hosting.valid_from.desc())
    return [plain(row) for row in (await reader.execute(asked)).mappings()]


async def stays_of(session: AsyncSession, partner: str) -> list[Stay]:
    """All hostings of a partner, by day."""
    rows = await session.execute(select(*_COLUMNS).where(Hosting.partner == partner).order_by(Hosting.valid_from))
    return [Stay(*row) for row in rows]


async def host_of(session: AsyncSession, partner: str, day: date) -> str | None:
    """Who hosts a partner on a day."""
    return host_on(await stays_of(session, partner), day)


async def closes_a_circle(session: AsyncSession, partner: str, stay: Stay) -> bool:
    """Whether the host is itself hosted by the partner, by way of whomever, on one and the same day of this stay."""
    asked = {"partner": partner, "host": stay.host, "first": stay.first, "last": stay.last}
    return await session.scalar(_CIRCLE, asked) is not None
