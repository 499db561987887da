"""What a network can do about a membership that runs: change it, renew it, suspend it, resume it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.inheritance.commands import retie
from services.partners.models import Seen
from services.partners.networks.commands import has_place, held, keep_its_days, must_both_be_active, names_of, the_two
from services.partners.networks.models import Membership
from services.partners.networks.tenure.models import Change, Renewal, change, renew, resume, suspend
from shared.auth import Caller
from shared.outbox import record
from shared.refusals import Forbidden


async def change_membership(session: AsyncSession, caller: Caller, seen: Seen, to: Change, now: datetime) -> Membership:
    """Let a partner belong to a network as something else, or take part otherwise, by the network or the operator; or less, by the member.

    What it entitles to follows at once; nothing happens when nothing is new. Raises NotFound, Forbidden, Stale, `PartnerNotActive` or
    `MembershipState`.
    """
    known = await the_two(session, seen, lock=True)
    membership = await held(session, caller, seen, by=("network", "partner"))
    if not caller.is_admin and caller.partner != membership.network and not to.lets_no_more_pass_to(membership):
        detail = "A member may let less of what its network signs pass to it; its role, and letting more pass, are the network's to decide."
        raise Forbidden(detail, fix="Ask the network.")
    must_both_be_active(known)
    changed = change(membership, to, names_of(known), now)
    if changed is not None:
        await record(session, membership, changed, now=now)
        await retie(session, membership.step(), passes=membership.inherits and membership.holds(now), now=now)
    await keep_its_days(session, membership, now)
    return membership


async def renew_membership(session: AsyncSession, caller: Caller, seen: Seen, renewal: Renewal, now: datetime) -> Membership:
    """Let a membership go on to a later day, by the network or the operator; also one that has lapsed not long ago.

    Raises NotFound, Forbidden, Stale, `PartnerNotActive`, `MembershipState`, `MembershipOverlaps`, `MembershipCircle` or Invalid.
    """
    known = await the_two(session, seen, lock=True)
    membership = await held(session, caller, seen, by=("network",))
    must_both_be_active(known)
    renewed = renew(membership, renewal, now)
    await has_place(session, membership, known)
    await record(session, membership, renewed, now=now)
    await keep_its_days(session, membership, now)
    return membership


async def suspend_membership(session: AsyncSession, caller: Caller, seen: Seen, reason: str, now: datetime) -> Membership:
    """Let a membership pass nothing on for now, by the network or the operator. Raises NotFound, Forbidden, Stale or `MembershipState`."""
    membership = await held(session, caller, seen, by=("network",))
    await record(session, membership, suspend(membership, reason, now), now=now)
    await keep_its_days(session, membership, now)
    return membership


async def resume_membership(session: AsyncSession, caller: Caller, seen: Seen, now: datetime) -> Membership:
    """Let a suspended membership hold again, by the network or the operator.

    It kept its place meanwhile: nobody could close a circle over it or join on its days, so nothing of that is looked at again.
    Raises NotFound, Forbidden, Stale, `PartnerNotActive` or `MembershipState`.
    """
    known = await the_two(session, seen, lock=True)
    membership = await held(session, caller, seen, by=("network",))
    must_both_be_active(known)
    await record(session, membership, resume(membership, now), now=now)
    await keep_its_days(session, membership, now)
    return membership
