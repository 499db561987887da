"""What is told with a renewal and a suspension."""

from pydantic import ConfigDict, Field

from services.partners.networks.schemas import Grace, Reason
from services.partners.networks.tenure.models import Renewal
from shared.http import Day, StrictModel


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
