"""What is sent to have an agreement signed."""

from typing import Any, Final

from pydantic import ConfigDict, Field

from services.partners.agreements.signing.commands import Signature
from services.partners.agreements.signing.models import Method
from services.partners.agreements.terms.schemas import DIGEST, TermsHash
from shared.http import Day, Id, StrictModel

_EXAMPLE: Final[dict[str, Any]] = {"terms_hash": DIGEST, "method": "click"}


class SignatureRequest(StrictModel):
    """The request for signatures."""

    deadline: Day | None = Field(None, description="The day the signatories are asked to keep to; signing later is still possible.")

    model_config = ConfigDict(json_schema_extra={"example": {"deadline": "2099-12-31"}})


class SignatureBody(StrictModel):
    """What is signed, by its hash, and how the signature was given in the party's own system."""

    terms_hash: TermsHash
    method: Method = Method.CLICK
    partner: Id | None = Field(None, description="For whom, if not for the caller's own partner: one that gave it a mandate to sign.")

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    def signature(self) -> Signature:
        """The body in the words of the agreements."""
        return Signature(self.terms_hash, self.method)
