"""What is told of mandates and what is answered."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.partners.mandates.models import MandateState, Scope
from services.partners.models import AgreementKind
from shared.http import After, Day, Flag, Id, Limit, StrictModel, Text

GIVER, HOLDER = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f", "01939f6e-8f1b-7d10-8a41-5b6c7d8e9f01"
EXAMPLE: dict[str, Any] = {
    "holder": HOLDER,
    "may_approve": True,
    "may_sign": False,
    "kinds": ["alliance"],
    "valid_from": "2025-03-01",
    "valid_to": None,
}
ANSWER: dict[str, Any] = EXAMPLE | {
    "id": "01939f6e-b1c2-7c3e-9b52-3f7a1c2d4e5f",
    "partner": GIVER,
    "state": "active",
    "requested_at": "2025-03-01T15:00:00+00:00",
    "granted_at": "2025-03-01T16:00:00+00:00",
    "ended_at": None,
    "reason": None,
    "version": 2,
}
USE: dict[str, Any] = {
    "id": "01939f6e-c1d2-7c3e-9b52-3f7a1c2d4e5f",
    "mandate": ANSWER["id"],
    "agreement": "01939f6e-9d3f-7a45-8c11-2e4f6a8b0c1d",
    "action": "approve",
    "terms_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "client": "01939f6e-7d3a-7b11-8c22-9d0e1f2a3b4c",
    "at": "2025-03-05T15:00:00+00:00",
}

Kinds = Annotated[
    tuple[AgreementKind, ...],
    Field(max_length=20, description="Under which kinds of agreements; none: all."),
    AfterValidator(lambda values: tuple(dict.fromkeys(values))),
]


class NewMandate(StrictModel):
    """Who shall act for the partner in the path, and how far."""

    holder: Id = Field(description="The partner that shall act.")
    may_approve: Flag = Field(False, description="Whether it may approve terms.")
    may_sign: Flag = Field(False, description="Whether it may sign.")
    kinds: Kinds = ()
    valid_from: Day = Field(description="The first day.")
    valid_to: Day | None = Field(None, description="The last day, in the partner's own time zone; null when it is open.")

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    def scope(self) -> Scope:
        """The body in the words of the room."""
        said = self.model_dump(exclude={"holder"})
        return Scope(**(said | {"kinds": tuple(map(str, self.kinds))}))


class Revocation(StrictModel):
    """Why a mandate ends, or is not given."""

    reason: Annotated[Text, StringConstraints(max_length=2000)]

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "El comité directivo firma de nuevo por sí mismo."}})


class UseFilters(BaseModel):
    """Which part of what was done under a mandate."""

    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class MandateFilters(UseFilters):
    """Which mandates a list shall hold."""

    state: MandateState | None = Field(None, description="Only mandates in this state.")


class MandateOut(BaseModel):
    """A mandate, for its two partners."""

    id: str
    partner: str
    holder: str
    state: str
    may_approve: bool
    may_sign: bool
    kinds: list[str]
    valid_from: date
    valid_to: date | None
    requested_at: datetime
    granted_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    version: int

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})


class MandateUseOut(BaseModel):
    """What a holder did under a mandate."""

    id: str
    mandate: str
    agreement: str
    action: str
    terms_hash: str
    client: str
    at: datetime

    model_config = ConfigDict(json_schema_extra={"example": USE})
