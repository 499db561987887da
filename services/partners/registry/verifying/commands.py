"""What can be done about verification: verify a partner; and what the days of it bring."""

from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.models import Seen
from services.partners.registry.history.models import PartnerChange
from services.partners.registry.models import Partner
from services.partners.registry.standing.commands import partner_seen
from services.partners.registry.verifying.models import ASKED_BEFORE, ENDS, RENEWAL, Method, Proof, Verification
from services.partners.registry.verifying.views import may_vouch
from shared.auth import Caller
from shared.due import Acts, owe
from shared.outbox import record
from shared.refusals import Forbidden


async def verify_partner(session: AsyncSession, caller: Caller, seen: Seen, proof: Proof, now: datetime) -> Partner:
    """Say that a partner is who it says, by the operator, or by a network of one of its members; a pending one becomes active.

    Raises NotFound, Forbidden, Stale, `WrongState` or Invalid.
    """
    partner = await partner_seen(session, caller, seen)
    today = partner.today(now)
    await _must_be_let(session, caller, partner, proof, today)
    seen.must_be_current(partner.version, "partner")
    last, before, introduced = proof.last_day(today), partner.standing(), partner.introduced() if partner.is_untold else None
    # Whoever acts for a day holds what is due before the partner: in the same order nobody waits for the other for ever.
    await owe(session, RENEWAL, partner.subject, partner.begins(last - ASKED_BEFORE))
    await owe(session, ENDS, partner.subject, partner.begins(last + timedelta(days=1)))
    verified = partner.verify(proof.method, last, caller.partner, now)
    await record(session, partner, *([introduced] if introduced else []), verified, now=now)
    session.add_all([Verification.of(verified, proof, now), PartnerChange.turned(partner, before, caller, now)])
    return partner


async def ask_for_renewal(session: AsyncSession, subject: str, now: datetime) -> None:
    """A verification ends in two months: say so; when it was moved, wait for the new day."""
    partner = await _due(session, subject)
    if not partner.is_kept_verified or partner.verified_until is None:
        return
    day = partner.verified_until - ASKED_BEFORE
    if partner.today(now) < day:
        await owe(session, RENEWAL, subject, partner.begins(day))
        return
    await record(session, partner, partner.ask_for_renewal(), now=now)


async def end_verification(session: AsyncSession, subject: str, now: datetime) -> None:
    """The last day of a verification is over; done again it does nothing."""
    partner = await _due(session, subject)
    if not partner.is_kept_verified or partner.verified_until is None:
        return
    if partner.today(now) <= partner.verified_until:
        # The partner, or the rules of its time zone, moved since the moment was computed.
        await owe(session, ENDS, subject, partner.begins(partner.verified_until + timedelta(days=1)))
        return
    before = partner.standing()
    await record(session, partner, partner.lapse(now), now=now)
    session.add(PartnerChange.turned(partner, before, None, now))


async def _must_be_let(session: AsyncSession, caller: Caller, partner: Partner, proof: Proof, today: date) -> None:
    if caller.is_admin:
        return
    fix = "Ask the platform's operator, or a verified network that the partner belongs to."
    if not await may_vouch(session, caller.partner, partner.id, today):
        raise Forbidden("A partner is verified by the platform's operator or by a verified network that it belongs to.", fix=fix)
    if proof.method != Method.NETWORK_VOUCH:
        raise Forbidden("A network vouches for its members.", field="/method", fix="Send 'network_vouch'.")


async def _due(session: AsyncSession, subject: str) -> Partner:
    return await session.get_one(Partner, subject.partition("/")[2], with_for_update={"of": Partner})


ACTS: Acts = {RENEWAL: ask_for_renewal, ENDS: end_verification}
"""What becomes due in this room."""
