"""An agreement as an answer shows it, and which agreements a list is about."""

from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from services.partners.agreements.canonical.models import HASH_ALG
from services.partners.agreements.record.models import Consent, Role, State
from services.partners.agreements.terms.schemas import (
    ATTACHMENT_EXAMPLE,
    DIGEST,
    KYIV,
    LINE_EXAMPLE,
    MEDELLIN,
    TERMS_EXAMPLE,
    AttachmentBody,
    LineOfCooperation,
    TermsOut,
)
from services.partners.agreements.views import Sought
from services.partners.models import AgreementKind as Kind
from shared.events import Visibility
from shared.http import After, Id, Limit

AGREEMENT: Final = "01939f6e-a05d-7b0e-8c11-7d8e9f0a1b2c"
COMMITMENT: Final = "01939f6e-a05e-7c44-9f02-1a2b3c4d5e6f"
TITLES: Final = {"es": "Alianza GovTech de Medellín y Kiev", "en": "GovTech alliance of Medellín and Kyiv"}
_PARTY: Final = {"role": "signatory", "required": True}
_TERMS: Final = TERMS_EXAMPLE | {"lines": [LINE_EXAMPLE | {"commitments": [{"id": COMMITMENT, **LINE_EXAMPLE["commitments"][0]}]}]}
ANSWER: Final[dict[str, Any]] = {
    "id": AGREEMENT,
    "code": "ALLIANCE-2025-0A1B2C",
    "kind": "alliance",
    "titles": TITLES,
    "state": "negotiating",
    "visibility": "public",
    "timezone": "America/Bogota",
    "drafted_by": MEDELLIN,
    "parties": [
        _PARTY | {"partner": MEDELLIN, "consent": "approved", "names": {"es": "C4IR Medellín"}, "consent_hash": DIGEST},
        _PARTY | {"partner": KYIV, "consent": "invited", "names": {"en": "GGTC Kyiv"}, "acronym": "GGTC"},
    ],
    "current_revision": {
        "number": 1,
        "prev_hash": None,
        "terms_hash": DIGEST,
        "hash_alg": HASH_ALG,
        "terms": _TERMS,
        "texts": {"es": "authentic", "en": "authentic", "uk": "missing"},
        "attachments": [ATTACHMENT_EXAMPLE],
        "blockers": [],
        "proposed_by": MEDELLIN,
        "proposed_at": "2025-03-04T15:00:00+00:00",
    },
    "signature_deadline": None,
    "signed_on": None,
    "effective_on": None,
    "expires_on": None,
    "historic": False,
    "evidence": [],
    "abandoned_because": None,
    "created_at": "2025-03-04T15:00:00+00:00",
    "changed_at": "2025-03-06T09:30:00+00:00",
    "version": 3,
}


class PartyOut(BaseModel):
    """A party and how far it has bound itself; names as they were when the agreement last changed."""

    partner: str
    role: Role
    required: bool
    consent: Consent
    names: dict[str, str]
    acronym: str | None = None
    consent_hash: str | None = Field(None, description="The hash this party approved or signed last.")
    respond_by: date | None = None
    signed_on: date | None = None
    method: str | None = None
    was: list[str] | None = Field(None, description="The partners merged into this one, by which earlier revisions name it.")


class BlockerOut(BaseModel):
    """What must be settled before anybody can sign."""

    path: str
    reason: str
    fix: str


class CurrentOut(BaseModel):
    """The revision under discussion or in force; its full texts are in `/revisions/{number}`."""

    number: int
    prev_hash: str | None
    terms_hash: str
    hash_alg: str
    terms: TermsOut
    texts: dict[str, str] = Field(description="The status of the full text in each language.")
    attachments: list[AttachmentBody]
    blockers: list[BlockerOut]
    proposed_by: str
    proposed_at: datetime


class AgreementOut(BaseModel):
    """An agreement as a party, or a reader of what is signed and visible, may know it."""

    id: str
    code: str
    kind: Kind
    titles: dict[str, str]
    state: State
    visibility: Visibility
    timezone: str
    drafted_by: str
    parties: list[PartyOut]
    current_revision: CurrentOut
    signature_deadline: date | None
    signed_on: date | None
    effective_on: date | None
    expires_on: date | None
    historic: bool
    evidence: list[AttachmentBody]
    abandoned_because: str | None
    created_at: datetime
    changed_at: datetime
    version: int

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": ANSWER})


class AgreementFilters(BaseModel):
    """Which agreements a list shall hold; every filter given narrows it."""

    party: Id | None = Field(None, description="Only agreements of this partner.")
    state: State | None = Field(None, description="Only agreements in this state.")
    kind: Kind | None = Field(None, description="Only agreements of this kind.")
    line: LineOfCooperation | None = Field(None, description="Only agreements with this line of cooperation.")
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")

    def sought(self) -> Sought:
        """The filters in the words of the views."""
        return Sought(party=self.party, state=self.state, kind=self.kind, line=self.line)
