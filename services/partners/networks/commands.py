"""What can be done in the networks: a partner joins one, and a membership ends."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.inheritance.commands import have_the_web, tie, untie
from services.partners.models import Seen
from services.partners.networks.models import MEMBERSHIP_DAY, Joining, Membership, MembershipCircle, MembershipOverlaps, NoNetwork
from services.partners.networks.views import circle_with, no_such_membership, overlapping
from services.partners.registry.models import NETWORK_KINDS, UnknownPartner
from services.partners.registry.views import PartnerRow, known_partners
from shared import due
from shared.auth import Caller
from shared.outbox import record
from shared.refusals import Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class Ending:
    """The last day of a membership, and why it ends."""

    valid_to: date
    reason: str | None = None


async def join_network(session: AsyncSession, caller: Caller, joining: Joining, now: datetime) -> Membership:
    """Let a partner belong to a network.

    Raises Forbidden, NotFound (the network), `NoNetwork`, `UnknownPartner`, `MembershipOverlaps`, `MembershipCircle` or Invalid.
    """
    if not caller.is_admin and caller.partner != joining.network:
        raise Forbidden("Members are taken in by the network itself or by the platform's operator.", fix="Use a client of the network.")
    membership, started = Membership.start(joining, now)
    known = await _network_and_partner_exist(session, joining)
    other = await overlapping(session, membership)
    if other is not None:
        detail = f"The partner belongs to the network in those days by the membership {other}."
        raise MembershipOverlaps(detail, field="/valid_from", fix="End that membership first, or send other days.", membership=other)
    if known[joining.partner].kind in NETWORK_KINDS:
        await _close_no_circle(session, membership)
    await record(session, membership, started, now=now)
    await keep_its_days(session, membership, now)
    return membership


async def end_membership(session: AsyncSession, caller: Caller, seen: Seen, ending: Ending, now: datetime) -> Membership:
    """End a membership on a day, by the network, by the member that leaves, or by the operator.

    Raises NotFound, Forbidden, Stale, `MembershipOver` or Invalid.
    """
    membership = await session.get(Membership, seen.id)
    if membership is None:
        raise no_such_membership(seen.id)
    if not caller.is_admin and caller.partner not in (membership.network, membership.partner):
        raise Forbidden("A membership is ended by its network, by its member or by the operator.", fix="Use a client of one of them.")
    seen.must_be_current(membership.version, "membership")
    # Whoever acts for its day holds what is due before the membership: in the same order nobody waits for the other for ever.
    await due.forgive(session, MEMBERSHIP_DAY, membership.subject)
    await record(session, membership, membership.end(ending.valid_to, ending.reason), now=now)
    await keep_its_days(session, membership, now)
    return membership


async def keep_its_days(session: AsyncSession, membership: Membership, now: datetime) -> None:
    """Let what the membership passes on begin and end with its days: now what is due now, by date what lies ahead.

    The membership's row is locked, by a change just written or for this, so that nobody decides by days that somebody else moves.
    """
    if not membership.inherits:
        return
    if membership.holds(now):
        await tie(session, membership.step(), now)
    else:
        await untie(session, membership.step(), now)
    turn = membership.next_turn(now)
    if turn is None:
        await due.forgive(session, MEMBERSHIP_DAY, membership.subject)
    else:
        await due.owe(session, MEMBERSHIP_DAY, membership.subject, turn)


async def day_came(session: AsyncSession, subject: str, now: datetime) -> None:
    """The first day of a membership has come, or its last has passed; done again it does nothing."""
    membership = await session.get_one(Membership, subject.partition("/")[2], with_for_update=True)
    await keep_its_days(session, membership, now)


async def _close_no_circle(session: AsyncSession, membership: Membership) -> None:
    await have_the_web(session)
    circle = await circle_with(session, membership)
    if circle is not None:
        known = await known_partners(session, circle)
        raise MembershipCircle(circle, [known[partner].acronym or next(iter(known[partner].names.values())) for partner in circle])


async def _network_and_partner_exist(session: AsyncSession, joining: Joining) -> dict[str, PartnerRow]:
    ids = [joining.network, joining.partner]
    try:
        # The rows stay locked, so that two memberships of a partner cannot begin at the same instant unseen by each other.
        known = await known_partners(session, ids, field="/partner", lock=True)
    except UnknownPartner as unknown:
        if unknown.extra["partner"] == joining.network:
            raise NotFound(f"There is no network {joining.network}.", fix="Look it up with GET /v1/partners?q=.") from None
        raise
    network = known[joining.network]
    if network.kind not in NETWORK_KINDS:
        raise NoNetwork(f"{network.id} is of the kind {network.kind}, which has no members.", field="path/network", fix="Name a network.")
    return known


ACTS: due.Acts = {MEMBERSHIP_DAY: day_came}
"""What happens to memberships by date."""
