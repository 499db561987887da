"""The other services as notifications hears them: facts in their envelopes, numbered per subject."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.bus import Message
from shared.db import new_id
from shared.events import (
    DATASCHEMA,
    AgreementEnteredIntoForce,
    AgreementPartySucceeded,
    AgreementRef,
    AgreementSigned,
    Envelope,
    Event,
    ExchangeCancelled,
    ExchangeRef,
    ExchangeRescheduled,
    ExchangeScheduled,
    ExchangeTimes,
    HostRef,
    LineTerms,
    MembershipEnded,
    MembershipStarted,
    PartnerMerged,
    PartnerMergeUndone,
    PartnerProfile,
    PartnerRegistered,
    PartyRef,
    Visibility,
)
from shared.events.cloudevents import to_data, to_headers

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
STARTS = datetime(2027, 3, 11, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Reach:
    """Who may know of what is said."""

    visibility: Visibility = Visibility.PUBLIC
    audience: tuple[str, ...] = ()


PUBLIC = Reach()


@dataclass
class Neighbours:
    """Say facts, each the next of its subject, `now` being their time; `take` gives those not taken yet."""

    now: datetime
    said: list[Envelope] = field(default_factory=list)
    sequences: Counter[str] = field(default_factory=Counter)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    taken: int = 0

    def take(self) -> list[Envelope]:
        """What was said since the last time."""
        new, self.taken = self.said[self.taken :], len(self.said)
        return new

    def say(self, event: Event, subject_id: str, reach: Reach = PUBLIC) -> Envelope:
        """Say a fact about a subject."""
        subject = f"{event.SUBJECT}/{subject_id}"
        self.sequences[subject] += 1
        envelope = Envelope(
            id=new_id(), source=f"/{event.TOPIC.replace('.', '/')}", type=event.TYPE, subject=subject, time=self.now,
            sequence=self.sequences[subject], data=event, partitionkey=subject, dataschema=DATASCHEMA.format(type=event.TYPE),
            visibility=reach.visibility, audience=reach.audience, traceparent=TRACEPARENT,
        )  # fmt: skip
        self.said.append(envelope)
        return envelope

    def partner(self, names: dict[str, str] | str, kind: str = "city") -> str:
        """Register a partner; its id."""
        partner = new_id()
        self.names[partner] = {"es": names} if isinstance(names, str) else names
        profile = PartnerProfile(kind=kind, names=self.names[partner], country="CO", timezone="America/Bogota")
        self.say(PartnerRegistered(partner=partner, profile=profile), partner)
        return partner

    def joins(self, partner: str, network: str) -> str:
        """Start a membership; its id."""
        membership = new_id()
        started = MembershipStarted(membership=membership, partner=partner, network=network, role="member", valid_from=date(2020, 1, 1))
        self.say(started, membership)
        return membership

    def leaves(self, membership: str, partner: str, network: str) -> None:
        """End a membership with the day before."""
        last_day = (self.now - timedelta(days=1)).date()
        self.say(MembershipEnded(membership=membership, partner=partner, network=network, valid_to=last_day), membership)

    def merge(self, partner: str, into: str) -> Envelope:
        """Have it turn out that a partner was another all along."""
        return self.say(PartnerMerged(partner=partner, into=into, names=self.names[into]), partner)

    def undo_merge(self, partner: str, into: str) -> Envelope:
        """Have it turn out that it was not, after all."""
        profile = PartnerProfile(kind="city", names=self.names[partner], country="CO", timezone="America/Bogota")
        return self.say(PartnerMergeUndone(partner=partner, into=into, profile=profile), partner)

    def succeeds(self, agreement: str, partner: str, successor: str, reach: Reach = PUBLIC) -> Envelope:
        """Have another partner stand where one stood in an agreement."""
        fact = AgreementPartySucceeded(
            agreement=agreement, partner=partner, successor=successor, names=self.names[successor], because="merged"
        )  # fmt: skip
        return self.say(fact, agreement, reach)

    def about(self, parties: list[str], **more: Any) -> AgreementRef:
        """What a message says of an agreement between these partners."""
        refs = tuple(PartyRef(partner=partner, role="signatory", names=self.names[partner]) for partner in parties)
        titles = {"es": "Memorando sobre ciudades inteligentes", "en": "Memorandum on smart cities"}
        return AgreementRef(**{"code": "MOU-2024-0001", "kind": "mou", "titles": titles, "parties": refs} | more)

    def sign(self, parties: list[str], reach: Reach = PUBLIC, **more: Any) -> Envelope:
        """Have an agreement signed."""
        agreement = more.pop("agreement", None) or new_id()
        said: dict[str, Any] = {
            "agreement": agreement, "about": self.about(parties), "revision": 1, "terms_hash": "0" * 64, "signed_on": date(2024, 7, 12),
            "recorded_at": self.now, "effective_on": date(2024, 7, 12),
            "lines": (LineTerms(line="knowledge_exchange", topics=("open_data",), text={"es": "Buenas prácticas", "en": "Practices"}),),
        }  # fmt: skip
        return self.say(AgreementSigned(**said | more), agreement, reach)

    def enters_into_force(self, agreement: str, parties: list[str], reach: Reach = PUBLIC) -> Envelope:
        """Have the effective day of an agreement come."""
        entered = AgreementEnteredIntoForce(
            agreement=agreement, about=self.about(parties), revision=1, terms_hash="0" * 64, effective_on=date(2024, 7, 12),
            lines=("knowledge_exchange",),
        )  # fmt: skip
        return self.say(entered, agreement, reach)

    def exchange(self, hosts: list[str], **more: Any) -> ExchangeRef:
        """What a message says of a workshop of these partners."""
        said: dict[str, Any] = {
            "kind": "workshop", "titles": {"es": "Taller de datos abiertos", "en": "Workshop on open data"}, "starts_at": STARTS,
            "ends_at": STARTS + timedelta(hours=3), "timezone": "America/Bogota", "modality": "hybrid", "place": "Ruta N, Medellín",
            "url": "https://example.org/sala", "languages": ("es", "en"), "topics": ("open_data",), "line": "knowledge_exchange",
            "hosts": tuple(HostRef(partner=host, names=self.names[host]) for host in hosts), "ics_uid": "x@interurbe", "ics_sequence": 0,
        }  # fmt: skip
        return ExchangeRef(**said | more)

    def schedule(self, hosts: list[str], reach: Reach = PUBLIC, **more: Any) -> Envelope:
        """Have an exchange scheduled."""
        exchange = new_id()
        return self.say(ExchangeScheduled(exchange=exchange, about=self.exchange(hosts, **more)), exchange, reach)

    def reschedule(self, exchange: str, hosts: list[str], **more: Any) -> Envelope:
        """Have an exchange moved by a day."""
        previous = ExchangeTimes(starts_at=STARTS, ends_at=STARTS + timedelta(hours=3), timezone="America/Bogota")
        moved = {"starts_at": STARTS + timedelta(days=1), "ends_at": STARTS + timedelta(days=1, hours=3)} | more
        about = self.exchange(hosts, **moved)
        return self.say(ExchangeRescheduled(exchange=exchange, about=about, previous=previous, reason="Día festivo"), exchange)

    def cancel(self, exchange: str, hosts: list[str]) -> Envelope:
        """Have an exchange cancelled."""
        return self.say(ExchangeCancelled(exchange=exchange, about=self.exchange(hosts), reason="Faltó el quórum"), exchange)


def message(envelope: Envelope, offset: int = 0) -> Message:
    """The envelope as it comes off the bus."""
    return Message(envelope.topic, 0, offset, envelope.subject.encode(), to_headers(envelope), to_data(envelope), 0)
