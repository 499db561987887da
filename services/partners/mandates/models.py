"""Mandate: one partner lets another approve or sign for it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from shared.db import Key, new_id
from shared.events import Event, MandateExpired, MandateGranted, MandateRequested, MandateRevoked, Visibility
from shared.outbox import Aggregate, Reach
from shared.refusals import Conflict, Invalid


class MandateState(StrEnum):
    """From the request to the end."""

    REQUESTED = "requested"
    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


STANDING: Final = (MandateState.REQUESTED, MandateState.ACTIVE)
"""The states of a mandate of which there is one at most between two partners."""


class MandateOver(Conflict):
    """The mandate was revoked or has expired. Ask for a new one."""

    code = "mandate-over"
    title = "The mandate is over."


class MandateExists(Conflict):
    """The partner has given this holder a mandate, or is asked for one: ``mandate``. Revoke that one first."""

    code = "mandate-exists"
    title = "There is such a mandate already."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a mandate lets its holder do, under agreements of which kinds (none: all), between which days (both included)."""

    may_approve: bool
    may_sign: bool
    kinds: tuple[str, ...] = ()
    valid_from: date
    valid_to: date | None = None


class Mandate(Aggregate, Model):
    """The ``holder`` may approve or sign for the ``partner``; at most one of the two at a time is asked for or active."""

    __tablename__ = "mandate"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="days"),
        CheckConstraint("partner <> holder", name="not_itself"),
        CheckConstraint("may_approve OR may_sign", name="scope"),
        Index("uq_mandate_standing", "partner", "holder", unique=True, postgresql_where=text("state IN ('requested', 'active')")),
        Index("ix_mandate_holder", "holder", "id"),
        Index("ix_mandate_partner", "partner", "id"),
    )
    SUBJECT: ClassVar[str] = "mandate"

    partner: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    holder: Mapped[str] = mapped_column(Key, ForeignKey("partner.id"))
    state: Mapped[str]
    may_approve: Mapped[bool]
    may_sign: Mapped[bool]
    kinds: Mapped[list[str]]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    requested_at: Mapped[datetime]
    granted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]

    @classmethod
    def request(cls, partner: str, holder: str, scope: Scope, now: datetime) -> tuple[Self, MandateRequested]:
        """The holder asks to act for the partner; raises Invalid for a scope or days that cannot be.

        The day that ``now`` has in its own time zone is today: the partner's.
        """
        if partner == holder:
            raise Invalid("Nobody needs a mandate to act for itself.", field="/holder", fix="Name another partner.")
        if not (scope.may_approve or scope.may_sign):
            raise Invalid("A mandate lets its holder do something.", field="/may_sign", fix="Send may_approve or may_sign as true.")
        if scope.valid_to is not None and scope.valid_to < max(scope.valid_from, now.date()):
            fix = f"Send a day from {max(scope.valid_from, now.date())} on, or leave it out."
            raise Invalid("The mandate would have ended before it begins, or already.", field="/valid_to", fix=fix)
        said: dict[str, Any] = {
            "may_approve": scope.may_approve,
            "may_sign": scope.may_sign,
            "valid_from": scope.valid_from,
            "valid_to": scope.valid_to,
        }
        made = cls(
            id=new_id(),
            partner=partner,
            holder=holder,
            state=MandateState.REQUESTED,
            kinds=list(scope.kinds),
            requested_at=now.astimezone(UTC),
            **said,
        )
        return made, MandateRequested.model_validate(made._whole())

    def grant(self, now: datetime) -> MandateGranted | None:
        """The partner lets the holder act; None when it did already. Raises `MandateOver`."""
        if self.state == MandateState.ACTIVE:
            return None
        self._must_stand()
        self.state, self.granted_at = MandateState.ACTIVE, now
        return MandateGranted.model_validate(self._whole())

    def revoke(self, reason: str, now: datetime) -> MandateRevoked:
        """The holder may no longer act, or is not let; raises `MandateOver`."""
        self._must_stand()
        self.state, self.ended_at, self.reason = MandateState.REVOKED, now, reason
        return MandateRevoked(mandate=self.id, partner=self.partner, holder=self.holder, reason=reason)

    def expire(self, today: date, now: datetime) -> MandateExpired | None:
        """Its last day is over; None when that is not so, or it ended before."""
        if not self.stands or self.valid_to is None or self.valid_to >= today:
            return None
        self.state, self.ended_at = MandateState.EXPIRED, now
        return MandateExpired(mandate=self.id, partner=self.partner, holder=self.holder, valid_to=self.valid_to)

    def pass_on(self, partner: str, successor: str) -> None:
        """The mandate is the ``successor``'s wherever it was the ``partner``'s."""
        self.partner, self.holder = (successor if own == partner else own for own in (self.partner, self.holder))

    @property
    def stands(self) -> bool:
        """Whether it is asked for or active."""
        return self.state in STANDING

    def reach(self, fact: Event) -> Reach:
        """It is known to these two alone."""
        return Reach(Visibility.PARTIES, (self.partner, self.holder))

    def _must_stand(self) -> None:
        if not self.stands:
            when = self.ended_at.date() if self.ended_at is not None else ""
            raise MandateOver(f"The mandate is {self.state} since {when}.", fix="Ask for a new one.", state=self.state)

    def _whole(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("partner", "holder", "may_approve", "may_sign", "valid_from", "valid_to")}
        return plain | {"mandate": self.id, "kinds": tuple(self.kinds)}


class MandateUse(Model):
    """What a holder did under a mandate: kept as evidence beside the agreement's own record."""

    __tablename__ = "mandate_use"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    mandate: Mapped[str] = mapped_column(Key, ForeignKey("mandate.id"), index=True)
    agreement: Mapped[str] = mapped_column(Key)
    action: Mapped[str]
    terms_hash: Mapped[str]
    client: Mapped[str]
    at: Mapped[datetime]
