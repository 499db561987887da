"""Membership: a partner belongs to a network, as something, between two days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.inheritance.models import Step
from services.partners.models import Model, day_after
from services.partners.networks.days import POSSIBLE, RENEWABLE, Stage, State, Status, Term, day_of
from services.partners.networks.refusals import MembershipOver, MembershipState, NothingToChoose
from shared.auth import Caller
from shared.db import Key, new_id
from shared.events import (
    Event,
    MembershipApproved,
    MembershipChanged,
    MembershipEnded,
    MembershipLapsed,
    MembershipOptedIn,
    MembershipOptedOut,
    MembershipRenewed,
    MembershipResumed,
    MembershipStarted,
    MembershipSucceeded,
    MembershipSuspended,
    Visibility,
)
from shared.events.partners import Names
from shared.outbox import Aggregate, Reach
from shared.refusals import Invalid

MEMBERSHIP_DAY: Final = "membership.day"
"""The kind of due act by which a membership begins to hold on its first day, is told of before its last, and ends to hold after it."""


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


EVERYBODYS: Final = (
    MembershipApproved,
    MembershipStarted,
    MembershipEnded,
    MembershipLapsed,
    MembershipRenewed,
    MembershipSuspended,
    MembershipResumed,
    MembershipChanged,
    MembershipSucceeded,
)
"""The facts that everybody may know: they say who belongs to a network, and that is what entitles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """Who joins which network, as what and from when; ``valid_to`` is the last day (None: open), before so many days of grace."""

    partner: str
    network: str
    role: str
    valid_from: date
    valid_to: date | None = None
    inherits_agreements: str = Inheritance.AUTO
    grace_days: int = 0

    def must_be_possible(self) -> None:
        """Raise Invalid for partners or days that cannot be."""
        if self.partner == self.network:
            raise Invalid("A network cannot be its own member.", field="/partner", fix="Name another partner.")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            fix = f"Send a day from {self.valid_from} on, or leave it out."
            raise Invalid("The last day of a membership lies before its first.", field="/valid_to", fix=fix)

    def said(self) -> dict[str, Any]:
        """What a membership and its first fact say of it."""
        plain = ("partner", "network", "valid_from", "valid_to")
        words = {"role": str(self.role), "inherits_agreements": str(self.inherits_agreements)}
        return {name: getattr(self, name) for name in plain} | words


class Membership(Aggregate, Model):
    """A partner belongs to a network, or asked to; both days are part of it.

    What was decided is in ``state``, ``ended`` (by a deed, not by its days), ``suspended_on`` and the days; ``told`` is the last `Stage`
    that the present days have brought. The rest follows: see `status`.
    """

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
    state: Mapped[str] = mapped_column(server_default=State.APPROVED.value, default=State.APPROVED)
    grace_days: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    ended: Mapped[bool] = mapped_column(server_default=false(), default=False)
    applied_on: Mapped[date | None]
    suspended_on: Mapped[date | None]
    told: Mapped[str | None]
    message: Mapped[str | None]

    @classmethod
    def start(cls, joining: Joining, now: datetime) -> tuple[Self, MembershipStarted]:
        """The partner belongs to the network from that day on, and the fact of it; raises Invalid for days that cannot be."""
        joining.must_be_possible()
        membership = cls(id=new_id(), recorded_at=now, state=State.APPROVED, ended=False, grace_days=joining.grace_days, **joining.said())
        membership.days_are_set(now)
        return membership, membership.started()

    def started(self) -> MembershipStarted:
        """The fact that it begins on its first day."""
        return MembershipStarted.model_validate({"membership": self.id, **self.joining().said()})

    def days_are_set(self, now: datetime) -> None:
        """Its days were just decided: who did knows what is near, so it is not warned of; what was over before is no news."""
        reached = [stage for stage, day in self.term.stages().items() if day <= day_of(now)]
        self.told = Stage.LAPSED if Stage.LAPSED in reached else Stage.WARNED if reached else None

    def end(self, valid_to: date, reason: str | None) -> MembershipEnded:
        """The partner belongs to the network up to this day and no longer, without grace; raises Invalid or a conflict."""
        if self.state != State.APPROVED:
            raise self._not_now("end", Status(self.state))
        if self.term.over_on(day_after(valid_to) or date.max):
            detail = f"The membership ends on {self.valid_to} already."
            raise MembershipOver(detail, field="/valid_to", fix="Send an earlier day, or leave it.", valid_to=self.valid_to)
        if valid_to < self.valid_from:
            fix = f"Send a day from {self.valid_from} on."
            raise Invalid(f"The membership began only on {self.valid_from}.", field="/valid_to", fix=fix)
        self.valid_to, self.grace_days, self.ended, self.reason = valid_to, 0, True, reason
        return MembershipEnded(membership=self.id, partner=self.partner, network=self.network, valid_to=valid_to, reason=reason)

    def choose(self, agreement: str, *, taken: bool, today: date) -> MembershipOptedIn | MembershipOptedOut:
        """The member takes part in an agreement of its network, or does not; raises `NothingToChoose` or another conflict."""
        if self.state != State.APPROVED:
            raise self._not_now("choose", Status(self.state))
        if not self.inherits:
            detail = f"The membership as {self.role} with inherits_agreements '{self.inherits_agreements}' passes nothing on."
            raise NothingToChoose(detail, fix="Nothing is left to do: no agreement of the network entitles this member.")
        if self.term.over_on(today):
            raise MembershipOver(f"The membership ended on {self.valid_to}.", fix="Join the network again first.", valid_to=self.valid_to)
        said = {"membership": self.id, "partner": self.partner, "network": self.network, "agreement": agreement}
        return MembershipOptedIn(**said) if taken else MembershipOptedOut(**said)

    def pass_on(self, partner: str, successor: str, because: str) -> MembershipSucceeded:
        """The membership belongs to the ``successor`` wherever it belonged to the ``partner``, with its days and choices."""
        was = {"was_partner": self.partner, "was_network": self.network}
        self.partner, self.network = (successor if own == partner else own for own in (self.partner, self.network))
        said = {"membership": self.id, "partner": self.partner, "network": self.network, "because": because}
        return MembershipSucceeded.model_validate(said | was)

    def give_way(self, now: datetime, reason: str) -> MembershipEnded | None:
        """Hold no longer, because another stands in its place; None when it is over already. Of one yet to begin its first day is left."""
        if self.term.over_on(day_of(now)):
            return None
        yesterday = day_of(now) - timedelta(days=1)
        self.valid_to = max(self.valid_from, min(self.valid_to or yesterday, yesterday))
        self.grace_days, self.ended, self.reason = 0, True, reason
        return MembershipEnded(membership=self.id, partner=self.partner, network=self.network, valid_to=self.valid_to, reason=reason)

    def stand_again(self, as_it_was: Mapping[str, Any]) -> MembershipStarted:
        """Hold as if it had never given way: ``as_it_was`` is what `ending` said before."""
        for name, value in as_it_was.items():
            setattr(self, name, value)
        return self.started()

    def ending(self) -> dict[str, Any]:
        """What it says of its end, as it is kept while it gives way."""
        return {name: getattr(self, name) for name in ("valid_to", "grace_days", "ended", "reason")}

    def shares_a_day(self, term: Term) -> bool:
        """Whether it and the other term, the grace of both included, have a day in common."""
        return self.valid_from <= (term.holds_to or date.max) and term.valid_from <= (self.term.holds_to or date.max)

    def joining(self) -> Joining:
        """The membership as somebody may join."""
        said = ("partner", "network", "role", "valid_from", "valid_to", "inherits_agreements", "grace_days")
        return Joining(**{name: getattr(self, name) for name in said})

    @property
    def term(self) -> Term:
        """Its days."""
        return Term(self.valid_from, self.valid_to, self.grace_days)

    @property
    def inherits(self) -> bool:
        """Whether anything that the network signs can pass to the member."""
        return self.role in INHERITING and self.inherits_agreements != Inheritance.NO

    def status(self, today: date) -> Status:
        """What it is on this day, as far as is decided now."""
        if self.state != State.APPROVED:
            return Status(self.state)
        if self.term.over_on(today):
            return Status.ENDED if self.ended else Status.LAPSED
        if self.suspended_on is not None:
            return Status.SUSPENDED
        if today < self.valid_from:
            return Status.APPROVED
        return Status.GRACE if self.term.in_grace_on(today) else Status.CURRENT

    def must_allow(self, deed: str, today: date) -> None:
        """Raise `MembershipState`, which says what is possible, unless the deed is."""
        status = self.status(today)
        if deed not in self._possible(status, today):
            raise self._not_now(deed, status, self._possible(status, today))

    def holds(self, now: datetime) -> bool:
        """Whether ``now`` is on a day of the membership or of its grace, and it is not suspended."""
        return self.state == State.APPROVED and self.suspended_on is None and self.term.holds_on(day_of(now))

    def next_turn(self, now: datetime) -> datetime | None:
        """When it will begin to hold, or come to a stage of its end, whichever comes next after ``now``; None when nothing will change."""
        return self.term.next_turn(now) if self.state == State.APPROVED else None

    def step(self) -> Step:
        """The membership as a step of a path."""
        return Step(self.id, self.partner, self.network, self.inherits_agreements == Inheritance.OPT_IN)

    def known_to(self, caller: Caller) -> bool:
        """Whether the caller may know of it: everybody, once the partner was taken in; until then the two and the operator."""
        return self.state == State.APPROVED or caller.is_admin or caller.partner in (self.partner, self.network)

    def called(self, names: Mapping[str, Names]) -> dict[str, Any]:
        """Which membership a fact is about, with the names of the two that a message needs."""
        said = {"membership": self.id, "partner": self.partner, "network": self.network}
        return said | {"partner_names": names[self.partner], "network_names": names[self.network]}

    def reach(self, fact: Event) -> Reach:
        """Everybody may know who belongs to a network; who asked to, what was warned of and what was chosen is between the two."""
        public = isinstance(fact, EVERYBODYS) and self.state == State.APPROVED
        visibility = Visibility.PUBLIC if public else Visibility.PARTIES
        return Reach(visibility, (self.partner, self.network))

    def _possible(self, status: Status, today: date) -> tuple[str, ...]:
        late = self.term.lapses_on is not None and today - self.term.lapses_on > RENEWABLE
        without = {"renew", "suspend"} if self.ended else {"renew"} if late or self.term.lapses_on is None else set()
        return tuple(deed for deed in POSSIBLE.get(status, ()) if deed not in without)

    def _not_now(self, deed: str, status: Status, possible: Sequence[str] | None = None) -> MembershipState:
        allowed = list(POSSIBLE.get(status, ()) if possible is None else possible)
        fix = f"Possible now: {', '.join(allowed)}." if allowed else "Nothing is left to do with it; the partner may apply anew."
        detail = f"The membership is {status}: '{deed}' is not possible."
        return MembershipState(detail, fix=fix, membership_status=str(status), allowed=allowed)
