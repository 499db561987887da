"""What the registry is told and what it answers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints

from services.partners.registry.listing.views import Wanted
from services.partners.registry.models import MOST_ALIASES, MOST_IDENTIFIERS, Kind, Profile, Registration
from services.partners.registry.names.models import fold
from services.partners.registry.standing.models import State
from shared.auth import Caller
from shared.http import After, Country, Day, Flag, Id, Language, Limit, Line, Names, StrictModel, TimeZone, Url, Written, broken

EXAMPLE: dict[str, Any] = {
    "kind": "tech_centre",
    "names": {"es": "Centro para la Cuarta Revolución Industrial", "en": "Centre for the Fourth Industrial Revolution"},
    "acronym": "C4IR",
    "aliases": [{"text": "C4IR Medellín", "lang": "es", "kind": "short"}],
    "identifiers": [{"scheme": "ruta-n", "value": "c4ir"}],
    "country": "CO",
    "subdivision": "CO-ANT",
    "locality": "Medellín",
    "timezone": "America/Bogota",
    "languages": ["es", "en"],
    "website": "https://www.rutanmedellin.org",
    "location": {"lat": 6.267417, "lon": -75.566389},
}
ANSWER: dict[str, Any] = EXAMPLE | {
    "id": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f",
    "state": "active",
    "state_reason": None,
    "verified": True,
    "verified_until": "2027-03-04",
    "sandbox": False,
    "hosted_by": None,
    "merged_into": None,
    "registered_at": "2025-03-04T15:00:00+00:00",
    "changed_at": "2025-03-04T15:00:00+00:00",
    "version": 1,
}

Scheme = Annotated[
    str, Written(r"^[a-z][a-z0-9_.-]{0,39}$", "must be a lower-case name of up to 40 letters, digits, _, . and -, a letter first", "ruta-n")
]
"""Whose key it is: a short lower-case name such as ``wikidata`` or ``ruta-n``."""


InSandbox = Annotated[
    bool | None, Field(description="True: partners for trying out; false: real ones. The caller's own world when left out.")
]
"""Which of the two worlds a list is about."""


def _findable(text: str) -> str:
    if not fold(text):
        raise broken("name", "must have a letter or a digit", "Write the name in letters of any script.")
    return text


def _form_of_key(text: str) -> str:
    scheme, colon, value = text.partition(":")
    if not (scheme and colon and value.strip()):
        raise broken("key", "must be a scheme, a colon and a value", "Send a key like 'wikidata:Q48278'.")
    return text


def _each_once(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(value for place, value in enumerate(values) if value not in values[:place])


Findable = Annotated[Line, AfterValidator(_findable)]
"""A name that can be looked for: with a letter or a digit in it."""


class Alias(StrictModel):
    """Another name the partner is known by."""

    text: Findable
    lang: Language | None = None
    kind: Annotated[
        str, Written(r"^[a-z][a-z_]{0,29}$", "must be a lower-case word of up to 30 letters and _, a letter first", "press")
    ] = Field("other", examples=["short", "former", "press"])

    model_config = ConfigDict(json_schema_extra={"example": {"text": "C4IR de Kiev", "lang": "es", "kind": "press"}})


class Identifier(StrictModel):
    """The partner's key in somebody else's system."""

    scheme: Scheme
    value: Annotated[Line, StringConstraints(max_length=200)]


_Degrees = Annotated[float, Strict(), AfterValidator(lambda degrees: round(degrees, 6) + 0.0)]
"""Six decimals are a hand's breadth; adding nothing makes of −0 a 0."""


class Location(StrictModel):
    """Where on the globe: degrees of WGS 84, rounded to six decimals; both or neither."""

    lat: _Degrees = Field(ge=-90, le=90, description="Degrees north, −90 to 90.")
    lon: _Degrees = Field(ge=-180, le=180, description="Degrees east, −180 to 180.")

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE["location"]})


Aliases = Annotated[tuple[Alias, ...], Field(max_length=MOST_ALIASES), AfterValidator(_each_once)]
Identifiers = Annotated[tuple[Identifier, ...], Field(max_length=MOST_IDENTIFIERS), AfterValidator(_each_once)]
Languages = Annotated[tuple[Language, ...], Field(max_length=20), AfterValidator(_each_once)]
Subdivision = Annotated[
    str,
    Written(
        r"^[A-Z]{2}-[A-Z0-9]{1,3}$", "must be a code of ISO 3166-2: the country's, a hyphen, and up to three capitals or digits", "CO-ANT"
    ),
    Field(description="ISO 3166-2."),
]


class NewPartner(StrictModel):
    """A partner to put on record."""

    kind: Kind
    names: Names
    acronym: Findable | None = None
    aliases: Aliases = ()
    identifiers: Identifiers = ()
    country: Country
    subdivision: Subdivision | None = None
    locality: Line | None = None
    timezone: TimeZone
    languages: Languages = ()
    website: Url | None = None
    hosted_by: Id | None = None
    location: Location | None = None
    state: Literal["active", "draft"] = Field(
        "active", description="`draft`: only its own clients and the operator know of it until it is handed in. Only heeded when it is new."
    )
    force: Flag = Field(False, description="Register although a partner of that name, or one near it, exists in the country.")
    sandbox: Flag = Field(False, description="A partner for trying out, which is for ever; its identifiers' schemes begin with `sandbox.`.")

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    def registration(self, key: tuple[str, str] | None = None) -> Registration:
        """The body in the words of the registry; ``key`` is the identifier in the path, if there is one."""
        said = changes_of(self)
        said["identifiers"] = tuple(dict.fromkeys([*([key] if key else []), *said.get("identifiers", ())]))
        return Registration(
            profile=Profile(**said), force=self.force, state=self.state, sandbox=self.sandbox, given=frozenset(said), key=key
        )


class PartnerChanges(StrictModel):
    """The fields of a partner's profile that change; each one given replaces what was there.

    Null empties it, a list too; what every partner has (kind, names, country and time zone) is replaced, never emptied.
    """

    kind: Kind = Kind.OTHER
    names: Names = Field(default_factory=dict)
    acronym: Findable | None = None
    aliases: Aliases | None = None
    identifiers: Identifiers | None = None
    country: Country = ""
    subdivision: Subdivision | None = None
    locality: Line | None = None
    timezone: TimeZone = ""
    languages: Languages | None = None
    website: Url | None = None
    hosted_by: Id | None = None
    location: Location | None = None

    model_config = ConfigDict(json_schema_extra={"example": {"website": "https://www.rutanmedellin.org/c4ir", "languages": ["es", "en"]}})


def changes_of(body: NewPartner | PartnerChanges) -> dict[str, Any]:
    """The fields that were given, in the words of the registry."""
    said = {name: getattr(body, name) for name in body.model_fields_set if name not in ("force", "state", "sandbox")}
    if "kind" in said:
        said["kind"] = str(said["kind"])
    if "aliases" in said:
        said["aliases"] = tuple(alias.model_dump() for alias in body.aliases or ())
    if "identifiers" in said:
        said["identifiers"] = tuple((item.scheme, item.value) for item in body.identifiers or ())
    if "languages" in said:
        said["languages"] = body.languages or ()
    if body.location is not None and "location" in said:
        said["location"] = body.location.model_dump()
    return said


class PartnerFilters(BaseModel):
    """Which partners a list shall hold; every filter given narrows it."""

    kind: Kind | None = Field(None, description="Only partners of this kind.")
    country: Country | None = Field(None, description="Only partners of this country.")
    subdivision: Subdivision | None = Field(None, description="Only partners of this part of a country, by its ISO 3166-2 code.")
    q: Line | None = Field(None, description="Every word occurs in a name, alias or acronym, whatever the script, accents or case.")
    network: Id | None = Field(None, description="Only members of this network.")
    on: Day | None = Field(None, description="The day of that membership; today in UTC when left out.")
    hosted_by: Id | None = Field(None, description="Only partners that this one hosts today.")
    external_id: Annotated[str, StringConstraints(max_length=250), AfterValidator(_form_of_key)] | None = Field(
        None, description="`scheme:value`, as in `ruta-n:c4ir`."
    )
    state: State | None = Field(None, description="Only partners in this state.")
    verified: bool | None = Field(None, description="Only partners that are verified now, or only those that are not.")
    renewal_by: Day | None = Field(None, description="Only verified partners whose verification ends by this day: whom to verify again.")
    sandbox: InSandbox = None
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")

    def wanted(self, caller: Caller, today: date) -> Wanted:
        """The filters in the words of the registry."""
        scheme, _, value = (self.external_id or "").partition(":")
        key = (scheme, value) if self.external_id is not None else None
        sandbox = caller.sandbox if self.sandbox is None else self.sandbox
        same = self.model_dump(exclude={"on", "external_id", "sandbox", "after", "limit"})
        return Wanted(**same, on=self.on or today, external_id=key, caller=caller, sandbox=sandbox)


class PartnerOut(BaseModel):
    """A partner, as everybody may know it."""

    id: str
    kind: str
    state: str = Field(description="`draft`, `pending_verification`, `active`, `suspended`, `archived` or `merged`.")
    state_reason: str | None = Field(description="Why it is suspended or archived.")
    verified: bool = Field(description="Whether somebody made sure that it is who it says, and that still counts.")
    verified_until: date | None
    sandbox: bool
    names: dict[str, str]
    acronym: str | None
    aliases: list[Alias]
    identifiers: list[Identifier]
    country: str
    subdivision: str | None
    locality: str | None
    timezone: str
    languages: list[str]
    website: str | None
    hosted_by: str | None
    location: Location | None
    merged_into: str | None = Field(None, description="The partner that it was all along, when its state is `merged`.")
    registered_at: datetime
    changed_at: datetime
    version: int

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})
