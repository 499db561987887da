"""What the partners service says of entitlements: kept as it is said, for it alone decides."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.initiatives.directory.entitlements.models import KnownEntitlement
from shared.db import upsert
from shared.events import EntitlementGranted, EntitlementWithdrawn, Envelope
from shared.handling import Handlers, whole_batch


@whole_batch
async def entitlement_decided(session: AsyncSession, facts: list[Envelope]) -> None:
    """Keep whether a partner may use an agreement, and by which way; it may come before the agreement or the memberships on that way."""
    await upsert(session, KnownEntitlement, [_entitlement(fact) for fact in facts], key=("id",))


def _entitlement(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, EntitlementGranted | EntitlementWithdrawn)
    return {
        "id": said.entitlement,
        "partner": said.partner,
        "agreement": said.agreement,
        "lines": list(said.lines),
        "party": said.party,
        "memberships": [step.membership for step in said.path],
        "networks": [step.network for step in said.path],
        "held": isinstance(said, EntitlementGranted),
        "reason": said.reason,
        "heard_at": fact.time,
    }


HANDLERS: Handlers = {EntitlementGranted: entitlement_decided, EntitlementWithdrawn: entitlement_decided}
