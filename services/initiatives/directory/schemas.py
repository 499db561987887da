"""What the API says of partners and agreements as this service knows them."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.http import Day, Id, StrictModel
from shared.http.paging import LARGEST_PAGE, LONGEST_CURSOR

PARTNER_EXAMPLE: dict[str, JsonValue] = {
    "heard_at": "2025-03-04T15:00:00Z",
    "id": "01939f6e-8f1a-7c3e-9b52-000000000002",
    "kind": "city",
    "names": {"es": "Medellín"},
    "acronym": None,
    "country": "CO",
    "locality": "Medellín",
    "timezone": "America/Bogota",
    "languages": ["es"],
    "website": "https://www.medellin.gov.co",
    "hosted_by": None,
}
AGREEMENT_EXAMPLE: dict[str, JsonValue] = {
    "heard_at": "2025-03-04T15:00:00Z",
    "id": "01939f6e-8f1a-7c3e-9b52-000000000003",
    "code": "MOU-2024-0001",
    "kind": "mou",
    "titles": {"es": "Memorando de Entendimiento", "en": "Memorandum of Understanding"},
    "state": "in_force",
    "parties": [
        {"partner": "01939f6e-8f1a-7c3e-9b52-000000000001", "role": "signatory", "names": {"es": "Asocapitales"}, "acronym": None},
        {"partner": "01939f6e-8f1a-7c3e-9b52-000000000004", "role": "signatory", "names": {"en": "WeGO"}, "acronym": "WeGO"},
    ],
    "lines": [{"line": "knowledge_exchange", "topics": ["smart-cities"]}],
    "revision": 1,
    "signed_on": "2024-07-12",
    "effective_on": "2024-07-12",
    "expires_on": None,
    "visibility": "public",
}


class Shown(BaseModel):
    """A row of a view, told as it is; ``heard_at`` is the time of the newest fact behind it."""

    model_config = ConfigDict(from_attributes=True)

    heard_at: datetime = Field(description="The time of the newest fact behind this, in UTC.")


class PartnerShown(Shown):
    """A partner as it was last described to this service."""

    model_config = ConfigDict(json_schema_extra={"example": PARTNER_EXAMPLE})

    id: str
    kind: str = Field(examples=["city"])
    names: dict[str, str] = Field(examples=[{"es": "Medellín"}])
    acronym: str | None = None
    country: str = Field(examples=["CO"])
    locality: str | None = None
    timezone: str = Field(examples=["America/Bogota"])
    languages: list[str] = Field(examples=[["es"]])
    website: str | None = None
    hosted_by: str | None = None


class PartyShown(BaseModel):
    """A party of an agreement."""

    model_config = ConfigDict(from_attributes=True)

    partner: str
    role: str = Field(examples=["signatory"])
    names: dict[str, str]
    acronym: str | None = None


class LineShown(BaseModel):
    """A line of cooperation of an agreement."""

    line: str = Field(examples=["knowledge_exchange"])
    topics: list[str] = []


class AgreementShown(Shown):
    """A signed agreement as this service knows it; the partners service has the whole of it."""

    model_config = ConfigDict(json_schema_extra={"example": AGREEMENT_EXAMPLE})

    id: str
    code: str = Field(examples=["MOU-2024-0001"])
    kind: str = Field(examples=["mou"])
    titles: dict[str, str]
    state: str = Field(description="`signed`, or `in_force` once its effective day came.", examples=["in_force"])
    parties: list[PartyShown]
    lines: list[LineShown]
    revision: int
    signed_on: date
    effective_on: date
    expires_on: date | None = Field(None, description="The last day it is in force; null when it does not end.")
    visibility: str = Field(examples=["public"])


class Turn(StrictModel):
    """Which part of a list is asked for."""

    limit: int = Field(50, ge=1, le=LARGEST_PAGE, description="How many items at most, 1 to 200.")
    after: str | None = Field(None, max_length=LONGEST_CURSOR, description="Where to go on: the `next` of the page before.")


class AgreementsWanted(Turn):
    """Which agreements are asked for."""

    party: Id | None = Field(None, description="Agreements this partner is a party of.")
    on: Day | None = Field(None, description="Agreements in force on this day.")
