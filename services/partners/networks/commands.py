"""What can be done in the networks: a partner joins one, and a membership ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.inheritance.commands import have_the_web, tie, untie
from services.partners.models import Seen
from services.partners.networks.days import State
from services.partners.networks.models import MEMBERSHIP_DAY, Joining, Membership
from services.partners.networks.refusals import MembershipCircle, MembershipOverlaps, NoNetwork
from services.partners.networks.tenure.models import news, tell
from services.partners.networks.views import circle_with, no_such_membership, overlapping
from services.partners.registry.models import NETWORK_KINDS
from services.partners.registry.refusals import UnknownPartner
from services.partners.registry.standing.views import must_be_active
from services.partners.registry.views import PartnerRow, known_partners, partners_named
from shared import due
from shared.auth import Caller
from shared.outbox import record
from shared.refusals import Forbidden, NotFound

OLDER: Final = "membership.renewable"
"""The kind of due act by which a membership that was there before this room knew of warnings and grace comes to its next day."""

_CALLED: Final = {"network": "the network itself", "partner": "the partner concerned"}


@dataclass(frozen=True, slots=True)
class Ending:
    """The last day of a membership, and why it ends."""

    valid_to: date
    reason: str | None = None


async def join_network(session: AsyncSession, caller: Caller, joining: Joining, now: datetime) -> Membership:
    """Let a partner belong to a network.

    Raises Forbidden, NotFound (the network), `NoNetwork`, `UnknownPartner`, `PartnerNotActive`, `MembershipOverlaps`,
    `MembershipCircle` or Invalid.
    """
    if not caller.is_admin and caller.partner != joining.network:
        raise Forbidden("Members are taken in by the network itself or by the platform's operator.", fix="Use a client of the network.")
    membership, started = Membership.start(joining, now)
    await has_place(session, membership, await network_and_partner(session, joining))
    await record(session, membership, started, now=now)
    await keep_its_days(session, membership, now)
    return membership


async def end_membership(session: AsyncSession, caller: Caller, seen: Seen, ending: Ending, now: datetime) -> Membership:
    """End a membership on a day, by the network, by the member that leaves, or by the operator.

    Raises NotFound, Forbidden, Stale, `MembershipState`, `MembershipOver` or Invalid.
    """
    membership = await held(session, caller, seen, by=("network", "partner"))
    await record(session, membership, membership.end(ending.valid_to, ending.reason), now=now)
    await keep_its_days(session, membership, now)
    return membership


async def keep_its_days(session: AsyncSession, membership: Membership, now: datetime) -> None:
    """Let what the membership passes on begin and end with its days, and tell what they bring: at once what is due, by date what is not.

    The membership's row is locked, by a change just written or for this, so that nobody decides by days that somebody else moves.
    """
    await _tell_what_came(session, membership, now)
    if membership.inherits:
        if membership.holds(now):
            await tie(session, membership.step(), now)
        else:
            await untie(session, membership.step(), now)
    turn = membership.next_turn(now)
    if turn is None:
        await due.forgive(session, MEMBERSHIP_DAY, membership.subject)
    else:
        await due.owe(session, MEMBERSHIP_DAY, membership.subject, turn)


async def _tell_what_came(session: AsyncSession, membership: Membership, now: datetime) -> None:
    stages = news(membership, now)
    if stages:
        known = await known_partners(session, [membership.partner, membership.network])
        names = names_of(known)
        await record(session, membership, *[tell(membership, stage, names) for stage in stages], now=now)


async def day_came(session: AsyncSession, subject: str, now: datetime) -> None:
    """A day of a membership has come on which it begins, is told of, or ends to hold; done again it does nothing.

    Days that nobody was awake for are made up for here, in order; what a renewal has put off meanwhile does not come.
    """
    membership = await session.get_one(Membership, subject.partition("/")[2], with_for_update=True)
    await keep_its_days(session, membership, now)


async def the_two(session: AsyncSession, seen: Seen, *, lock: bool = False) -> dict[str, PartnerRow]:
    """The partner and the network of a membership, by id; raises NotFound.

    With ``lock`` their rows stay locked, before anything else is: who moves days or partners is waited for in the same order by all.
    """
    concerned = await session.execute(select(Membership.partner, Membership.network).where(Membership.id == seen.id))
    row = concerned.one_or_none()
    if row is None:
        raise no_such_membership(seen.id)
    return await known_partners(session, [row.network, row.partner], lock=lock)


async def held(session: AsyncSession, caller: Caller, seen: Seen, *, by: Sequence[str]) -> Membership:
    """The membership as it is now, locked, for one that may act on it: those named in ``by``, and the operator.

    Raises NotFound, Forbidden or Stale.
    """
    # Whoever acts for its day holds what is due before the membership: in the same order nobody waits for the other for ever.
    await due.forgive(session, MEMBERSHIP_DAY, f"{Membership.SUBJECT}/{seen.id}")
    membership = await session.get(Membership, seen.id, with_for_update=True, populate_existing=True)
    if membership is None or not membership.known_to(caller):
        raise no_such_membership(seen.id)
    if not caller.is_admin and caller.partner not in {getattr(membership, one) for one in by}:
        raise Forbidden(f"This is done by {' or '.join(_CALLED[one] for one in by)}, or by the operator.", fix="Use a client of theirs.")
    seen.must_be_current(membership.version, "membership")
    return membership


def names_of(known: Mapping[str, PartnerRow]) -> dict[str, dict[str, str]]:
    """What the partners are called, by id, for facts that tell it."""
    return {partner: row.names for partner, row in known.items()}


def must_both_be_active(known: Mapping[str, PartnerRow]) -> None:
    """Raise `PartnerNotActive` where the network or the partner of a membership came to stand otherwise since it was asked for or held.

    Their rows must be locked.
    """
    must_be_active(known, list(known), field="path/membership", fix="Do it when the partner is active again.")


async def has_place(session: AsyncSession, membership: Membership, known: Mapping[str, PartnerRow]) -> None:
    """Raise `MembershipOverlaps` or `MembershipCircle` if the membership cannot be beside the others, its days being what they are.

    The rows of the two must be locked. An application is not held to close a circle: it may be approved for other days.
    """
    # Written once, with its fact: neither question is about its own row.
    with session.no_autoflush:
        other = await overlapping(session, membership)
        if other is not None:
            detail = f"The partner belongs to the network in those days by the membership {other}."
            raise MembershipOverlaps(detail, field="/valid_from", fix="End that membership first, or send other days.", membership=other)
        if known[membership.partner].kind not in NETWORK_KINDS or membership.state != State.APPROVED:
            return
        await have_the_web(session)
        circle = await circle_with(session, membership)
        if circle is not None:
            around = await partners_named(session, circle)
            raise MembershipCircle(circle, [around[one].acronym or next(iter(around[one].names.values())) for one in circle])


async def network_and_partner(session: AsyncSession, joining: Joining) -> dict[str, PartnerRow]:
    """Who joins and what, by id; raises NotFound (the network), `NoNetwork` or `UnknownPartner`."""
    ids = [joining.network, joining.partner]
    try:
        # The rows stay locked, so that two memberships of a partner cannot begin at the same instant unseen by each other.
        known = await known_partners(session, ids, field="/partner", lock=True)
        must_be_active(known, ids, field="/partner")
    except UnknownPartner as unknown:
        if unknown.extra["partner"] == joining.network:
            raise NotFound(f"There is no network {joining.network}.", fix="Look it up with GET /v1/partners?q=.") from None
        raise
    network = known[joining.network]
    if network.kind not in NETWORK_KINDS:
        raise NoNetwork(f"{network.id} is of the kind {network.kind}, which has no members.", field="path/network", fix="Name a network.")
    return known


async def older_found(session: AsyncSession, subject: str, now: datetime) -> None:
    """A membership that is older than the stages of its end: what its days bring is looked up at once."""
    await due.owe(session, MEMBERSHIP_DAY, subject, now)


ACTS: due.Acts = {MEMBERSHIP_DAY: day_came, OLDER: older_found}
"""What happens to memberships by date."""
