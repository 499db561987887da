"""When an exchange is: what the clocks on the wall of its place show, and the instants that are meant."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from shared.refusals import Invalid

FARTHEST: Final = timedelta(days=5 * 366)
"""How far ahead an exchange may begin."""

LONGEST: Final = timedelta(days=366)
"""How long an exchange may last."""


class ImpossibleTime(Invalid):
    """These times cannot be those of an exchange: it must begin in the next five years, end after it begins and last a year at most.

    A time of day that the clocks skip when they are put forward does not exist; one that they show twice when they are put
    back means the first.
    """

    code = "impossible-time"
    title = "An exchange cannot be then."


@dataclass(frozen=True, slots=True)
class Wall:
    """What the clocks show at the start and at the end (naive); without a zone, those of the zone already known."""

    starts_at: datetime
    ends_at: datetime
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class When:
    """From one instant to another (UTC), and the IANA zone whose clocks the participants look at."""

    starts_at: datetime
    ends_at: datetime
    timezone: str

    @classmethod
    def on_the_wall(cls, wall: Wall, timezone: str) -> Self:
        """The instants when the clocks of the zone (``timezone`` unless ``wall`` names one) show these times; raises ImpossibleTime.

        Where the clocks show a time twice the first is meant (RFC 5545, 3.3.5); a time they skip is refused.
        """
        zone = ZoneInfo(wall.timezone or timezone)
        when = cls(_instant(wall.starts_at, zone, "/starts_at"), _instant(wall.ends_at, zone, "/ends_at"), zone.key)
        if when.ends_at <= when.starts_at:
            raise ImpossibleTime(
                f"It would end at {wall.ends_at:%Y-%m-%d %H:%M}, not after its start at {wall.starts_at:%Y-%m-%d %H:%M} ({zone.key}).",
                field="/ends_at",
                fix="Send an end that is after the start.",
            )
        if when.ends_at - when.starts_at > LONGEST:
            raise ImpossibleTime(
                f"It would last {(when.ends_at - when.starts_at).days} days; an exchange lasts {LONGEST.days} days at most.",
                field="/ends_at",
                fix="Correct the end, or schedule several exchanges.",
            )
        return when

    @property
    def local(self) -> tuple[datetime, datetime]:
        """Start and end as the clocks of the zone show them, with their offset."""
        zone = ZoneInfo(self.timezone)
        return self.starts_at.astimezone(zone), self.ends_at.astimezone(zone)

    @property
    def day(self) -> date:
        """The day it begins on, where it is: the day for which entitlements count."""
        return self.local[0].date()

    def must_be_ahead(self, now: datetime) -> None:
        """Raise ImpossibleTime unless it begins after ``now`` and within the next five years."""
        if self.starts_at <= now:
            raise ImpossibleTime(
                f"It would begin at {_minute(self.starts_at)} UTC, which is past (it is {_minute(now)} UTC).",
                field="/starts_at",
                fix="Send a start that is still to come; exchanges that took place are not recorded here yet.",
            )
        if self.starts_at - now > FARTHEST:
            raise ImpossibleTime(
                f"It would begin in the year {self.local[0].year}, more than five years from now.",
                field="/starts_at",
                fix="Correct the year, or schedule it later.",
            )


def _instant(wall: datetime, zone: ZoneInfo, field: str) -> datetime:
    if not 1970 <= wall.year <= 9990:  # near the ends of the calendar a change of zone would leave it
        raise ImpossibleTime(f"The year {wall.year} cannot be meant.", field=field, fix="Correct the year.")
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    if shown != wall:
        raise ImpossibleTime(
            f"On {wall:%Y-%m-%d} the clocks of {zone.key} are put forward and never show {wall:%H:%M}.",
            field=field,
            fix=f"Send a time that exists; {wall:%H:%M} by the clocks before the change is {shown:%H:%M} after it.",
        )
    return instant


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}"
