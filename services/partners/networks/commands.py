"""What can be done in the networks: a partner joins one, and a membership ends."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.models import Seen
from services.partners.networks.models import Joining, Membership, MembershipOverlaps, NoNetwork
from services.partners.networks.views import overlapping
from services.partners.registry.models import NETWORK_KINDS, UnknownPartner
from services.partners.registry.views import known_partners
from shared.auth import Caller
from shared.outbox import record
from shared.refusals import Forbidden, NotFound, Stale


@dataclass(frozen=True, slots=True)
class Ending:
    """The last day of a membership, and why it ends."""

    valid_to: date
    reason: str | None = None


async def join_network(session: AsyncSession, caller: Caller, joining: Joining, now: datetime) -> Membership:
    """Let a partner belong to a network.

    Raises Forbidden, NotFound (the network), `NoNetwork`, `UnknownPartner`, `MembershipOverlaps` or Invalid.
    """
    if not caller.is_admin and caller.partner != joining.network:
        raise Forbidden("Members are taken in by the network itself or by the platform's operator.", fix="Use a client of the network.")
    membership, started = Membership.start(joining, now)
    await _network_and_partner_exist(session, joining)
    other = await overlapping(session, membership)
    if other is not None:
        detail = f"The partner belongs to the network in those days by the membership {other}."
        raise MembershipOverlaps(detail, field="/valid_from", fix="End that membership first, or send other days.", membership=other)
    await record(session, membership, started, now=now)
    return membership


async def end_membership(session: AsyncSession, caller: Caller, seen: Seen, ending: Ending, now: datetime) -> Membership:
    """End a membership on a day, by the network, by the member that leaves, or by the operator.

    Raises NotFound, Forbidden, Stale, `MembershipOver` or Invalid.
    """
    membership = await session.get(Membership, seen.id)
    if membership is None:
        raise NotFound(f"There is no membership {seen.id}.", fix="List them with GET /v1/networks/{network}/members.")
    if not caller.is_admin and caller.partner not in (membership.network, membership.partner):
        raise Forbidden("A membership is ended by its network, by its member or by the operator.", fix="Use a client of one of them.")
    if membership.version != seen.version:
        detail = f"The membership is at version {membership.version}, not {seen.version}."
        raise Stale(detail, field="If-Match", fix="Read it again.", version=membership.version)
    await record(session, membership, membership.end(ending.valid_to, ending.reason), now=now)
    return membership


async def _network_and_partner_exist(session: AsyncSession, joining: Joining) -> None:
    ids = [joining.network, joining.partner]
    try:
        # The rows stay locked, so that two memberships of a partner cannot begin at the same instant unseen by each other.
        network = (await known_partners(session, ids, field="/partner", lock=True))[joining.network]
    except UnknownPartner as unknown:
        if unknown.extra["partner"] == joining.network:
            raise NotFound(f"There is no network {joining.network}.", fix="Look it up with GET /v1/partners?q=.") from None
        raise
    if network.kind not in NETWORK_KINDS:
        raise NoNetwork(f"{network.id} is of the kind {network.kind}, which has no members.", field="path/network", fix="Name a network.")
