"""What is told of verifications and what is answered."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.partners.registry.verifying.models import Method, Proof
from shared.http import After, Day, Limit, StrictModel, Written

EXAMPLE: dict[str, Any] = {
    "method": "document",
    "valid_until": "2027-12-31",
    "evidence_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
ANSWER: dict[str, Any] = EXAMPLE | {
    "id": "01939f6e-b1c2-7c3e-9b52-3f7a1c2d4e5f",
    "partner": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f",
    "verified_by": None,
    "verified_at": "2025-03-04T15:00:00+00:00",
}


Digest = Annotated[
    str, Written(r"^[0-9a-f]{64}$", "must be a SHA-256: 64 digits and letters a to f, in lower case", EXAMPLE["evidence_sha256"])
]


class NewVerification(StrictModel):
    """How somebody made sure that the partner is who it says."""

    method: Method
    valid_until: Day | None = Field(None, description="The last day it counts, where the partner is; two years from now when left out.")
    evidence_sha256: Digest | None = Field(None, description="The SHA-256 of what was seen, in lower-case hexadecimal.")

    model_config = ConfigDict(json_schema_extra={"example": {"method": "network_vouch"}})

    def proof(self) -> Proof:
        """The body in the words of the room."""
        return Proof(str(self.method), self.valid_until, self.evidence_sha256)


class VerificationFilters(BaseModel):
    """Which part of a list."""

    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class VerificationOut(BaseModel):
    """That a partner was verified once."""

    id: str
    partner: str
    method: str
    verified_by: str | None = Field(description="The network that vouched; null for the platform's operator.")
    verified_at: datetime
    valid_until: date
    evidence_sha256: str | None

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})
