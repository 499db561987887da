"""What can be done while terms are discussed: propose, revise, approve, abandon."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.agreements.commands import concluded, opened
from services.partners.agreements.models import Agreement
from services.partners.agreements.negotiation.models import NotForAnother, StaleTerms
from services.partners.agreements.revisions.models import Author, Revision, Wanted
from services.partners.agreements.views import changes_since
from services.partners.mandates.models import MandateUse
from services.partners.mandates.views import Deed, mandate_to
from services.partners.models import Seen
from services.partners.registry.standing.views import must_be_active
from services.partners.registry.views import known_partners
from shared.auth import Caller
from shared.db import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is given for which partner (None: the caller's own): ``approve`` or ``sign``, by the hash of the terms."""

    agreement: str
    action: str
    terms_hash: str
    partner: str | None


async def propose_agreement(session: AsyncSession, caller: Caller, seen: Seen, now: datetime) -> Agreement:
    """Put a draft before its parties and ask each for its approval."""
    agreement = await opened(session, caller, seen.id, now)
    facts = agreement.propose(Author(caller.partner, now))
    return await concluded(session, agreement, seen.version, facts, now)


async def propose_revision(session: AsyncSession, caller: Caller, seen: Seen, wanted: Wanted, now: datetime) -> Agreement:
    """Replace the terms under discussion by others; approvals of the ones before lapse."""
    agreement = await opened(session, caller, seen.id, now)
    earlier = await session.get_one(Revision, (agreement.id, agreement.revision))
    revision, facts = agreement.revise(earlier, wanted, Author(caller.partner, now))
    session.add(revision)
    return await concluded(session, agreement, seen.version, facts, now)


async def approve_terms(session: AsyncSession, caller: Caller, seen: Seen, terms_hash: str, now: datetime) -> Agreement:
    """Approve, for the caller's partner, the terms with this hash; of other terms it is told what changed."""
    agreement = await opened(session, caller, seen.id, now)
    try:
        facts = agreement.approve(caller.partner, terms_hash)
    except StaleTerms as stale:
        raise await explained(session, agreement, stale) from None
    return await concluded(session, agreement, seen.version, facts, now)


async def abandon_agreement(session: AsyncSession, caller: Caller, seen: Seen, reason: str, now: datetime) -> Agreement:
    """Give an agreement up before it binds anybody."""
    agreement = await opened(session, caller, seen.id, now)
    abandoned = agreement.abandon(Author(caller.partner, now), reason)
    return await concluded(session, agreement, seen.version, [abandoned], now)


async def explained(session: AsyncSession, agreement: Agreement, stale: StaleTerms) -> StaleTerms:
    """The refusal of stale terms, with what changed since."""
    changed = await changes_since(session, agreement, stale.given)
    return StaleTerms(stale.given, agreement.revision, agreement.terms_hash, changed)


async def acting(session: AsyncSession, caller: Caller, given: Given, now: datetime) -> Caller:
    """The caller as the partner for which it acts: its own, or one whose mandate it holds, and that use is kept as evidence.

    Raises `NotForAnother` without such a mandate, `PartnerNotActive`, and NotFound for an agreement that is not there or not known to
    that partner.
    """
    if given.partner is None or given.partner == caller.partner:
        return caller
    agreement = await session.get(Agreement, given.agreement)
    kind = agreement.kind if agreement is not None and agreement.is_known_to(given.partner) else ""
    deed = Deed(action=given.action, holder=caller.partner, partner=given.partner, kind=kind)
    mandate = await mandate_to(session, deed, now)
    if mandate is None:
        detail = f"Your partner holds no mandate of {given.partner} to {given.action} this agreement today."
        raise NotForAnother(detail, field="/partner", fix="Use a client of that partner, or ask it for a mandate.")
    must_be_active(await known_partners(session, [given.partner]), [given.partner], field="/partner")
    session.add(
        MandateUse(
            id=new_id(),
            mandate=mandate,
            agreement=given.agreement,
            action=given.action,
            terms_hash=given.terms_hash,
            client=caller.client,
            at=now,
        )
    )
    return replace(caller, partner=given.partner)
