"""What a neighbour follows of memberships once they began: whose they are, and to which day they hold.

Of a membership its view has ``partner`` and ``network``, the last day ``valid_to`` (none: open) and ``heard_at``. The last day is the one
to which it holds: through its grace, not past its lapse, and of a suspended one the day before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, bindparam, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import (
    Envelope,
    Event,
    MembershipEnded,
    MembershipEnteredGrace,
    MembershipLapsed,
    MembershipLapseWarned,
    MembershipRenewed,
    MembershipResumed,
    MembershipSucceeded,
    MembershipSuspended,
)
from shared.handling import BatchHandler, Handlers, whole_batch

_LAST: Final = bindparam("last_day", type_=Date)


def following(view: type[Any]) -> Handlers:
    """The handlers that keep this view in step with everything that is told of a membership after `MembershipStarted`."""
    known = view.__table__.c
    # Never a later day than the one that is known: what is suspended is not brought back by its end.
    stopped, goes_on = _until(view, func.least(known.valid_to, _LAST)), _until(view, _LAST)
    return {
        MembershipEnded: stopped,
        MembershipLapsed: stopped,
        MembershipSuspended: stopped,
        MembershipRenewed: goes_on,
        MembershipResumed: goes_on,
        MembershipEnteredGrace: goes_on,
        # Its grace is known before it comes; not of a suspended one, whose last day here is another than its own.
        MembershipLapseWarned: _until(view, _LAST, known.valid_to == bindparam("own_last", type_=Date)),
        MembershipSucceeded: _succeeded(view),
    }


def _until(view: type[Any], last: ColumnElement[Any], only: ColumnElement[bool] | None = None) -> BatchHandler:
    changing = update(view).where(view.__table__.c.id == bindparam("changed"))
    changing = (changing if only is None else changing.where(only)).values(valid_to=last, heard_at=bindparam("heard"))

    @whole_batch
    async def kept(session: AsyncSession, facts: list[Envelope]) -> None:
        await (await session.connection()).execute(changing, [_days(fact, own=only is not None) for fact in facts])

    return kept


def _succeeded(view: type[Any]) -> BatchHandler:
    sides: dict[str, Any] = {"partner": bindparam("whose"), "network": bindparam("of"), "heard_at": bindparam("heard")}
    moving = update(view).where(view.__table__.c.id == bindparam("moved")).values(sides)

    @whole_batch
    async def kept(session: AsyncSession, facts: list[Envelope]) -> None:
        await (await session.connection()).execute(moving, [_sides(fact) for fact in facts])

    return kept


def _days(fact: Envelope, *, own: bool) -> dict[str, Any]:
    said: Any = fact.data
    row = {"changed": said.membership, "last_day": _HOLDS_TO[type(fact.data)](said), "heard": fact.time}
    return row | ({"own_last": said.valid_to} if own else {})


def _sides(fact: Envelope) -> dict[str, Any]:
    said: Any = fact.data
    return {"moved": said.membership, "whose": said.partner, "of": said.network, "heard": fact.time}


def _before(day: date | None) -> date | None:
    return None if day is None else day - timedelta(days=1)


_HOLDS_TO: Final[dict[type[Event], Callable[[Any], date | None]]] = {
    MembershipEnded: lambda said: said.valid_to,
    MembershipLapsed: lambda said: _before(said.lapsed_on),
    MembershipSuspended: lambda said: _before(said.suspended_on),
    MembershipRenewed: lambda said: _before(said.lapses_on),
    MembershipResumed: lambda said: _before(said.lapses_on),
    MembershipEnteredGrace: lambda said: _before(said.lapses_on),
    MembershipLapseWarned: lambda said: _before(said.lapses_on),
}
"""The last day on which the membership holds, as each fact tells it."""
