"""What an application is, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from services.partners.networks.days import State, day_of
from services.partners.networks.models import Joining, Membership
from shared.db import new_id
from shared.events import (
    Event,
    MembershipApplicationWithdrawn,
    MembershipApplied,
    MembershipApproved,
    MembershipRejected,
)
from shared.events.partners import Names
from shared.refusals import Conflict


class ApplicationOpen(Conflict):
    """The partner has applied to the network already, in ``membership``, and waits for its answer. Withdraw that one first."""

    code = "application-open"
    title = "The partner has applied already."


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """From when to when the network takes the partner in, with how much grace; as what, if not as it asked to be."""

    valid_from: date
    valid_to: date | None = None
    role: str | None = None
    grace_days: int = 0


def apply(joining: Joining, message: str | None, names: Mapping[str, Names], now: datetime) -> tuple[Membership, MembershipApplied]:
    """The partner asks to be taken in; it holds nothing yet. Raises Invalid for days or partners that cannot be."""
    joining.must_be_possible()
    said = joining.said()
    application = Membership(
        id=new_id(), recorded_at=now, applied_on=day_of(now), state=State.APPLIED, ended=False, grace_days=0, message=message, **said
    )
    told = {"role": said["role"], "valid_from": joining.valid_from, "inherits_agreements": said["inherits_agreements"]}
    return application, MembershipApplied.model_validate(application.called(names) | told)


def approve(application: Membership, approval: Approval, names: Mapping[str, Names], now: datetime) -> tuple[Event, ...]:
    """The network takes the partner in: that it approved, and that the membership begins. Raises `MembershipState` or Invalid.

    Only an application is approved: who is taken in without having asked waits for no answer, and is told that it began.
    """
    application.must_allow("approve", day_of(now))
    application.role = str(approval.role or application.role)
    application.valid_from, application.valid_to, application.grace_days = approval.valid_from, approval.valid_to, approval.grace_days
    application.joining().must_be_possible()
    application.state = State.APPROVED
    application.days_are_set(now)
    said = {"role": application.role, "valid_from": application.valid_from, "valid_to": application.valid_to}
    return MembershipApproved.model_validate(application.called(names) | said), application.started()


def reject(application: Membership, reason: str, names: Mapping[str, Names], now: datetime) -> MembershipRejected:
    """The network does not take the partner in; raises `MembershipState`."""
    application.must_allow("reject", day_of(now))
    application.state, application.reason = State.REJECTED, reason
    return MembershipRejected.model_validate(application.called(names) | {"reason": reason})


def withdraw(application: Membership, now: datetime) -> MembershipApplicationWithdrawn:
    """The partner no longer asks; raises `MembershipState`."""
    application.must_allow("withdraw", day_of(now))
    application.state = State.WITHDRAWN
    return MembershipApplicationWithdrawn(membership=application.id, partner=application.partner, network=application.network)
