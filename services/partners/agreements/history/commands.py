"""What can be done for the past: record an agreement that was signed before."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.agreements.commands import kept
from services.partners.agreements.drafting.commands import must_be_among
from services.partners.agreements.history.models import Account
from services.partners.agreements.models import Agreement
from services.partners.agreements.revisions.models import Author
from services.partners.agreements.signing.commands import owe_its_day
from services.partners.registry.standing.views import must_be_told
from services.partners.registry.views import known_partners
from shared.auth import Caller


async def record_agreement(session: AsyncSession, caller: Caller, account: Account, now: datetime) -> Agreement:
    """Put on record an agreement that was signed in the past, with the evidence of it; by a party or the operator.

    Raises `NotAParty`, `UnknownPartner`, or what is wrong with its parties, terms or days.
    """
    must_be_among(account.frame, caller)
    known = await known_partners(session, account.frame.partners, field="/parties/{}/partner")
    must_be_told(known, account.frame.partners, field="/parties/{}/partner")
    agreement, revision, facts = Agreement.recorded(account, known, Author(caller.partner, now))
    session.add(revision)
    await kept(session, agreement, facts, now)
    await owe_its_day(session, agreement)
    return agreement
