"""What a member can do: take part in an agreement of its network, or not."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.agreements.views import Reading, hidden, may_know
from services.partners.inheritance.commands import choose
from services.partners.inheritance.views import choice_of
from services.partners.models import Seen
from services.partners.networks.models import Membership
from services.partners.networks.views import no_such_membership
from shared.auth import Caller
from shared.outbox import record
from shared.refusals import Forbidden


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether the member takes part in this agreement."""

    agreement: str
    taken: bool


async def choose_agreement(session: AsyncSession, caller: Caller, seen: Seen, choice: Choice, now: datetime) -> Membership:
    """Decide, for the member, whether it takes part in an agreement; what was decided so already is left as it is, whatever the version.

    Raises NotFound (the membership, or an agreement the caller may not know of), Forbidden, Stale, `NothingToChoose` or `MembershipOver`.
    """
    membership = await session.get(Membership, seen.id, with_for_update=True)
    if membership is None:
        raise no_such_membership(seen.id)
    if not caller.is_admin and caller.partner != membership.partner:
        raise Forbidden("What a member takes part in is decided by the member or by the operator.", fix="Use a client of the member.")
    if not await may_know(session, choice.agreement, Reading(caller, now)):
        raise hidden()
    fact = membership.choose(choice.agreement, taken=choice.taken, today=now.astimezone(UTC).date())
    if await choice_of(session, membership.id, choice.agreement) == choice.taken:
        return membership
    seen.must_be_current(membership.version, "membership")
    await record(session, membership, fact, now=now)
    await choose(session, membership.step(), choice.agreement, taken=choice.taken, now=now)
    return membership
