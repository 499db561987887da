"""A revision as an answer shows it."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from services.partners.agreements.record.schemas import AGREEMENT, ANSWER
from services.partners.agreements.terms.schemas import TEXTS_EXAMPLE, AttachmentBody, TermsOut, WordingBody

_SHARED: Final = ("number", "prev_hash", "terms_hash", "hash_alg", "terms", "attachments", "proposed_by", "proposed_at")
_EXAMPLE: Final[dict[str, Any]] = {
    "agreement": AGREEMENT,
    **{name: ANSWER["current_revision"][name] for name in _SHARED},
    "texts": TEXTS_EXAMPLE,
}


class RevisionOut(BaseModel):
    """One version of what is agreed, with its full texts."""

    agreement: str
    number: int
    prev_hash: str | None
    terms_hash: str
    hash_alg: str
    terms: TermsOut
    texts: dict[str, WordingBody]
    attachments: list[AttachmentBody]
    proposed_by: str
    proposed_at: datetime

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})
