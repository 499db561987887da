"""What the networks are told and what they answer."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.partners.networks.commands import Ending
from services.partners.networks.days import LONGEST_GRACE, Status
from services.partners.networks.models import Inheritance, Joining, Role
from shared.http import After, Day, Id, Limit, StrictModel, Text

MEMBER = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"
NETWORK = "01939f6e-8f1b-7d10-8a41-5b6c7d8e9f01"
Reason = Annotated[Text, StringConstraints(max_length=2000)]
Grace = Annotated[int, Field(strict=True, ge=0, le=LONGEST_GRACE, description="So many days it holds beyond its last, to be renewed in.")]
EXAMPLE: dict[str, Any] = {"partner": MEMBER, "role": "member", "valid_from": "2013-03-01", "valid_to": None, "inherits_agreements": "auto"}
ANSWER: dict[str, Any] = EXAMPLE | {
    "id": "01939f6e-9a2c-7e21-b1d3-6c7d8e9f0a12",
    "network": NETWORK,
    "status": "current",
    "grace_days": 30,
    "lapses_on": None,
    "applied_on": None,
    "suspended_on": None,
    "message": None,
    "reason": None,
    "recorded_at": "2025-03-04T15:00:00+00:00",
    "version": 1,
}


class NewMember(StrictModel):
    """Who joins, as what, and from which day on."""

    partner: Id
    role: Role = Role.MEMBER
    valid_from: Day = Field(description="The first day.")
    valid_to: Day | None = Field(None, description="The last day; null when it is open.")
    inherits_agreements: Inheritance = Field(Inheritance.AUTO, description="Whether what the network signs lets this member take part.")
    grace_days: Grace = 0

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    def joining(self, network: str) -> Joining:
        """The body in the words of the networks."""
        return Joining(network=network, **self.model_dump())


class EndOfMembership(StrictModel):
    """The last day of a membership, and why it ends."""

    valid_to: Day = Field(description="The last day on which the membership holds.")
    reason: Reason | None = None

    model_config = ConfigDict(json_schema_extra={"example": {"valid_to": "2025-12-31", "reason": "Retiro voluntario."}})

    def ending(self) -> Ending:
        """The body in the words of the networks."""
        return Ending(self.valid_to, self.reason)


class MembershipFilters(BaseModel):
    """Which memberships a list shall hold."""

    on: Day | None = Field(None, description="Only memberships that hold on this day; all that ever were when left out.")
    status: Status | None = Field(None, description="Only memberships that are this today.")
    role: Role | None = Field(None, description="Only memberships of partners that are this in the network.")
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class MembershipOut(BaseModel):
    """A partner's membership of a network."""

    id: str
    partner: str
    network: str
    role: str
    status: str = Field(description="What it is today, by what was decided and by its days.")
    valid_from: date
    valid_to: date | None
    grace_days: int
    lapses_on: date | None = Field(description="The first day on which it no longer holds, grace included; null when it is open.")
    inherits_agreements: str
    applied_on: date | None
    suspended_on: date | None
    message: str | None = Field(description="What was written with the application; for the two and the operator alone.")
    reason: str | None = Field(description="Why it ended; for the two and the operator also why it was rejected or suspended.")
    recorded_at: datetime
    version: int

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})
