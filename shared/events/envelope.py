"""A fact on its way: the event with its CloudEvents 1.0 attributes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.events.event import Event

SOURCE = "/interurbe/{owner}"
DATASCHEMA = "https://interurbe.org/schemas/{type}.json"


class Visibility(StrEnum):
    """Who may know of a fact: its owner, the parties in its audience, members of the networks in it, or anyone."""

    OWNER = "owner"
    PARTIES = "parties"
    NETWORK = "network"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event with its context attributes (CloudEvents 1.0; extensions: partitioning, sequence, distributed tracing, our own).

    ``sequence`` counts 1, 2, 3 … per ``subject`` without gaps. ``audience`` holds partner ids. ``traceparent`` and
    ``tracestate`` are those of the request that caused the fact and are never rewritten. ``sandbox`` marks what happened for trying
    out, between partners that are not real: nobody is told of it.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: int
    data: Event
    partitionkey: str
    dataschema: str
    visibility: str = Visibility.PARTIES
    audience: tuple[str, ...] = ()
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    sandbox: bool = False

    @property
    def subject_id(self) -> str:
        """The id alone: ``0199…`` of ``agreement/0199…``."""
        return self.subject.partition("/")[2]

    @property
    def topic(self) -> str:
        """The topic this fact travels on."""
        return self.data.TOPIC
