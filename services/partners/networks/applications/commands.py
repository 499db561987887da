"""What can be done about applications: a partner applies or withdraws, and the network approves or rejects."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.models import Seen
from services.partners.networks.applications.models import ApplicationOpen, Approval, apply, approve, reject, withdraw
from services.partners.networks.commands import has_place, held, keep_its_days, must_both_be_active, names_of, network_and_partner, the_two
from services.partners.networks.models import Joining, Membership
from services.partners.networks.views import open_application
from shared.auth import Caller
from shared.outbox import record
from shared.refusals import Forbidden


async def apply_to_network(session: AsyncSession, caller: Caller, joining: Joining, message: str | None, now: datetime) -> Membership:
    """Ask a network to take the caller's own partner in.

    Raises Forbidden, NotFound (the network), `NoNetwork`, `ApplicationOpen`, `MembershipOverlaps` or Invalid.
    """
    if caller.is_admin:
        raise Forbidden("A partner applies for itself; the operator takes members in directly.", fix="Use a client of the partner.")
    joining.must_be_possible()
    known = await network_and_partner(session, joining)
    application, applied = apply(joining, message, names_of(known), now)
    other = await open_application(session, joining.partner, joining.network)
    if other is not None:
        raise ApplicationOpen("The partner has applied to the network already.", fix=f"Withdraw {other} first.", membership=other)
    await has_place(session, application, known)
    await record(session, application, applied, now=now)
    return application


async def approve_application(session: AsyncSession, caller: Caller, seen: Seen, approval: Approval, now: datetime) -> Membership:
    """Take in a partner that applied, by the network or the operator.

    Raises NotFound, Forbidden, Stale, `PartnerNotActive`, `MembershipState`, `MembershipOverlaps`, `MembershipCircle` or Invalid.
    """
    known = await the_two(session, seen, lock=True)
    application = await held(session, caller, seen, by=("network",))
    must_both_be_active(known)
    facts = approve(application, approval, names_of(known), now)
    await has_place(session, application, known)
    await record(session, application, *facts, now=now)
    await keep_its_days(session, application, now)
    return application


async def reject_application(session: AsyncSession, caller: Caller, seen: Seen, reason: str, now: datetime) -> Membership:
    """Do not take in a partner that applied, by the network or the operator. Raises NotFound, Forbidden, Stale or `MembershipState`."""
    known = await the_two(session, seen)
    application = await held(session, caller, seen, by=("network",))
    rejected = reject(application, reason, names_of(known), now)
    await record(session, application, rejected, now=now)
    return application


async def withdraw_application(session: AsyncSession, caller: Caller, seen: Seen, now: datetime) -> Membership:
    """Ask no longer, by the partner that applied or the operator. Raises NotFound, Forbidden, Stale or `MembershipState`."""
    application = await held(session, caller, seen, by=("partner",))
    await record(session, application, withdraw(application, now), now=now)
    return application
