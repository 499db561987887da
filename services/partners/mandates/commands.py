"""What can be done about mandates: ask for one, grant it, revoke it; and what its last day brings."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.mandates.models import STANDING, Mandate, MandateExists, MandateState, Scope
from services.partners.mandates.views import concerns, no_mandate
from services.partners.models import Seen, day_after
from services.partners.registry.refusals import UnknownPartner
from services.partners.registry.standing.views import must_be_active
from services.partners.registry.views import known_partners, partners_named
from shared.auth import Caller
from shared.due import Acts, forgive, owe
from shared.outbox import record
from shared.refusals import Forbidden, NotFound

_LATER: Final = "Grant it when the partner is active again, or revoke it."

EXPIRES = "mandate.expires"
"""The kind of due act by which a mandate ends after its last day."""


@dataclass(frozen=True, slots=True)
class Between:
    """For whom somebody shall act, and who."""

    partner: str
    holder: str


async def ask_for_mandate(session: AsyncSession, caller: Caller, between: Between, scope: Scope, now: datetime) -> Mandate:
    """Ask for a mandate, as its holder; or give one, as the partner itself: then it is active at once.

    Raises Forbidden, NotFound (the partner), `UnknownPartner` (the holder), `PartnerNotActive`, `MandateExists` or Invalid.
    """
    if caller.partner not in (between.partner, between.holder):
        raise Forbidden("A mandate is asked for by its holder or given by the partner.", fix="Use a client of one of them.")
    zone = await _zone_of(session, between, acting=True)
    mandate, requested = Mandate.request(between.partner, between.holder, scope, now.astimezone(ZoneInfo(zone)))
    asked = select(Mandate.id).where(Mandate.partner == between.partner, Mandate.holder == between.holder, Mandate.state.in_(STANDING))
    other = await session.scalar(asked)
    if other is not None:
        raise MandateExists("There is such a mandate between the two already.", fix=f"Revoke {other} first.", mandate=other)
    granted = mandate.grant(now) if caller.partner == between.partner else None
    await record(session, mandate, requested, *([granted] if granted else []), now=now)
    await _owe_its_end(session, mandate, zone)
    return mandate


async def grant_mandate(session: AsyncSession, caller: Caller, seen: Seen, now: datetime) -> Mandate:
    """Let the holder act, by the partner alone; granted before it stays so.

    Raises NotFound, Forbidden, Stale, `PartnerNotActive` or `MandateOver`.
    """
    mandate = await _seen(session, caller, seen)
    if caller.partner != mandate.partner:
        raise Forbidden("A mandate is granted by the partner for which the holder shall act.", fix="Use a client of that partner.")
    if mandate.state == MandateState.REQUESTED:
        ids = [mandate.holder, mandate.partner]
        must_be_active(await known_partners(session, ids, lock=True), ids, field="path/mandate", fix=_LATER)
    granted = mandate.grant(now)
    if granted is not None:
        await record(session, mandate, granted, now=now)
    return mandate


async def revoke_mandate(session: AsyncSession, caller: Caller, seen: Seen, reason: str, now: datetime) -> Mandate:
    """End a mandate, or refuse to give it; by either of the two or the operator. Raises NotFound, Stale or `MandateOver`."""
    mandate = await _seen(session, caller, seen)
    await record(session, mandate, mandate.revoke(reason, now), now=now)
    await forgive(session, EXPIRES, mandate.subject)
    return mandate


async def expire_mandate(session: AsyncSession, subject: str, now: datetime) -> None:
    """The last day of a mandate is over; done again it does nothing."""
    mandate = await session.get_one(Mandate, subject.partition("/")[2])
    zone = (await partners_named(session, [mandate.partner]))[mandate.partner].timezone
    expired = mandate.expire(now.astimezone(ZoneInfo(zone)).date(), now)
    if expired is not None:
        await record(session, mandate, expired, now=now)
    elif mandate.stands:  # the partner lives by other clocks since: its day there is not over yet
        await _owe_its_end(session, mandate, zone)


async def _owe_its_end(session: AsyncSession, mandate: Mandate, zone: str) -> None:
    over = day_after(mandate.valid_to)
    if over is not None:
        await owe(session, EXPIRES, mandate.subject, datetime.combine(over, time.min, ZoneInfo(zone)))


async def _seen(session: AsyncSession, caller: Caller, seen: Seen) -> Mandate:
    mandate = await session.get(Mandate, seen.id)
    if mandate is None or not concerns(caller, mandate.partner, mandate.holder):
        raise no_mandate(seen.id)
    seen.must_be_current(mandate.version, "mandate")
    return mandate


async def _zone_of(session: AsyncSession, between: Between, *, acting: bool = False) -> str:
    """The partner's time zone; its row stays locked, so that two mandates for it are not asked for at the same instant."""
    ids = [between.holder, between.partner]
    try:
        known = await known_partners(session, ids, field="/holder", lock=True)
        if acting:
            must_be_active(known, ids, field="/holder")
        return known[between.partner].timezone
    except UnknownPartner as unknown:
        if unknown.extra["partner"] == between.partner:
            raise NotFound(f"There is no partner {between.partner}.", fix="Look it up with GET /v1/partners?q=.") from None
        raise


ACTS: Acts = {EXPIRES: expire_mandate}
"""What becomes due in this room."""
