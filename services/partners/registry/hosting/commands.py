"""What can be done about hosting: say who hosts a partner from which day to which; and what such a day brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from services.partners.models import Seen
from services.partners.registry.history.models import PartnerChange
from services.partners.registry.hosting.models import HOSTING_DAY, Hosting, HostingCircle, Stay, ended, host_on, next_turn, settled
from services.partners.registry.hosting.views import closes_a_circle, stays_of
from services.partners.registry.models import Partner, must_be_one_world
from services.partners.registry.standing.commands import partner_seen, tell
from services.partners.registry.standing.views import must_be_told
from services.partners.registry.views import known_partners
from shared.auth import PLATFORM, Caller
from shared.due import Acts, forgive, owe
from shared.refusals import Forbidden, Invalid

_HOSTING_LOCK: Final = 7_238_419
"""The advisory lock of this database under which hostings are written: two at once could close a circle unseen."""
_ITS_DAY: Final = Caller(client="", partner=PLATFORM, scopes=frozenset())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who shall host (None: nobody), from which day (None: today, where the partner is) to which (None: open)."""

    host: str | None
    first: date | None = None
    last: date | None = None


async def host_partner(session: AsyncSession, caller: Caller, seen: Seen, wanted: Wanted, now: datetime) -> Partner:
    """Say who hosts a partner on which days, by the partner itself or the operator; said again it changes nothing.

    Raises NotFound, Forbidden, Stale, `UnknownPartner` (the host), `TwoWorlds`, `HostingOverlaps`, `HostingCircle` or Invalid.
    """
    partner = await partner_seen(session, caller, seen)
    if not caller.is_admin and caller.partner != partner.id:
        raise Forbidden("Hosting is recorded by the partner that is hosted or by the operator.", fix="Use a client of that partner.")
    seen.must_be_current(partner.version, "partner")
    if wanted.host is not None:
        must_be_told(await known_partners(session, [wanted.host], field="/host"), [wanted.host], field="/host")
        must_be_one_world([partner.id, wanted.host], "/host")
    before, (old, new) = partner.profile(), await _settle(session, partner, wanted, now, field="/host")
    if new == old:
        return partner
    updated = partner.update({"hosted_by": host_on(new, partner.today(now))}, now)
    # The version rises also when another day than today has another host.
    partner.changed_at = now
    await tell(session, partner, [updated] if updated else [], now)
    change = PartnerChange.of(partner, before, caller)
    change.changes = {**change.changes, "hostings": {"old": _said(old), "new": _said(new)}}
    session.add(change)
    return partner


async def host_from_today(session: AsyncSession, partner: Partner, now: datetime) -> None:
    """Keep in mind since when the host that the profile names now is the host; raises `HostingOverlaps` or `HostingCircle`."""
    await _settle(session, partner, Wanted(partner.hosted_by), now, field="/hosted_by")


async def pass_hostings(session: AsyncSession, host: str, successor: str, only: Sequence[Sequence[str]] | None = None) -> list[list[str]]:
    """Let those whom ``host`` housed, houses or will house be housed by ``successor``, but for the successor itself.

    Returns which: the partner and the first day of each stay. ``only`` narrows it to some of them.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_HOSTING_LOCK)))
    passing = update(Hosting).where(Hosting.host == host, Hosting.partner != successor).values(host=successor)
    if only is not None:
        stays = [(partner, date.fromisoformat(first)) for partner, first in only]
        passing = passing.where(tuple_(Hosting.partner, Hosting.valid_from).in_(stays))
    passed = await session.execute(passing.returning(Hosting.partner, Hosting.valid_from))
    return [[row.partner, row.valid_from.isoformat()] for row in passed]


async def leave_own_roof(session: AsyncSession, partner: Partner, own: str, now: datetime) -> list[dict[str, Any]]:
    """End and drop, from today on, the stays of a partner with itself: with the record ``own``, or with whom it hosts itself by now.

    Returns what they were, to be given to `move_back_in`.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_HOSTING_LOCK)))
    old, today = await stays_of(session, partner.id), partner.today(now)
    left: list[Stay] = []
    for stay in old:
        ahead = replace(stay, first=max(stay.first, today))
        if stay.reaches(today) and (stay.host == own or await closes_a_circle(session, partner.id, ahead)):
            left.append(stay)
    kept = [one for stay in old for one in ([stay] if stay not in left else stay.before(today))]
    await _write(session, partner, (old, kept), now)
    return _said(left)


async def move_back_in(session: AsyncSession, partner: Partner, left: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Take back what `leave_own_roof` returned, as far as the partner has no other host on those days since."""
    await session.execute(select(func.pg_advisory_xact_lock(_HOSTING_LOCK)))
    old = new = await stays_of(session, partner.id)
    for said in left:
        last = said["valid_to"]
        stay = Stay(said["host"], date.fromisoformat(said["valid_from"]), date.fromisoformat(last) if last else None)
        rest = [one for one in new if (one.host, one.first) != (stay.host, stay.first)]
        if not any(one.shares(stay) for one in rest) and not await closes_a_circle(session, partner.id, stay):
            new = [*rest, stay]
    await _write(session, partner, (old, new), now)


async def hosting_day(session: AsyncSession, subject: str, now: datetime) -> None:
    """A day has come on which the host may be another; done again it does nothing."""
    asked = select(Partner).options(selectinload(Partner.external_ids)).where(Partner.id == subject.partition("/")[2])
    partner = (await session.scalars(asked.with_for_update(of=Partner))).one()
    stays, before = await stays_of(session, partner.id), partner.profile()
    await _owe_the_next(session, partner, stays, now)
    updated = partner.update({"hosted_by": host_on(stays, partner.today(now))}, now)
    if updated is not None:
        await tell(session, partner, [updated], now)
        session.add(PartnerChange.of(partner, before, _ITS_DAY))


async def _settle(
    session: AsyncSession, partner: Partner, wanted: Wanted, now: datetime, *, field: str
) -> tuple[Sequence[Stay], Sequence[Stay]]:
    """The hostings of a partner before and after what is wanted, which is written down."""
    await session.execute(select(func.pg_advisory_xact_lock(_HOSTING_LOCK)))
    old, first = await stays_of(session, partner.id), wanted.first or partner.today(now)
    if wanted.host is None:
        new = ended(old, first)
    elif wanted.host == partner.id:
        raise Invalid("A partner cannot be its own host.", field=field, fix="Name another partner, or null.")
    else:
        stay = Stay(wanted.host, first, wanted.last)
        new = settled(old, stay)
        if await closes_a_circle(session, partner.id, stay):
            raise HostingCircle(f"{wanted.host} is hosted by {partner.id} on some of these days.", field=field, fix="Name another host.")
    await _write(session, partner, (old, new), now)
    return old, new


async def _write(session: AsyncSession, partner: Partner, stays: tuple[Sequence[Stay], Sequence[Stay]], now: datetime) -> None:
    """Let the second of the two be the stays on record instead of the first."""
    old, new = stays
    if new != old:
        await session.execute(delete(Hosting).where(Hosting.partner == partner.id))
        if new:
            rows = [{"partner": partner.id, "host": stay.host, "valid_from": stay.first, "valid_to": stay.last} for stay in new]
            await session.execute(insert(Hosting), rows)
        await _owe_the_next(session, partner, new, now)


async def _owe_the_next(session: AsyncSession, partner: Partner, stays: Sequence[Stay], now: datetime) -> None:
    turn = next_turn(stays, partner.today(now))
    if turn is None:
        await forgive(session, HOSTING_DAY, partner.subject)
    else:
        await owe(session, HOSTING_DAY, partner.subject, partner.begins(turn))


def _said(stays: Sequence[Stay]) -> list[dict[str, Any]]:
    return [{"host": stay.host, "valid_from": str(stay.first), "valid_to": str(stay.last) if stay.last else None} for stay in stays]


ACTS: Acts = {HOSTING_DAY: hosting_day}
"""What becomes due in this room."""
