"""Memberships that go on, run out or are suspended: the last day here follows, and with it who sees what a network sees."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, bindparam, func, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.directory.models import KnownMembership
from shared.events import (
    Envelope,
    Event,
    MembershipEnteredGrace,
    MembershipLapsed,
    MembershipLapseWarned,
    MembershipRenewed,
    MembershipResumed,
    MembershipSuspended,
)
from shared.handling import Handlers, whole_batch

_known = KnownMembership.__table__
_LAST = bindparam("last_day", type_=Date)


@whole_batch
async def membership_stopped(session: AsyncSession, facts: list[Envelope]) -> None:
    """Remember the day before a membership lapsed or was suspended as its last: it holds nothing, unless it is renewed or resumed."""
    await _until(session, facts, func.least(_known.c.valid_to, _LAST))


@whole_batch
async def membership_goes_on(session: AsyncSession, facts: list[Envelope]) -> None:
    """Remember to which day a membership holds that was renewed or resumed, or entered its grace."""
    await _until(session, facts, _LAST)


@whole_batch
async def membership_warned(session: AsyncSession, facts: list[Envelope]) -> None:
    """Remember the grace of a membership before it comes; not of a suspended one, whose last day here is another than its own."""
    await _until(session, facts, _LAST, _known.c.valid_to == bindparam("own_last", type_=Date))


async def _until(session: AsyncSession, facts: list[Envelope], last: Any, where: ColumnElement[bool] | None = None) -> None:
    changing = update(KnownMembership).where(_known.c.id == bindparam("changed"), true() if where is None else where)
    rows = [_changing(fact) for fact in facts]
    if where is None:
        rows = [{name: value for name, value in row.items() if name != "own_last"} for row in rows]
    await (await session.connection()).execute(changing.values(valid_to=last, heard_at=bindparam("heard")), rows)


def _changing(fact: Envelope) -> dict[str, Any]:
    said: Any = fact.data
    first = _OVER_ON[type(fact.data)](said)
    last: date | None = None if first is None else first - timedelta(days=1)
    return {"changed": said.membership, "last_day": last, "own_last": getattr(said, "valid_to", None), "heard": fact.time}


_OVER_ON: dict[type[Event], Callable[[Any], date | None]] = {
    MembershipLapsed: lambda said: said.lapsed_on,
    MembershipSuspended: lambda said: said.suspended_on,
    MembershipRenewed: lambda said: said.lapses_on,
    MembershipResumed: lambda said: said.lapses_on,
    MembershipEnteredGrace: lambda said: said.lapses_on,
    MembershipLapseWarned: lambda said: said.lapses_on,
}
"""The first day on which the membership does not hold, as each fact names it."""

MEMBERSHIPS: Handlers = {
    MembershipLapsed: membership_stopped,
    MembershipSuspended: membership_stopped,
    MembershipRenewed: membership_goes_on,
    MembershipResumed: membership_goes_on,
    MembershipEnteredGrace: membership_goes_on,
    MembershipLapseWarned: membership_warned,
}
"""What the room's handlers take in beside their own."""
