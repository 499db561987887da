"""What is sent to record an agreement of the past."""

from typing import Any, Final, cast

from pydantic import ConfigDict, Field

from services.partners.agreements.drafting.schemas import EXAMPLE, FrameBody
from services.partners.agreements.history.models import Account
from services.partners.agreements.record.models import Role
from services.partners.agreements.terms.models import Attachment
from services.partners.agreements.terms.schemas import ATTACHMENT_EXAMPLE, KYIV, MEDELLIN, AttachmentBody
from shared.http import Day, Flag, Id, StrictModel

_EXAMPLE: Final[dict[str, Any]] = EXAMPLE | {
    "parties": [{"partner": MEDELLIN}, {"partner": KYIV, "signed_on": "2024-07-10"}],
    "signed_on": "2024-07-12",
    "evidence": [ATTACHMENT_EXAMPLE | {"title": "Memorando firmado"}],
}


class PastPartyBody(StrictModel):
    """A partner's place in an agreement of the past."""

    partner: Id
    role: Role = Role.SIGNATORY
    required: Flag | None = None
    signed_on: Day | None = Field(None, description="When this signatory signed; the day of the last signature when left out.")


class PastAgreement(FrameBody):
    """An agreement that was signed before it comes on record here."""

    parties: list[PastPartyBody] = Field(min_length=1, max_length=60)
    signed_on: Day = Field(description="The day of the last signature; not in the future.")
    evidence: list[AttachmentBody] = Field(min_length=1, max_length=20, description="The files that show it, by their digests.")

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    def account(self) -> Account:
        """The body in the words of the agreements."""
        evidence = [cast(Attachment, item.model_dump(mode="json")) for item in self.evidence]
        return Account(self.frame_of(self.parties), self.wanted(), self.signed_on, evidence)
