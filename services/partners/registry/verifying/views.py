"""What is asked of verifications: those of a partner, and whether a network may vouch for it."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.partners.models import plain
from services.partners.registry.models import Partner
from services.partners.registry.standing.models import State
from services.partners.registry.verifying.models import Verification
from services.partners.registry.views import members_on, partner_by_id
from shared.auth import Caller

_COLUMNS = tuple(Verification.__table__.c)


async def verifications_of(reader: AsyncConnection, caller: Caller, partner: str, after: str | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` verifications of a partner, newest first, those before the id ``after``; raises NotFound without the partner."""
    asked = select(*_COLUMNS).where(Verification.partner == partner).order_by(Verification.id.desc()).limit(limit)
    if after is not None:
        asked = asked.where(Verification.id < after)
    found = [plain(row) for row in (await reader.execute(asked)).mappings()]
    if not found:
        await partner_by_id(reader, partner, caller)
    return found


async def may_vouch(session: AsyncSession, network: str, partner: str, today: date) -> bool:
    """Whether the partner belongs today to this network, which is active and verified itself."""
    active = select(Partner.id).where(Partner.id == network, Partner.state == State.ACTIVE, Partner.verified)
    member = select(Partner.id).where(Partner.id == partner, Partner.id.in_(members_on(network, today)))
    return await session.scalar(member.where(active.exists())) is not None
