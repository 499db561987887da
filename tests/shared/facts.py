"""Facts for tests of the mechanism: small, real ones of the catalogue, about as many subjects as a test needs."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.bus import Message
from shared.events import DATASCHEMA, Envelope, Event, PartnerProfile, PartnerRegistered, PartnerUpdated
from shared.events.cloudevents import to_data, to_headers
from tests.fixtures import tally

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def profile(name: str = "Medellín") -> PartnerProfile:
    """A city's public profile under the given name."""
    return PartnerProfile(kind="city", names={"es": name}, country="CO", timezone="America/Bogota")


def fact(sequence: int, partner: str = "p1", name: str | None = None) -> Event:
    """The fact that comes ``sequence``-th in a partner's life: registered first, then updated."""
    about = profile(name or f"name {sequence}")
    if sequence == 1:
        return PartnerRegistered(partner=partner, profile=about)
    return PartnerUpdated(partner=partner, profile=about, changed=("names",))


def envelope(sequence: int, partner: str = "p1", data: Event | None = None) -> Envelope:
    """That fact in its envelope, with an id that is the same for the same fact."""
    tally.one_more()
    event = data or fact(sequence, partner)
    return Envelope(
        id=f"{partner}-{sequence}", source="/interurbe/partners", type=event.TYPE, subject=f"partner/{partner}",
        time=NOW, sequence=sequence, data=event, partitionkey=f"partner/{partner}", visibility="public",
        dataschema=DATASCHEMA.format(type=event.TYPE), traceparent=TRACEPARENT,
    )  # fmt: skip


def message(sent: Envelope, offset: int = 0) -> Message:
    """That envelope as a message of partition 0."""
    return Message(sent.topic, 0, offset, sent.subject.encode(), to_headers(sent), to_data(sent), 0)
