"""What is told with an application, and with the answer to it."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from services.partners.networks.applications.models import Approval
from services.partners.networks.models import Inheritance, Joining, Role
from services.partners.networks.schemas import Grace, Reason
from shared.http import Day, StrictModel, Text

Message = Annotated[Text, StringConstraints(max_length=5000)]


class NewApplication(StrictModel):
    """As what a partner asks to be taken in, and what it says to the network."""

    role: Role = Role.MEMBER
    inherits_agreements: Inheritance = Field(Inheritance.AUTO, description="Whether what the network signs lets it take part.")
    valid_from: Day | None = Field(None, description="The first day that is wished for; today when left out.")
    message: Message | None = Field(None, description="For the network alone; no fact tells it.")

    model_config = ConfigDict(
        json_schema_extra={"example": {"role": "member", "inherits_agreements": "auto", "message": "Solicitamos el ingreso a la red."}}
    )

    def joining(self, partner: str, network: str, today: Day) -> Joining:
        """The body in the words of the networks."""
        first, inherits = self.valid_from or today, self.inherits_agreements
        return Joining(partner=partner, network=network, role=self.role, valid_from=first, inherits_agreements=inherits)


class ApprovalBody(StrictModel):
    """From when to when the partner is taken in; as what, if not as it asked to be."""

    valid_from: Day = Field(description="The first day.")
    valid_to: Day | None = Field(None, description="The last day; null when it is open.")
    role: Role | None = Field(None, description="As what; as applied for when left out.")
    grace_days: Grace = 0

    model_config = ConfigDict(json_schema_extra={"example": {"valid_from": "2025-01-01", "valid_to": "2025-12-31", "grace_days": 30}})

    def approval(self) -> Approval:
        """The body in the words of the networks."""
        return Approval(**self.model_dump())


class Rejection(StrictModel):
    """Why the partner is not taken in."""

    reason: Reason

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "La red solo admite capitales."}})
