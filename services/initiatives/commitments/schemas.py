"""What the API says of commitments."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.initiatives.directory.schemas import Turn
from shared.http import Id

EXAMPLE: dict[str, JsonValue] = {
    "id": "5b0c1d2e-8f1a-5c3e-9b52-000000000005",
    "agreement": "01939f6e-8f1a-7c3e-9b52-000000000003",
    "commitment": "01939f6e-8f1a-7c3e-9b52-0000000000c1",
    "line": "knowledge_exchange",
    "giver": "01939f6e-8f1a-7c3e-9b52-000000000001",
    "receiver": "01939f6e-8f1a-7c3e-9b52-000000000004",
    "statement": {"es": "Un taller al año para las ciudades capitales."},
    "quantity": 1.0,
    "unit": "workshop",
    "due": "2027-07-12",
    "state": "planned",
    "planned_at": "2025-03-04T15:00:00Z",
    "version": 1,
}


class CommitmentShown(BaseModel):
    """A promise of a signed agreement, and how far it got."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": EXAMPLE})

    id: str
    agreement: str
    commitment: str = Field(description="Its id within the agreement's terms.")
    line: str
    giver: str
    receiver: str
    statement: dict[str, str]
    quantity: float | None = None
    unit: str | None = None
    due: date | None = None
    state: str
    planned_at: datetime = Field(description="When it began to be followed: the time of the signing fact, UTC.")
    version: int


class CommitmentsWanted(Turn):
    """Which commitments are asked for."""

    agreement: Id | None = Field(None, description="Commitments of this agreement.")
    giver: Id | None = Field(None, description="Commitments this partner gives.")
    receiver: Id | None = Field(None, description="Commitments this partner receives.")
    state: Literal["planned"] | None = None
