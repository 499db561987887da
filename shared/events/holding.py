"""What each fact of a membership that began means for the days it holds: through its grace, not past its lapse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from shared.events.event import Event
from shared.events.memberships import MembershipLapsed, MembershipLapseWarned
from shared.events.merging import MembershipSucceeded
from shared.events.partners import MembershipEnded
from shared.events.tenure import MembershipEnteredGrace, MembershipRenewed, MembershipResumed, MembershipSuspended

STOPPING: Final[tuple[type[Event], ...]] = (MembershipEnded, MembershipLapsed, MembershipSuspended)
"""After these it holds no longer than to the day they tell, and to the day already known if that is earlier."""

GOING_ON: Final[tuple[type[Event], ...]] = (MembershipRenewed, MembershipResumed, MembershipEnteredGrace)
"""After these it holds to the day they tell, whatever was known."""

WARNING: Final[tuple[type[Event], ...]] = (MembershipLapseWarned,)
"""These tell of a grace before it comes: of a membership that is suspended they say nothing."""

PASSING_ON: Final[tuple[type[Event], ...]] = (MembershipSucceeded,)
"""After these it is another's, with the days it had."""


def held(said: Event) -> str:
    """The id of the membership that this fact is about."""
    of: str = said.membership  # type: ignore[attr-defined]  # all of the facts above have it
    return of


def last_day(said: Event) -> date | None:
    """The last day on which the membership holds, as this fact tells it (none: open); of a suspended one the day before."""
    return _HOLDS_TO[type(said)](said)


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
