"""Hosting: under whose roof a partner is, day by day; one host at a time, and nobody under its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model, day_after
from shared.db import Key
from shared.refusals import Conflict, Invalid

HOSTING_DAY: Final = "partner.hosting_day"
"""The kind of due act by which a host comes or goes on its day."""
MOST_HOSTINGS: Final = 100
_A_DAY: Final = timedelta(days=1)


class HostingOverlaps(Conflict):
    """The partner has another host on some of these days: ``host``, from ``valid_from`` to ``valid_to``. Send other days."""

    code = "hosting-overlaps"
    title = "The partner has another host on some of these days."


class HostingCircle(Conflict):
    """The host would be hosted, by itself or by way of others, by the partner that it hosts. Name another host."""

    code = "hosting-circle"
    title = "The host would be under its own roof."


class Hosting(Model):
    """That a partner is at the house of another, between two days (both included)."""

    __tablename__ = "hosting"
    __table_args__ = (CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="days"),)

    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    host: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"), index=True)


@dataclass(frozen=True, slots=True)
class Stay:
    """Some days at one host; ``last`` None is still to come."""

    host: str
    first: date
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether this day is one of them."""
        return self.first <= day and (self.last is None or self.last >= day)

    def reaches(self, day: date) -> bool:
        """Whether this day, or one after it, is one of them."""
        return self.last is None or self.last >= day

    def before(self, day: date) -> list["Stay"]:
        """What of it lies before this day, which it reaches."""
        return [replace(self, last=day - _A_DAY)] if self.first < day else []

    def shares(self, other: "Stay") -> bool:
        """Whether the two have a day in common."""
        return self.holds(other.first) or other.holds(self.first)


def settled(known: Sequence[Stay], wanted: Stay) -> list[Stay]:
    """The stays with the wanted one among them, by day; raises `HostingOverlaps` or Invalid.

    Whoever hosted without an end makes way for a new host without one. Of the same host the stay that has no end, or begins on the
    same day, gets the wanted days; so does one of another host that has no end and begins on the very day.
    """
    if wanted.last is not None and wanted.last < wanted.first:
        raise Invalid("The hosting would end before it begins.", field="/valid_to", fix=f"Send a day from {wanted.first} on.")
    rest = [made for stay in known if (made := _beside(stay, wanted)) is not None]
    for stay in rest:
        if stay.shares(wanted):
            said = {"host": stay.host, "valid_from": str(stay.first), "valid_to": str(stay.last) if stay.last else None}
            detail = f"The partner is hosted by {stay.host} from {stay.first} to {stay.last or 'an open end'}."
            raise HostingOverlaps(detail, field="/valid_from", fix="Send other days, or end that hosting first.", **said)
    if len(rest) >= MOST_HOSTINGS:
        raise Invalid(f"A partner has at most {MOST_HOSTINGS} hostings.", field="/host", fix="Leave out the oldest ones.")
    return sorted([*rest, wanted], key=lambda stay: stay.first)


def ended(known: Sequence[Stay], day: date) -> list[Stay]:
    """The stays without whatever of the one on this day comes from this day on."""
    kept = [replace(stay, last=day - _A_DAY) if stay.holds(day) and stay.first < day else stay for stay in known]
    return [stay for stay in kept if not stay.holds(day)]


def host_on(stays: Iterable[Stay], day: date) -> str | None:
    """Who hosts on this day."""
    return next((stay.host for stay in stays if stay.holds(day)), None)


def next_turn(stays: Iterable[Stay], today: date) -> date | None:
    """The first day after today on which somebody begins to host or hosts no more."""
    days = [day for stay in stays for day in (stay.first, day_after(stay.last)) if day and day > today]
    return min(days, default=None)


def _beside(stay: Stay, wanted: Stay) -> Stay | None:
    """What of a stay is left beside the wanted one; None when that takes its place."""
    if stay.host == wanted.host and (stay.first == wanted.first or (stay.last is None and stay.shares(wanted))):
        return None
    if stay.last is None and wanted.last is None and stay.first <= wanted.first:
        return replace(stay, last=wanted.first - _A_DAY) if stay.first < wanted.first else None
    return stay
