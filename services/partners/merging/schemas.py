"""What is told of merges and what is answered."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.partners.merging.commands import Wanted
from shared.http import Id, Line, StrictModel

EXAMPLE: dict[str, Any] = {"into": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f", "reason": "C4IR Kyiv is the former name of GGTC Kyiv."}
ANSWER: dict[str, Any] = EXAMPLE | {
    "id": "01939f6e-b2c3-7c3e-9b52-3f7a1c2d4e5f",
    "partner": "01939f6e-7a2b-7c3e-9b52-3f7a1c2d4e5f",
    "at": "2025-03-04T15:00:00+00:00",
    "by": "01939f6e-c3d4-7c3e-9b52-3f7a1c2d4e5f",
    "undo_until": "2025-04-03T15:00:00+00:00",
    "undone_at": None,
    "undone_because": None,
    "moved": {
        "agreements": 2,
        "memberships": 1,
        "mandates": 0,
        "contacts": 3,
        "clients": 1,
        "aliases": 2,
        "identifiers": 1,
        "guests": 0,
        "hostings": 0,
    },
    "left": {
        "agreements": [],
        "mandates": [],
        "memberships": [
            {"membership": "01939f6e-d4e5-7c3e-9b52-3f7a1c2d4e5f", "instead": "01939f6e-e5f6-7c3e-9b52-3f7a1c2d4e5f"},
        ],
    },
}


class NewMerge(StrictModel):
    """Into which partner this one shall be merged, and why."""

    into: Id
    reason: Line

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    def wanted(self) -> Wanted:
        """The body in the words of the room."""
        return Wanted(self.into, self.reason)


class Undoing(StrictModel):
    """Why a merge was wrong."""

    reason: Line

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "They are two centres after all."}})


class Moved(BaseModel):
    """How many things passed to the survivor: `aliases` are names it is known by since, `guests` partners that it hosts
    since, `hostings` the stays with it, past and to come ones too.
    """

    agreements: int
    memberships: int
    mandates: int
    contacts: int
    clients: int
    aliases: int
    identifiers: int
    guests: int
    hostings: int

    model_config = ConfigDict(json_schema_extra={"example": ANSWER["moved"]})


class GaveWay(BaseModel):
    """A membership that stayed on the old record, and the survivor's own in the same network that stands instead."""

    membership: str
    instead: str

    model_config = ConfigDict(json_schema_extra={"example": ANSWER["left"]["memberships"][0]})


class LeftOut(BaseModel):
    """What stayed on the old record: agreements long over between the two, mandates and memberships of which the survivor has the like."""

    agreements: list[str]
    mandates: list[str]
    memberships: list[GaveWay]

    model_config = ConfigDict(json_schema_extra={"example": ANSWER["left"]})


class MergeOut(BaseModel):
    """A merge, standing or undone."""

    id: str
    partner: str
    into: str
    at: datetime
    by: str | None = Field(description="The client that merged them; null unless you are the platform's operator.")
    reason: str
    undo_until: datetime = Field(description="Until when it can be undone.")
    undone_at: datetime | None
    undone_because: str | None
    moved: Moved | None = Field(description="Null unless you are the survivor or the platform's operator.")
    left: LeftOut | None = Field(description="Null unless you are the survivor or the platform's operator.")

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})
