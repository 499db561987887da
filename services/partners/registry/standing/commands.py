"""What can be done about where a partner stands: hand a draft in, suspend, resume, archive."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.partners.models import Seen
from services.partners.registry.history.models import PartnerChange
from services.partners.registry.models import Partner
from services.partners.registry.standing.models import PARTNER_ARCHIVED
from services.partners.registry.views import no_partner
from shared import due
from shared.auth import Caller
from shared.events import Event
from shared.outbox import record
from shared.refusals import Forbidden


async def submit_partner(session: AsyncSession, caller: Caller, seen: Seen, now: datetime) -> Partner:
    """Hand a draft in to be verified, by the partner itself or the operator; raises NotFound, Forbidden, Stale or `WrongState`."""
    partner = await partner_seen(session, caller, seen)
    if not caller.is_admin and caller.partner != partner.id:
        raise Forbidden("A draft is handed in by its partner or by the platform's operator.", fix="Use a client of that partner.")
    seen.must_be_current(partner.version, "partner")
    before = partner.standing()
    return await _stands(session, caller, partner, partner.submit(now), before)


async def suspend_partner(session: AsyncSession, caller: Caller, seen: Seen, reason: str, now: datetime) -> Partner:
    """Let a partner read and no longer act, by the operator; raises NotFound, Forbidden, Stale or `WrongState`."""
    partner = await _ruled(session, caller, seen)
    before = partner.standing()
    return await _stands(session, caller, partner, partner.suspend(reason, now), before)


async def resume_partner(session: AsyncSession, caller: Caller, seen: Seen, now: datetime) -> Partner:
    """Let a suspended partner act again, by the operator; raises NotFound, Forbidden, Stale or `WrongState`."""
    partner = await _ruled(session, caller, seen)
    before = partner.standing()
    return await _stands(session, caller, partner, partner.resume(now), before)


async def archive_partner(session: AsyncSession, caller: Caller, seen: Seen, reason: str, now: datetime) -> Partner:
    """Keep a partner for the record alone, by the operator; raises NotFound, Forbidden, Stale or `WrongState`.

    What it belongs to ends as soon as that is written. Nobody was told of a draft, so nobody is told that it is archived.
    """
    partner = await _ruled(session, caller, seen)
    before, stood = partner.profile(), partner.standing()
    archived = partner.archive(reason, now)
    if archived is not None:
        await due.owe(session, PARTNER_ARCHIVED, partner.subject, now)
    await tell(session, partner, [archived] if archived is not None else [], now)
    session.add(PartnerChange.of(partner, before, caller, stood))
    return partner


async def partner_seen(session: AsyncSession, caller: Caller, seen: Seen) -> Partner:
    """The partner with its keys, as far as the caller may know of it; raises NotFound."""
    asked = select(Partner).options(joinedload(Partner.external_ids)).where(Partner.id == seen.id)
    partner = (await session.scalars(asked)).unique().one_or_none()
    if partner is None or partner.is_hidden_from(caller):
        raise no_partner(seen.id)
    return partner


async def tell(session: AsyncSession, partner: Partner, facts: Sequence[Event], now: datetime) -> None:
    """Write a partner that changed, and the facts of it unless nobody was told of the partner yet."""
    if facts and not partner.is_untold:
        await record(session, partner, *facts, now=now)
    else:
        session.add(partner)
        await session.flush()


async def _ruled(session: AsyncSession, caller: Caller, seen: Seen) -> Partner:
    partner = await partner_seen(session, caller, seen)
    if not caller.is_admin:
        raise Forbidden("This is done by the platform's operator.", fix="Ask the platform's operator.")
    seen.must_be_current(partner.version, "partner")
    return partner


async def _stands(session: AsyncSession, caller: Caller, partner: Partner, fact: Event, before: Mapping[str, Any]) -> Partner:
    await record(session, partner, fact, now=partner.changed_at)
    session.add(PartnerChange.turned(partner, before, caller, partner.changed_at))
    return partner
