"""An entitlement as an answer shows it, and which part of a list is asked for."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from services.partners.agreements.record.schemas import AGREEMENT
from services.partners.entitlements.views import Portion
from services.partners.networks.schemas import MEMBER, NETWORK
from shared.http import After, Cursor, Language, Limit

MEMBERSHIP: Final = "01939f6e-9a2c-7e21-b1d3-6c7d8e9f0a12"
_STEPS: Final = ["Medellín → miembro de Asocapitales", "Asocapitales → parte en Memorando de entendimiento"]
ANSWER: Final[dict[str, Any]] = {
    "id": "01939f6e-b16e-7d1f-8a02-8e9f0a1b2c3d",
    "partner": MEMBER,
    "name": "Medellín",
    "agreement": AGREEMENT,
    "code": "MOU-2024-0A1B2C",
    "title": "Memorando de entendimiento",
    "party": NETWORK,
    "path": [{"membership": MEMBERSHIP, "partner": MEMBER, "network": NETWORK}],
    "lines": [
        {"line": "knowledge_exchange", "because": [*_STEPS, "línea a"]},
        {"line": "partnership_facilitation", "because": [*_STEPS, "línea d"]},
    ],
    "since": "2025-03-04T15:00:00+00:00",
}
CHOICE: Final[dict[str, Any]] = {
    "agreement": AGREEMENT,
    "code": ANSWER["code"],
    "title": ANSWER["title"],
    "taken": False,
    "chosen_at": "2025-06-02T14:00:00+00:00",
}


class StepOut(BaseModel):
    """A membership on the way from the partner to the party that is bound."""

    membership: str
    partner: str
    network: str


class LineOut(BaseModel):
    """A line of cooperation that the partner may use."""

    line: str
    because: list[str] = Field(description="Why, step by step, in words of the language asked for.")


class EntitlementOut(BaseModel):
    """A partner may use lines of an agreement in force."""

    id: str
    partner: str
    name: str = Field(description="The partner's name in the language asked for, else in English, Spanish or any.")
    agreement: str
    code: str
    title: str
    party: str = Field(description="The party that the agreement binds, by which the partner may take part; the partner itself, perhaps.")
    path: list[StepOut] = Field(description="The memberships from the partner up to that party; empty when the partner is that party.")
    lines: list[LineOut]
    since: datetime = Field(description="Since when it has been so without a break, whichever the path.")

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})


class ChoiceOut(BaseModel):
    """What a member decided about one agreement, with all its lines."""

    agreement: str
    code: str
    title: str
    taken: bool = Field(description="True: it opted in. False: it opted out.")
    chosen_at: datetime = Field(description="Since when that is so; the same choice again leaves it as it is.")

    model_config = ConfigDict(json_schema_extra={"example": CHOICE})


class EntitlementFilters(BaseModel):
    """Which part of the list is asked for, and in which language it explains itself."""

    lang: Language = Field(
        "es",
        description="The language of names and words; else it in another region, English, Spanish, or any.",
    )
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")

    def portion(self) -> Portion:
        """The filters in the words of the views; one more than a page, to see whether there is another."""
        return Portion(self.limit + 1, Cursor.read_id(self.after), self.lang)
