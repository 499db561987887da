"""What is sent while terms are discussed."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints

from services.partners.agreements.terms.schemas import ATTACHMENT_EXAMPLE, DIGEST, TERMS_EXAMPLE, TEXTS_EXAMPLE, RevisionBody, TermsHash
from shared.http import Id, StrictModel, Text

_EXAMPLE: Final[dict[str, Any]] = {"terms": TERMS_EXAMPLE, "texts": TEXTS_EXAMPLE, "attachments": [ATTACHMENT_EXAMPLE]}


class NewRevision(RevisionBody):
    """The terms, texts and attachments that shall replace the current ones as a whole; give known commitments their ids."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})


class Approval(StrictModel):
    """Which terms are approved, by their hash."""

    terms_hash: TermsHash
    partner: Id | None = Field(None, description="For whom, if not for the caller's own partner: one that gave it a mandate to approve.")

    model_config = ConfigDict(json_schema_extra={"example": {"terms_hash": DIGEST}})


class Abandonment(StrictModel):
    """Why an agreement is given up."""

    reason: Annotated[Text, StringConstraints(max_length=2000)]

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "El programa no recibió presupuesto para 2026."}})
