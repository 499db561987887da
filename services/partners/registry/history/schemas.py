"""What the history answers."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.http import After, Limit

CHANGE: dict[str, Any] = {
    "version": 2,
    "at": "2025-03-04T15:00:00+00:00",
    "by_partner": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f",
    "client": None,
    "changes": {"website": {"old": None, "new": "https://www.rutanmedellin.org/c4ir"}, "languages": {"old": ["es"], "new": ["es", "en"]}},
}


class HistoryFilters(BaseModel):
    """Which page of a history."""

    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class FieldChange(BaseModel):
    """What a field said before and what it says since; null is nothing."""

    old: Any
    new: Any

    model_config = ConfigDict(json_schema_extra={"example": {"old": None, "new": "Medellín"}})


class ChangeOut(BaseModel):
    """A change of a partner, its registration included."""

    version: int = Field(description="The version that the change made.")
    at: datetime
    by_partner: str | None = Field(description="The partner whose client made the change; null for the platform's operator.")
    client: str | None = Field(description="The client that made it; null unless you are that partner or the platform's operator.")
    changes: dict[str, FieldChange]

    model_config = ConfigDict(json_schema_extra={"example": CHANGE})
