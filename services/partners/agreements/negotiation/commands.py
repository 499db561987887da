"""What can be done while terms are discussed: propose, revise, approve, abandon."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.agreements.commands import concluded, opened
from services.partners.agreements.models import Agreement
from services.partners.agreements.negotiation.models import NotForAnother, StaleTerms
from services.partners.agreements.revisions.models import Author, Revision, Wanted
from services.partners.agreements.views import changes_since
from services.partners.models import Seen
from shared.auth import Caller


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


def must_speak_for_itself(caller: Caller, partner: str | None) -> None:
    """Refuse a caller that names another partner as the one that consents."""
    if partner is not None and partner != caller.partner:
        raise NotForAnother("The body names another partner than the caller's own.", field="/partner", fix="Use a client of that partner.")
