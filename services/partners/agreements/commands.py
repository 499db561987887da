"""What every change of an agreement begins and ends with, and what happens to agreements by date."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.agreements.models import Agreement
from services.partners.agreements.record.models import NotAParty, State
from services.partners.agreements.views import Reading, hidden, may_know
from services.partners.inheritance.commands import bind
from services.partners.registry.views import partners_named
from shared import due
from shared.auth import Caller
from shared.events import AgreementEnteredIntoForce, Event
from shared.outbox import record

ENTITLES: Final = "agreement.entitles"
"""The kind of due act by which an agreement that was in force before there were entitlements comes to entitle."""


async def opened(session: AsyncSession, caller: Caller, agreement_id: str, now: datetime) -> Agreement:
    """The agreement, for a party (or the operator) to act on, its parties under their present names.

    Raises NotFound for an agreement the caller may not know of, and `NotAParty` for one it may only read.
    """
    agreement = await session.get(Agreement, agreement_id)
    if agreement is not None and (caller.is_admin or agreement.is_known_to(caller.partner)):
        agreement.name_parties(await partners_named(session, agreement.party_ids))
        return agreement
    if agreement is not None and await may_know(session, agreement_id, Reading(caller, now)):
        raise NotAParty("Your partner is no party to this agreement.", fix="Use a client of one of its parties.")
    raise hidden()


async def concluded(session: AsyncSession, agreement: Agreement, version: int | None, facts: Sequence[Event], now: datetime) -> Agreement:
    """Write down what was decided about the version that the caller saw; raises Stale when that is not the present one.

    The version is compared after the decision, so that a refusal that explains more is heard first (RFC 9110, 13.2.1).
    """
    agreement.must_be_at(version)
    await kept(session, agreement, facts, now)
    return agreement


async def kept(session: AsyncSession, agreement: Agreement, facts: Sequence[Event], now: datetime) -> None:
    """Write the agreement with the document that readers get, and the facts about it."""
    agreement.describe(now)
    await record(session, agreement, *facts, now=now)
    if any(isinstance(fact, AgreementEnteredIntoForce) for fact in facts):
        await bind(session, agreement.accord(), now)


async def entitle(session: AsyncSession, subject: str, now: datetime) -> None:
    """An agreement in force entitles those it binds and their members; done again it does nothing."""
    agreement = await session.get_one(Agreement, subject.partition("/")[2], with_for_update=True)
    if agreement.state == State.IN_FORCE:
        await bind(session, agreement.accord(), now)


ACTS: due.Acts = {ENTITLES: entitle}
"""What happens once to the agreements that are older than entitlements."""
