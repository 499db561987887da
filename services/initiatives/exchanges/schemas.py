"""What the API is told of exchanges, and what it says."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints
from sqlalchemy import Row

from services.initiatives.directory.entitlements.models import Path, because
from services.initiatives.directory.entitlements.schemas import PATH_EXAMPLE, WORDS_EXAMPLE, PathShown
from services.initiatives.directory.schemas import Turn
from services.initiatives.exchanges.calendar.models import Wall, When
from services.initiatives.exchanges.models import MOST_PARTNERS, Basis, Plan, ics_uid
from shared.events import Visibility
from shared.http import Day, Flag, Id, LangMap, Language, Line, Names, StrictModel, Text, TimeZone, Url, Whole, broken

ASOCAPITALES, MEDELLIN, AGREEMENT = (f"01939f6e-8f1a-7c3e-9b52-00000000000{n}" for n in (1, 2, 3))

NEW_EXCHANGE: dict[str, JsonValue] = {
    "kind": "workshop",
    "titles": {"es": "Taller de datos abiertos", "en": "Open data workshop"},
    "starts_at": "2027-03-04T09:00",
    "ends_at": "2027-03-04T12:30",
    "timezone": "America/Bogota",
    "modality": "hybrid",
    "place": "Ruta N, Medellín",
    "url": "https://example.org/open-data",
    "languages": ["es", "en"],
    "capacity": 60,
    "hosts": [ASOCAPITALES],
    "participants": [MEDELLIN],
    "topics": ["open-data"],
    "agreement": AGREEMENT,
    "line": "knowledge_exchange",
}
MOVE: dict[str, JsonValue] = {"starts_at": "2027-03-11T09:00", "ends_at": "2027-03-11T12:30", "reason": "Coincide con un festivo."}
CANCELLATION: dict[str, JsonValue] = {"reason": "La sede no está disponible."}

ANSWER: dict[str, JsonValue] = {
    **NEW_EXCHANGE,
    "id": "01939f6e-8f1a-7c3e-9b52-000000000006",
    "summary": None,
    "starts_at": "2027-03-04T14:00:00Z",
    "ends_at": "2027-03-04T17:30:00Z",
    "local_starts_at": "2027-03-04T09:00:00-05:00",
    "local_ends_at": "2027-03-04T12:30:00-05:00",
    "hosts": [{"partner": ASOCAPITALES, "names": {"es": "Asocapitales"}}],
    "participants": [{"partner": MEDELLIN, "names": {"es": "Medellín"}}],
    "outside_agreement": False,
    "outside_reason": None,
    "visibility": "public",
    "because": [{"partner": MEDELLIN, "path": PATH_EXAMPLE, "words": WORDS_EXAMPLE}],
    "state": "scheduled",
    "reason": None,
    "ics_uid": "01939f6e-8f1a-7c3e-9b52-000000000006@interurbe.org",
    "ics_sequence": 0,
    "calendar": "/v1/exchanges/01939f6e-8f1a-7c3e-9b52-000000000006/calendar.ics",
    "version": 1,
}

Kind = Literal["workshop", "mission", "study_visit", "training", "webinar", "mentoring", "conference", "forum", "networking"]
Modality = Literal["in_person", "online", "hybrid"]
CooperationLine = Literal["knowledge_exchange", "joint_projects", "advocacy_networking", "partnership_facilitation"]

_WALL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:00(\.0+)?)?")


def _wall_clock(value: Any) -> datetime:
    rule = "must be a time as the clocks on the wall show it: to the minute, without an offset"
    fix = "Send a time like '2027-03-04T09:00' and name the zone in timezone."
    if not isinstance(value, str) or _WALL.fullmatch(value) is None:
        raise broken("wall clock", rule, fix)
    try:
        return datetime.fromisoformat(value)  # naive on purpose: the zone is a member of its own
    except ValueError:
        raise broken("wall clock", "must be a day and time that exist", fix) from None


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


WallClock = Annotated[
    datetime,
    BeforeValidator(_wall_clock, json_schema_input_type=str),
    Field(examples=["2027-03-04T09:00"], description="Local time, to the minute."),
]
Partners = Annotated[tuple[Id, ...], Field(max_length=MOST_PARTNERS)]
Languages = Annotated[tuple[Language, ...], Field(max_length=20), AfterValidator(_each_once)]
Topics = Annotated[tuple[Annotated[Line, StringConstraints(max_length=80)], ...], Field(max_length=20), AfterValidator(_each_once)]


class Times(StrictModel):
    """When, as clocks on the wall show it. A time they show twice (clocks put back) means the first; one they skip is refused."""

    starts_at: WallClock
    ends_at: WallClock
    timezone: TimeZone | None = None

    def wall(self) -> Wall:
        """The same in the words of the domain."""
        return Wall(self.starts_at, self.ends_at, self.timezone)


class NewExchange(Times):
    """An exchange to be scheduled, under a line of a signed agreement or explicitly outside any."""

    model_config = ConfigDict(json_schema_extra={"example": NEW_EXCHANGE})

    kind: Kind
    titles: Names
    summary: LangMap | None = None
    timezone: TimeZone  # here it is required: there is no zone yet to stay with
    modality: Modality
    place: Line | None = None
    url: Url | None = None
    languages: Languages = ()
    capacity: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = None
    hosts: Annotated[Partners, Field(min_length=1)]
    participants: Partners = ()
    topics: Topics = ()
    agreement: Id | None = Field(None, description="The signed agreement it is under.")
    line: CooperationLine | None = Field(None, description="The line of that agreement.")
    outside_agreement: Flag = Field(False, description="True for an exchange that stands under no agreement; then say why.")
    outside_reason: Text | None = Field(None, description="Why it stands under no agreement.")
    visibility: Literal["public", "network", "parties"] | None = Field(
        None, description="Who may know of an exchange outside any agreement (`parties`: its partners, as when left out)."
    )

    def plan(self) -> Plan:
        """The plan in the words of the domain; raises ImpossibleTime."""
        visibility = None if self.visibility is None else Visibility(self.visibility)
        return Plan(
            kind=self.kind,
            titles=self.titles,
            summary=self.summary,
            modality=self.modality,
            place=self.place,
            url=self.url,
            languages=self.languages,
            capacity=self.capacity,
            hosts=self.hosts,
            participants=self.participants,
            topics=self.topics,
            when=When.on_the_wall(self.wall(), self.timezone),
            basis=Basis(self.agreement, self.line, self.outside_agreement, self.outside_reason, visibility),
        )


class Move(Times):
    """New times for an exchange; its time zone stays unless another is sent."""

    model_config = ConfigDict(json_schema_extra={"example": MOVE})

    reason: Text


class Cancellation(StrictModel):
    """Why an exchange is called off."""

    model_config = ConfigDict(json_schema_extra={"example": CANCELLATION})

    reason: Text


class ExchangesWanted(Turn):
    """Which exchanges are asked for."""

    since: Day | None = Field(None, alias="from", description="Exchanges that end on or after this day (UTC).")
    until: Day | None = Field(None, alias="to", description="Exchanges that begin on or before this day (UTC).")
    partner: Id | None = Field(None, description="Exchanges this partner hosts or takes part in.")
    agreement: Id | None = Field(None, description="Exchanges under this agreement.")
    state: Literal["scheduled", "cancelled"] | None = None


class Guest(BaseModel):
    """A partner that takes part."""

    partner: str
    names: dict[str, str]


class Because(BaseModel):
    """Why a partner may take part: the path that held when the exchange was scheduled or last moved, and the same in words."""

    partner: str
    path: PathShown
    words: dict[str, str]


class ExchangeShown(BaseModel):
    """An exchange: instants in UTC, the same on the clocks of its zone, and for each partner why it may take part."""

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})

    id: str
    kind: str
    titles: dict[str, str]
    summary: dict[str, str] | None = None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    local_starts_at: datetime = Field(description="The start by the clocks of the zone.")
    local_ends_at: datetime = Field(description="The end by the clocks of the zone.")
    modality: str
    place: str | None = None
    url: str | None = None
    languages: list[str]
    capacity: int | None = None
    hosts: list[Guest]
    participants: list[Guest]
    topics: list[str]
    agreement: str | None = None
    line: str | None = None
    outside_agreement: bool
    outside_reason: str | None = None
    visibility: str
    because: list[Because] = Field(description="Empty for an exchange outside any agreement.")
    state: str
    reason: str | None = Field(None, description="Why it was last moved or cancelled.")
    ics_uid: str
    ics_sequence: int = Field(description="Rises when start, end, place, link or status change (RFC 5545 SEQUENCE).")
    calendar: str = Field(description="Where its calendar file is.")
    version: int

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """A row of the exchange view as the API tells it."""
        told = {name: value for name, value in row._mapping.items() if name in cls.model_fields}  # noqa: SLF001 - the public way to a row's names
        names: Mapping[str, Mapping[str, str]] = row.names or {}
        now: Mapping[str, str] = row.survivors or {}
        hosts = _guests(row.hosts, names, now)
        starts, ends = When(row.starts_at, row.ends_at, row.timezone).local
        made = {
            "local_starts_at": starts,
            "local_ends_at": ends,
            "hosts": list(hosts.values()),
            "participants": [guest for partner, guest in _guests(row.participants, names, now).items() if partner not in hosts],
            "outside_agreement": row.agreement is None,
            "because": list({why.partner: why for why in (_because(Path.kept(kept), row, names) for kept in row.paths)}.values()),
            "ics_uid": ics_uid(row.id),
            "calendar": f"/v1/exchanges/{row.id}/calendar.ics",
        }
        return cls.model_validate(told | made)


def _guests(partners: Iterable[str], names: Mapping[str, Mapping[str, str]], now: Mapping[str, str]) -> dict[str, Guest]:
    """Everybody once, as who they are now."""
    return {now.get(each, each): Guest(partner=now.get(each, each), names=dict(names.get(each, {}))) for each in partners}


def _because(path: Path, row: Row[Any], names: Mapping[str, Mapping[str, str]]) -> Because:
    shown = path.now(row.survivors or {})
    return Because(partner=shown.partner, path=PathShown.of(shown), words=because(path, row.line, row.agreement_titles or {}, names))
