"""What can be done at the beginning: write a draft."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.agreements.drafting.models import Frame
from services.partners.agreements.models import Agreement
from services.partners.agreements.record.models import NotAParty
from services.partners.agreements.revisions.models import Author, Wanted
from services.partners.registry.standing.views import must_be_active
from services.partners.registry.views import known_partners
from shared.auth import Caller
from shared.outbox import record_new


async def draft_agreement(session: AsyncSession, caller: Caller, frame: Frame, wanted: Wanted, now: datetime) -> Agreement:
    """Write an agreement down for one of its parties; nobody else knows of it until it is proposed.

    Raises `NotAParty`, `UnknownPartner`, `PartnerNotActive`, or what is wrong with its parties or terms.
    """
    must_be_among(frame, caller)
    known = await known_partners(session, frame.partners, field="/parties/{}/partner")
    must_be_active(known, frame.partners, field="/parties/{}/partner")
    agreement, revision, drafted = Agreement.draft(frame, wanted, known, Author(caller.partner, now))
    agreement.describe(now)
    await record_new(session, agreement, drafted, revision, now=now)
    return agreement


def must_be_among(frame: Frame, caller: Caller) -> None:
    """Refuse a caller that writes down what others agree; the operator may."""
    if not caller.is_admin and caller.partner not in frame.partners:
        fix = "Name your own partner among the parties, or use a client of one of them."
        raise NotAParty("Your partner is not one of the parties.", field="/parties", fix=fix)
