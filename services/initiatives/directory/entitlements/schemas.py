"""What the API says of entitlements."""

from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import Row

from services.initiatives.directory.entitlements.models import Path, because
from services.initiatives.directory.schemas import Turn
from shared.http import Day

PATH_EXAMPLE: dict[str, JsonValue] = {
    "via": "membership",
    "party": "01939f6e-8f1a-7c3e-9b52-000000000001",
    "membership": "01939f6e-8f1a-7c3e-9b52-0000000000a1",
    "role": "member",
    "until": None,
    "networks": ["01939f6e-8f1a-7c3e-9b52-000000000001"],
}
WORDS_EXAMPLE: JsonValue = {
    "es": "Medellín puede participar porque es miembro de Asocapitales, que es parte de «Memorando de Entendimiento», línea a "
    "(intercambio de conocimientos).",
    "en": "Medellín may take part because it is a member of Asocapitales, which is party to “Memorandum of Understanding”, line a "
    "(knowledge exchange).",
}
EXAMPLE: dict[str, JsonValue] = {
    "partner": "01939f6e-8f1a-7c3e-9b52-000000000002",
    "agreement": "01939f6e-8f1a-7c3e-9b52-000000000003",
    "code": "MOU-2024-0001",
    "titles": {"es": "Memorando de Entendimiento", "en": "Memorandum of Understanding"},
    "line": "knowledge_exchange",
    "path": PATH_EXAMPLE,
    "because": WORDS_EXAMPLE,
}


class PathShown(BaseModel):
    """How a partner comes to an agreement."""

    via: str = Field(description="`party`: bound itself; `membership`: a member of a network that is.", examples=["membership"])
    party: str = Field(description="The party: the partner itself, or the network.")
    membership: str | None = Field(None, description="The partner's own membership by which the agreement reaches it.")
    role: str | None = Field(None, description="The partner's role in its network.", examples=["member"])
    until: date | None = Field(None, description="The last day on which the agreement and all memberships on the way hold; null: no end.")
    networks: list[str] = Field([], description="From the partner's own network up to the party.")

    @classmethod
    def of(cls, path: Path) -> Self:
        """The path as the API tells it."""
        way = {"via": path.via, "networks": list(path.networks)}
        return cls.model_validate(way | {name: getattr(path, name) for name in ("party", "membership", "role", "until")})


class EntitlementShown(BaseModel):
    """A line of an agreement that a partner may use, and why."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    partner: str
    agreement: str
    code: str
    titles: dict[str, str]
    line: str
    path: PathShown
    because: dict[str, str] = Field(description="The path in words, by language.")

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """A row of the entitlements view as the API tells it."""
        path = Path(row.partner, row.party, row.membership, row.role, row.until, tuple(row.networks))
        names = {party["partner"]: party["names"] for party in row.parties} | (row.names or {})
        words = because(path, row.line, row.titles, names)
        shown = PathShown.of(path.now(row.survivors or {}))
        return cls(partner=row.partner, agreement=row.agreement, code=row.code, titles=row.titles, line=row.line, path=shown, because=words)


class EntitlementsWanted(Turn):
    """Which entitlements are asked for."""

    on: Day | None = Field(None, description="The day of taking part; today when left out.")
