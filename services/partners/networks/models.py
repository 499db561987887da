"""Membership: a partner belongs to a network, as something, between two days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Self

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.inheritance.models import Step
from services.partners.models import Model
from shared.db import Key, new_id
from shared.events import Event, MembershipEnded, MembershipOptedIn, MembershipOptedOut, MembershipStarted, Visibility
from shared.outbox import Aggregate, Reach
from shared.refusals import Conflict, Invalid

MEMBERSHIP_DAY: Final = "membership.day"
"""The kind of due act by which a membership begins to hold on its first day, and ends to hold after its last."""


class Role(StrEnum):
    """As what a partner belongs to a network."""

    FOUNDING = "founding"
    MEMBER = "member"
    ASSOCIATE = "associate"
    OBSERVER = "observer"
    HOST = "host"
    SECRETARIAT = "secretariat"


class Inheritance(StrEnum):
    """Whether what the network signs lets this member take part: by itself, once it opts in, or not at all."""

    AUTO = "auto"
    OPT_IN = "opt_in"
    NO = "no"


INHERITING: Final = frozenset(Role) - {Role.OBSERVER}
"""The roles to which what the network signed passes: an observer follows a network without being bound by what it does."""


class NoNetwork(Invalid):
    """The partner is not of a kind that has members. Name a network: a ``city_network``, ``multilateral``, ``ngo`` or ``other``."""

    code = "no-network"
    title = "The partner is not a network."


class MembershipOverlaps(Conflict):
    """The partner belongs to the network already in those days, by the membership in ``membership``. End that one first."""

    code = "membership-overlaps"
    title = "The partner is a member already in those days."


class MembershipOver(Conflict):
    """The membership has ended on that day or before. There is nothing left to end."""

    code = "membership-over"
    title = "The membership is over."


class MembershipCircle(Conflict):
    """The network would belong to itself by way of others, in ``circle``, on days that all these memberships share. End one of them."""

    code = "membership-circle"
    title = "A network cannot belong to itself through others."

    def __init__(self, circle: Sequence[str], names: Sequence[str]) -> None:
        """``circle`` are partner ids from the one that joins around to itself, ``names`` what they are called."""
        detail = f"It would close the circle {' → '.join(names)}."
        super().__init__(detail, field="/partner", fix="End one of the other memberships first, or send other days.", circle=list(circle))


class NothingToChoose(Conflict):
    """Observers, and members by ``inherits_agreements: no``, take part in nothing that the network signs: there is nothing to opt in to."""

    code = "nothing-to-choose"
    title = "The membership passes on no agreement."


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """Who joins which network, as what and from when; ``valid_to`` is the last day, None when it is open."""

    partner: str
    network: str
    role: str
    valid_from: date
    valid_to: date | None = None
    inherits_agreements: str = Inheritance.AUTO


class Membership(Aggregate, Model):
    """A partner belongs to a network; both days are part of it."""

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="days"),
        CheckConstraint("partner <> network", name="not_itself"),
        Index("ix_membership_network", "network", "id"),
        Index("ix_membership_partner", "partner", "id"),
    )
    SUBJECT: ClassVar[str] = "membership"

    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    network: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    role: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    inherits_agreements: Mapped[str]
    reason: Mapped[str | None]
    recorded_at: Mapped[datetime]

    @classmethod
    def start(cls, joining: Joining, now: datetime) -> tuple[Self, MembershipStarted]:
        """The partner belongs to the network from that day on, and the fact of it; raises Invalid for days that cannot be."""
        if joining.partner == joining.network:
            raise Invalid("A network cannot be its own member.", field="/partner", fix="Name another partner.")
        if joining.valid_to is not None and joining.valid_to < joining.valid_from:
            fix = f"Send a day from {joining.valid_from} on, or leave it out."
            raise Invalid("The last day of a membership lies before its first.", field="/valid_to", fix=fix)
        said = {
            "partner": joining.partner,
            "network": joining.network,
            "role": str(joining.role),
            "valid_from": joining.valid_from,
            "valid_to": joining.valid_to,
            "inherits_agreements": str(joining.inherits_agreements),
        }
        membership = cls(id=new_id(), recorded_at=now, **said)
        return membership, MembershipStarted.model_validate({"membership": membership.id, **said})

    def end(self, valid_to: date, reason: str | None) -> MembershipEnded:
        """The partner belongs to the network up to this day and no longer; raises Invalid or `MembershipOver`."""
        if self.valid_to is not None and self.valid_to <= valid_to:
            detail = f"The membership ends on {self.valid_to} already."
            raise MembershipOver(detail, field="/valid_to", fix="Send an earlier day, or leave it.", valid_to=self.valid_to)
        if valid_to < self.valid_from:
            fix = f"Send a day from {self.valid_from} on."
            raise Invalid(f"The membership began only on {self.valid_from}.", field="/valid_to", fix=fix)
        self.valid_to, self.reason = valid_to, reason
        return MembershipEnded(membership=self.id, partner=self.partner, network=self.network, valid_to=valid_to, reason=reason)

    def choose(self, agreement: str, *, taken: bool, today: date) -> MembershipOptedIn | MembershipOptedOut:
        """The member takes part in an agreement of its network, or does not; raises `NothingToChoose` or `MembershipOver`."""
        if not self.inherits:
            detail = f"The membership as {self.role} with inherits_agreements '{self.inherits_agreements}' passes nothing on."
            raise NothingToChoose(detail, fix="Nothing is left to do: no agreement of the network entitles this member.")
        if self.valid_to is not None and self.valid_to < today:
            raise MembershipOver(f"The membership ended on {self.valid_to}.", fix="Join the network again first.", valid_to=self.valid_to)
        said = {"membership": self.id, "partner": self.partner, "network": self.network, "agreement": agreement}
        return MembershipOptedIn(**said) if taken else MembershipOptedOut(**said)

    @property
    def inherits(self) -> bool:
        """Whether anything that the network signs can pass to the member."""
        return self.role in INHERITING and self.inherits_agreements != Inheritance.NO

    def holds(self, now: datetime) -> bool:
        """Whether ``now`` is on a day of the membership; its days are those of UTC, as everywhere in this room."""
        today = now.astimezone(UTC).date()
        return self.valid_from <= today and (self.valid_to is None or today <= self.valid_to)

    def next_turn(self, now: datetime) -> datetime | None:
        """When it will begin or end to hold, whichever comes next after ``now``; None when nothing will change any more."""
        days = [self.valid_from, *([self.valid_to + timedelta(days=1)] if self.valid_to and self.valid_to < date.max else [])]
        turns = (datetime.combine(day, time(), UTC) for day in days)
        return next((turn for turn in turns if turn > now), None)

    def step(self) -> Step:
        """The membership as a step of a path."""
        return Step(self.id, self.partner, self.network, self.inherits_agreements == Inheritance.OPT_IN)

    def reach(self, fact: Event) -> Reach:
        """Everybody may know who belongs to a network: it is what entitles. What a member chose is between it and the network."""
        if isinstance(fact, MembershipOptedIn | MembershipOptedOut):
            return Reach(Visibility.PARTIES, (self.partner, self.network))
        return Reach(Visibility.PUBLIC, (self.partner, self.network))
