"""What is told of contacts and what is answered."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.partners.agreements.terms.schemas import LineOfCooperation
from services.partners.contacts.models import ContactRole, Person
from shared.http import After, Day, Email, Id, Language, Limit, Line, StrictModel, Written

EXAMPLE: dict[str, Any] = {
    "name": "Ana Restrepo",
    "position": "Directora de alianzas",
    "email": "alianzas@example.org",
    "phone": "+57 604 123 4567",
    "roles": ["signatory", "focal_point"],
    "lines": ["knowledge_exchange"],
    "language": "es",
    "valid_from": "2025-03-01",
    "valid_to": None,
}
ANSWER: dict[str, Any] = EXAMPLE | {
    "id": "01939f6e-a1b2-7c3e-9b52-3f7a1c2d4e5f",
    "partner": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f",
    "recorded_at": "2025-03-04T15:00:00+00:00",
    "changed_at": "2025-03-04T15:00:00+00:00",
    "erased_at": None,
    "version": 1,
}


def _once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    return said | {name: tuple(map(str, said[name] or ())) for name in ("roles", "lines") if name in said}


Roles = Annotated[tuple[ContactRole, ...], Field(min_length=1, max_length=4), AfterValidator(_once)]
Lines = Annotated[
    tuple[LineOfCooperation, ...], Field(max_length=4, description="For which lines of cooperation; empty: all."), AfterValidator(_once)
]
Phone = Annotated[
    str,
    Written(
        r"^\+[0-9][0-9 ().-]{5,28}[0-9]$",
        "must be a number with the country's code: + and 7 to 30 digits, blanks and ( ) . -",
        "+57 604 123 4567",
    ),
    Field(description="With the country's code."),
]


class NewContact(StrictModel):
    """A person whom a partner names."""

    name: Line
    position: Line | None = None
    email: Email | None = None
    phone: Phone | None = None
    roles: Roles
    lines: Lines = ()
    language: Language = Field(description="In which language to write to the person.")
    valid_from: Day = Field(description="The first day.")
    valid_to: Day | None = Field(None, description="The last day; null when it is open.")

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    def person(self) -> Person:
        """The body in the words of the room."""
        return Person(**_plain(self.model_dump()))


class ContactChanges(StrictModel):
    """The fields of a contact that change; each one given replaces what was there.

    Null empties it, no lines being all of them; name, roles, language and first day are replaced, never emptied.
    """

    name: Line = ""
    position: Line | None = None
    email: Email | None = None
    phone: Phone | None = None
    roles: Roles = ()
    lines: Lines | None = None
    language: Language = ""
    valid_from: Day = date.min
    valid_to: Day | None = None

    model_config = ConfigDict(json_schema_extra={"example": {"valid_to": "2026-12-31"}})

    def changes(self) -> dict[str, Any]:
        """The fields that were given."""
        return _plain({name: getattr(self, name) for name in self.model_fields_set})


class ContactFilters(BaseModel):
    """Which contacts a list shall hold."""

    role: ContactRole | None = Field(None, description="Only contacts named for this.")
    line: LineOfCooperation | None = Field(None, description="Only contacts for this line of cooperation, those for all lines included.")
    on: Day | None = Field(None, description="Only contacts that are valid on this day; all that ever were when left out.")
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class ContactOut(BaseModel):
    """A partner's contact; of an erased one name, position, email and phone are null."""

    id: Id
    partner: Id
    name: str | None
    position: str | None
    email: str | None
    phone: str | None
    roles: list[str]
    lines: list[str]
    language: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    changed_at: datetime
    erased_at: datetime | None
    version: int

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})
