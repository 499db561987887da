"""What the initiatives service publishes: what partners do together."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime

from shared.events.event import Event, Value
from shared.events.partners import Names


class HostRef(Value):
    """A partner that hosts an exchange, with the names a message needs."""

    partner: str
    names: Names


class ExchangeRef(Value):
    """What a message says of an exchange, and what a calendar needs (RFC 5545: ``ics_sequence`` is SEQUENCE)."""

    kind: str
    titles: Names
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    timezone: str
    modality: str
    place: str | None = None
    url: str | None = None
    languages: tuple[str, ...] = ()
    hosts: tuple[HostRef, ...]
    participants: tuple[HostRef, ...] = ()
    topics: tuple[str, ...] = ()
    agreement: str | None = None
    line: str | None = None
    outside_agreement: bool = False
    ics_uid: str
    ics_sequence: int


class ExchangeScheduled(Event, type="org.interurbe.exchange.scheduled.v1"):
    """A workshop, mission, webinar … has a date."""

    exchange: str
    about: ExchangeRef


class ExchangeTimes(Value):
    """When an exchange was to be, before it moved."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    timezone: str


class ExchangeRescheduled(Event, type="org.interurbe.exchange.rescheduled.v1"):
    """An exchange moved: the old times and the new."""

    exchange: str
    about: ExchangeRef
    previous: ExchangeTimes
    reason: str | None = None


class ExchangeCancelled(Event, type="org.interurbe.exchange.cancelled.v1"):
    """An exchange will not take place."""

    exchange: str
    about: ExchangeRef
    reason: str


class CommitmentPlanned(Event, type="org.interurbe.commitment.planned.v1"):
    """A promise of a signed agreement is being followed from now on."""

    commitment: str
    agreement: str
    line: str
    giver: str
    receiver: str
    statement: Names
    quantity: float | None = None
    unit: str | None = None
    due: date | None = None
