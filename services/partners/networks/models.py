"""Membership: a partner belongs to a network, as something, between two days."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Self

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from shared.db import Key, new_id
from shared.events import Event, MembershipEnded, MembershipStarted, Visibility
from shared.outbox import Aggregate, Reach
from shared.refusals import Conflict, Invalid


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

    def reach(self, fact: Event) -> Reach:
        """Everybody may know who belongs to a network: it is what entitles."""
        return Reach(Visibility.PUBLIC, (self.partner, self.network))
