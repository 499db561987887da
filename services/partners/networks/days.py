"""Days: on which of them a membership holds, what it is on each, and when it becomes something else.

They are those of UTC, as everywhere in this room. Nothing here is stored: it follows from the dates and from what was decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

WARNING: Final = timedelta(days=30)
"""So long before its last day a membership that is not renewed is warned of."""

LONGEST_GRACE: Final = 366
"""So many days at the most a membership may hold beyond its last."""

RENEWABLE: Final = timedelta(days=366)
"""So long after it lapsed a membership can still be renewed; afterwards the partner applies anew."""


class State(StrEnum):
    """What was decided about a membership: the rest follows from its days."""

    APPLIED = "applied"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Status(StrEnum):
    """What a membership is on a day; ``approved`` is one that begins later."""

    APPLIED = "applied"
    APPROVED = "approved"
    CURRENT = "current"
    GRACE = "grace"
    LAPSED = "lapsed"
    ENDED = "ended"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


class Stage(StrEnum):
    """What is told of a membership that nobody renews, in the order in which it comes."""

    WARNED = "warned"
    GRACE = "grace"
    LAPSED = "lapsed"


STAGES: Final = tuple(Stage)

POSSIBLE: Final[Mapping[Status, tuple[str, ...]]] = {
    Status.APPLIED: ("approve", "reject", "withdraw"),
    Status.APPROVED: ("change", "end", "suspend"),
    Status.CURRENT: ("change", "end", "renew", "suspend"),
    Status.GRACE: ("change", "end", "renew", "suspend"),
    Status.SUSPENDED: ("change", "end", "resume"),
    Status.LAPSED: ("end", "renew"),
    Status.ENDED: ("end",),
}
"""What can be done to a membership that is this (``change`` is a PATCH of it); what was rejected or withdrawn stays so."""


@dataclass(frozen=True, slots=True)
class Term:
    """From the first day to the last, both included, and so many days of grace; no last day is an open end."""

    valid_from: date
    valid_to: date | None
    grace_days: int = 0

    @property
    def lapses_on(self) -> date | None:
        """The first day on which it no longer holds; None when that will never come."""
        if self.valid_to is None or (date.max - self.valid_to).days <= self.grace_days:
            return None
        return self.valid_to + timedelta(days=self.grace_days + 1)

    @property
    def holds_to(self) -> date | None:
        """The last day on which it holds, grace included; None when that will never come."""
        return None if self.lapses_on is None else self.lapses_on - timedelta(days=1)

    def holds_on(self, day: date) -> bool:
        """Whether the day is one of the term or of its grace."""
        return self.valid_from <= day and not self.over_on(day)

    def over_on(self, day: date) -> bool:
        """Whether the last day and the grace have passed."""
        return self.lapses_on is not None and self.lapses_on <= day

    def in_grace_on(self, day: date) -> bool:
        """Whether the last day has passed and the grace has not."""
        return self.valid_to is not None and self.valid_to < day and not self.over_on(day)

    def stages(self) -> dict[Stage, date]:
        """The first day of each stage, in order: nothing is warned of before it begins, and without grace there is none to enter."""
        if self.valid_to is None or self.lapses_on is None:
            return {}
        found = {Stage.WARNED: max(self.valid_from, self.valid_to - min(WARNING, self.valid_to - date.min))}
        if self.grace_days:
            found[Stage.GRACE] = self.valid_to + timedelta(days=1)
        return found | {Stage.LAPSED: self.lapses_on}

    def next_turn(self, now: datetime) -> datetime | None:
        """When it begins, comes to a stage, or no longer holds, whichever comes next after ``now``; None when nothing will."""
        turns = sorted(datetime.combine(day, time(), UTC) for day in (self.valid_from, *self.stages().values()))
        return next((turn for turn in turns if turn > now), None)


def day_of(now: datetime) -> date:
    """The day that an instant is on."""
    return now.astimezone(UTC).date()
