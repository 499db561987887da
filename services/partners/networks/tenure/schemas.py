"""What is told with a change, a renewal and a suspension."""

from pydantic import ConfigDict, Field

from services.partners.networks.models import Inheritance, Role
from services.partners.networks.schemas import Grace, Reason
from services.partners.networks.tenure.models import Change, Renewal
from shared.http import Day, StrictModel


class MembershipChanges(StrictModel):
    """What shall be different about a membership; fields left out stay."""

    role: Role | None = Field(None, description="As what the partner belongs to the network; as before when left out.")
    inherits_agreements: Inheritance | None = Field(
        None, description="Whether what the network signs lets this member take part; as before when left out."
    )

    model_config = ConfigDict(json_schema_extra={"example": {"role": "associate", "inherits_agreements": "opt_in"}})

    def change(self) -> Change:
        """The body in the words of the networks."""
        return Change(self.role and self.role.value, self.inherits_agreements and self.inherits_agreements.value)


class RenewalBody(StrictModel):
    """To which day a membership goes on."""

    valid_to: Day = Field(description="The new last day: later than the old one, and not in the past.")
    grace_days: Grace | None = Field(None, description="So many days of grace after it; as before when left out.")

    model_config = ConfigDict(json_schema_extra={"example": {"valid_to": "2026-12-31"}})

    def renewal(self) -> Renewal:
        """The body in the words of the networks."""
        return Renewal(valid_to=self.valid_to, grace_days=self.grace_days)


class Suspension(StrictModel):
    """Why a membership is suspended."""

    reason: Reason

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "Cuota de 2025 pendiente."}})
