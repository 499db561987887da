"""What is told of hostings and what is answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.partners.registry.hosting.commands import Wanted
from shared.http import Day, Id, StrictModel

EXAMPLE: dict[str, Any] = {"host": "01939f6e-8f1b-7d10-8a41-5b6c7d8e9f01", "valid_from": "2019-04-26", "valid_to": None}


class NewHosting(StrictModel):
    """Who hosts the partner in the path, on which days."""

    host: Id | None = Field(description="The partner that hosts; null: nobody, from `valid_from` on.")
    valid_from: Day | None = Field(None, description="The first day, where the partner is; today when left out.")
    valid_to: Day | None = Field(None, description="The last day; null when it is open.")

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    def wanted(self) -> Wanted:
        """The body in the words of the room."""
        return Wanted(self.host, self.valid_from, self.valid_to)


class HostingOut(BaseModel):
    """Some days at one host."""

    host: str
    valid_from: date
    valid_to: date | None

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})


class Hostings(BaseModel):
    """Every host a partner had, has or will have, the newest first."""

    items: list[HostingOut]

    model_config = ConfigDict(json_schema_extra={"example": {"items": [EXAMPLE]}})
