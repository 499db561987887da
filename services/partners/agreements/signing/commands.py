"""What can be done with agreed terms: ask for signatures, sign; and what their day brings."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.agreements.commands import concluded, kept, opened
from services.partners.agreements.models import Agreement
from services.partners.agreements.negotiation.commands import explained
from services.partners.agreements.negotiation.models import StaleTerms
from services.partners.agreements.revisions.models import Author
from services.partners.agreements.signing.models import ENTERS_INTO_FORCE
from services.partners.models import Seen
from services.partners.registry.views import partners_named
from shared import due
from shared.auth import Caller


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signatory signs, by its hash, and how."""

    terms_hash: str
    method: str


async def request_signature(session: AsyncSession, caller: Caller, seen: Seen, deadline: date | None, now: datetime) -> Agreement:
    """Open the agreed terms for signature by every signatory."""
    agreement = await opened(session, caller, seen.id, now)
    requested = agreement.request_signature(Author(caller.partner, now), deadline)
    return await concluded(session, agreement, seen.version, [requested], now)


async def sign_agreement(session: AsyncSession, caller: Caller, seen: Seen, signature: Signature, now: datetime) -> Agreement:
    """Sign for the caller's partner; with the last signature the agreement is signed, and on its day it binds."""
    agreement = await opened(session, caller, seen.id, now)
    try:
        facts = agreement.sign(caller.partner, signature.terms_hash, signature.method, now)
    except StaleTerms as stale:
        raise await explained(session, agreement, stale) from None
    await concluded(session, agreement, seen.version, facts, now)
    await owe_its_day(session, agreement)
    return agreement


async def owe_its_day(session: AsyncSession, agreement: Agreement) -> None:
    """See to it that a signed agreement enters into force on its day, if that is still ahead."""
    at = agreement.enters_into_force_at
    if at is not None:
        await due.owe(session, ENTERS_INTO_FORCE, agreement.subject, at)


async def enter_into_force(session: AsyncSession, subject: str, now: datetime) -> None:
    """The day of a signed agreement has come; done again it does nothing."""
    agreement = await session.get_one(Agreement, subject.partition("/")[2])
    agreement.name_parties(await partners_named(session, agreement.party_ids))
    facts = agreement.enter_into_force(now)
    if agreement.enters_into_force_at is not None:
        # The rules of its time zone changed since the day was computed: it is not there yet.
        await owe_its_day(session, agreement)
        return
    await kept(session, agreement, facts, now)


ACTS: due.Acts = {ENTERS_INTO_FORCE: enter_into_force}
"""What happens to agreements by date."""
