"""What keeps a membership going, changes it or holds it up, and what its days bring when nobody renews it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.partners.networks.days import STAGES, Stage, State, Status, day_of
from services.partners.networks.models import Inheritance, Membership
from shared.events import (
    Event,
    MembershipChanged,
    MembershipEnteredGrace,
    MembershipLapsed,
    MembershipLapseWarned,
    MembershipRenewed,
    MembershipResumed,
    MembershipSuspended,
)
from shared.events.partners import Names
from shared.refusals import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The new last day of a membership; ``grace_days`` stay as they were when None."""

    valid_to: date
    grace_days: int | None = None


_LESS: Final = tuple(Inheritance)
"""How what a network signs may pass to a member, from all of it to nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """As what a partner belongs to the network from now on, and how what the network signs passes to it; None is as before."""

    role: str | None = None
    inherits_agreements: str | None = None

    def lets_no_more_pass_to(self, membership: Membership) -> bool:
        """Whether it leaves the role alone, and lets as much pass to the member as before or less: what a member may do itself."""
        wanted = Inheritance(self.inherits_agreements or membership.inherits_agreements)
        return self.role is None and _LESS.index(wanted) >= _LESS.index(Inheritance(membership.inherits_agreements))


def change(membership: Membership, to: Change, names: Mapping[str, Names], now: datetime) -> MembershipChanged | None:
    """It is another from now on; None when it was so already. Raises `MembershipState`."""
    membership.must_allow("change", day_of(now))
    was = {"was_role": membership.role, "was_inherits_agreements": membership.inherits_agreements}
    said = {"role": to.role or membership.role, "inherits_agreements": to.inherits_agreements or membership.inherits_agreements}
    if list(said.values()) == list(was.values()):
        return None
    membership.role, membership.inherits_agreements = said.values()
    return MembershipChanged.model_validate(membership.called(names) | said | was)


def renew(membership: Membership, renewal: Renewal, now: datetime) -> MembershipRenewed:
    """It goes on to a later last day, and what its old one brought or would have brought is over; raises `MembershipState` or Invalid."""
    today = day_of(now)
    membership.must_allow("renew", today)
    before = membership.valid_to
    assert before is not None, "what has no last day is not renewed"
    if renewal.valid_to <= before or renewal.valid_to < today:
        fix = f"Send a day after {before}, from today on."
        raise Invalid(f"The membership runs to {before} already, or would be over again.", field="/valid_to", fix=fix)
    if membership.status(today) == Status.LAPSED:
        # What lapsed while it was suspended is taken in again as a whole.
        membership.suspended_on = membership.reason = None
    membership.valid_to = renewal.valid_to
    membership.grace_days = membership.grace_days if renewal.grace_days is None else renewal.grace_days
    membership.days_are_set(now)
    said = {"membership": membership.id, "valid_to": membership.valid_to, "was_valid_to": before, "lapses_on": membership.term.lapses_on}
    plain = ("partner", "network", "role", "valid_from")
    return MembershipRenewed.model_validate({name: getattr(membership, name) for name in plain} | said)


def suspend(membership: Membership, reason: str, now: datetime) -> MembershipSuspended:
    """It passes nothing on from today until it is resumed; raises `MembershipState`. The reason is told to no one but the two."""
    today = day_of(now)
    membership.must_allow("suspend", today)
    membership.suspended_on, membership.reason = today, reason
    return MembershipSuspended(membership=membership.id, partner=membership.partner, network=membership.network, suspended_on=today)


def resume(membership: Membership, now: datetime) -> MembershipResumed:
    """It holds again, on the days that it has; raises `MembershipState`."""
    membership.must_allow("resume", day_of(now))
    membership.suspended_on = None
    # Why it will end is still to be known when it was ended meanwhile.
    membership.reason = membership.reason if membership.ended else None
    said = {name: getattr(membership, name) for name in ("partner", "network", "valid_from", "valid_to")}
    return MembershipResumed.model_validate({"membership": membership.id, **said, "lapses_on": membership.term.lapses_on})


def news(membership: Membership, now: datetime) -> list[Stage]:
    """The stages that have come since the last one told, in order; what was ended by a deed comes to none.

    Who slept through all of them is not warned of what has happened; and what is suspended does not enter a grace that it cannot use.
    """
    if membership.state != State.APPROVED or membership.ended:
        return []
    days, today = membership.term.stages(), day_of(now)
    later = STAGES[STAGES.index(Stage(membership.told)) + 1 :] if membership.told else STAGES
    come = [stage for stage in later if stage in days and days[stage] <= today]
    if Stage.LAPSED in come:
        come = [stage for stage in come if stage != Stage.WARNED]
    return [stage for stage in come if stage != Stage.GRACE or membership.suspended_on is None]


def tell(membership: Membership, stage: Stage, names: Mapping[str, Names]) -> Event:
    """The fact that the stage has come; it is told once for these days."""
    membership.told = stage
    said = membership.called(names) | {"valid_to": membership.valid_to}
    if stage is Stage.LAPSED:
        return MembershipLapsed.model_validate(said | {"lapsed_on": membership.term.lapses_on})
    said["lapses_on"] = membership.term.lapses_on
    return MembershipLapseWarned.model_validate(said) if stage is Stage.WARNED else MembershipEnteredGrace.model_validate(said)
