"""What a signature means for commitments: each of them is followed from then on."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.initiatives.commitments.models import Tracker, tracker_id
from shared.events import AgreementSigned, Envelope
from shared.handling import Handlers
from shared.outbox import record


async def agreement_signed(session: AsyncSession, fact: Envelope) -> None:
    """Begin to follow every commitment of the agreement that is not followed yet."""
    signed = fact.data
    assert isinstance(signed, AgreementSigned)
    promised = {tracker_id(signed.agreement, terms.id): (line.line, terms) for line in signed.lines for terms in line.commitments}
    followed = set(await session.scalars(select(Tracker.id).where(Tracker.id.in_(promised))))
    for tracker, (line, terms) in promised.items():
        if tracker not in followed:
            new = Tracker.of(fact, signed.agreement, line, terms)
            await record(session, new, new.plan(), now=fact.time)


HANDLERS: Handlers = {AgreementSigned: agreement_signed}
