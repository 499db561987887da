"""What happens to memberships when a partner is archived: each ends in a transaction of its own, for a network may have thousands."""

from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.networks.applications.models import reject, withdraw
from services.partners.networks.archiving.models import end_with
from services.partners.networks.commands import keep_its_days, names_of
from services.partners.networks.days import State, day_of
from services.partners.networks.models import MEMBERSHIP_DAY, Membership
from services.partners.registry.standing.models import PARTNER_ARCHIVED
from services.partners.registry.standing.models import State as PartnerState
from services.partners.registry.views import partners_named
from shared import due
from shared.outbox import record

SIDE_ARCHIVED: Final = "membership.side_archived"
"""The kind of due act by which a membership ends whose partner or network was archived."""
WHY: Final = "The {side} was archived."


async def partner_archived(session: AsyncSession, subject: str, now: datetime) -> None:
    """Let each membership of an archived partner end, as a member and as a network, and so each application; done again it does nothing."""
    partner = subject.partition("/")[2]
    theirs = or_(Membership.partner == partner, Membership.network == partner)
    open_ones = select(Membership.id).where(theirs, Membership.state.in_((State.APPLIED, State.APPROVED)))
    for membership in await session.scalars(open_ones):
        await due.owe(session, SIDE_ARCHIVED, f"{Membership.SUBJECT}/{membership}", now)


async def side_archived(session: AsyncSession, subject: str, now: datetime) -> None:
    """End a membership with this day, or with its first if it is yet to begin; withdraw or reject an application. What is over stays."""
    # Whoever acts for its day holds what is due before the membership: in the same order nobody waits for the other for ever.
    await due.forgive(session, MEMBERSHIP_DAY, subject)
    membership = await session.get_one(Membership, subject.partition("/")[2], with_for_update=True, populate_existing=True)
    known = await partners_named(session, [membership.partner, membership.network])
    left = known[membership.partner].state == PartnerState.ARCHIVED
    reason = WHY.format(side="partner" if left else "network")
    if membership.state == State.APPLIED:
        answer = withdraw(membership, now) if left else reject(membership, reason, names_of(known), now)
        await record(session, membership, answer, now=now)
        return
    ended = end_with(membership, day_of(now), reason)
    if ended is not None:
        await record(session, membership, ended, now=now)
    await keep_its_days(session, membership, now)


ACTS: due.Acts = {PARTNER_ARCHIVED: partner_archived, SIDE_ARCHIVED: side_archived}
"""What follows in the networks when a partner is archived."""
