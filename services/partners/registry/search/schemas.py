"""What a search is told and what it answers."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.partners.registry.models import Kind
from services.partners.registry.schemas import ANSWER, InSandbox, PartnerOut
from services.partners.registry.search.models import Query
from services.partners.registry.search.views import Sought
from shared.auth import Caller
from shared.http import Country, Line

HIT: dict[str, Any] = ANSWER | {"score": 0.891, "matched": "C4IR Medellín"}


class SearchFilters(BaseModel):
    """What is looked for, and among which partners."""

    q: Line = Field(description="A name, alias, acronym or external identifier, more or less as it is written, in any script.")
    country: Country | None = Field(None, description="Only partners of this country.")
    kind: Kind | None = Field(None, description="Only partners of this kind.")
    sandbox: InSandbox = None
    limit: Annotated[int, Field(ge=1, le=50, description="How many partners at most, 1 to 50.")] = 20

    model_config = ConfigDict(extra="forbid")

    def sought(self, caller: Caller) -> Sought:
        """The filters in the words of the registry."""
        sandbox = caller.sandbox if self.sandbox is None else self.sandbox
        query = Query.of(self.q)
        return Sought(query=query, country=self.country, kind=self.kind, sandbox=sandbox, limit=self.limit, caller=caller)


class Hit(PartnerOut):
    """A partner, how well it answers the search (1: the very name or identifier) and by which name or identifier."""

    score: float
    matched: str

    model_config = ConfigDict(json_schema_extra={"example": HIT})


class Hits(BaseModel):
    """Who answers, best first."""

    items: list[Hit]

    model_config = ConfigDict(json_schema_extra={"example": {"items": [HIT]}})
