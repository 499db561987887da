"""The partners service as the initiatives service hears it: facts in their envelopes, numbered per subject."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from shared.bus import Message
from shared.db import new_id
from shared.events import (
    DATASCHEMA,
    AgreementEnteredIntoForce,
    AgreementPartySucceeded,
    AgreementRef,
    AgreementSigned,
    CommitmentTerms,
    EntitlementGranted,
    EntitlementStep,
    EntitlementWithdrawn,
    Envelope,
    Event,
    LineTerms,
    MembershipChanged,
    MembershipEnded,
    MembershipStarted,
    PartnerMerged,
    PartnerMergeUndone,
    PartnerProfile,
    PartnerRegistered,
    PartnerUpdated,
    PartyRef,
    Visibility,
)
from shared.events.cloudevents import to_data, to_headers

HEARD_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Step = tuple[str, str, str]
"""A membership, its member and its network."""

LINES = ("knowledge_exchange", "joint_projects", "advocacy_networking", "partnership_facilitation")


@dataclass
class Neighbour:
    """Says facts; `said` are all envelopes so far, in order, and `take` those that were not taken yet."""

    said: list[Envelope] = field(default_factory=list)
    sequences: Counter[str] = field(default_factory=Counter)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    entitlements: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: int = 0

    def take(self) -> list[Envelope]:
        """What was said since the last time."""
        new, self.taken = self.said[self.taken :], len(self.said)
        return new

    def say(self, event: Event, subject_id: str, visibility: Visibility = Visibility.PUBLIC, audience: tuple[str, ...] = ()) -> Envelope:
        """Say a fact about a subject: the next of that subject."""
        subject = f"{event.SUBJECT}/{subject_id}"
        self.sequences[subject] += 1
        envelope = Envelope(
            id=new_id(), source="/interurbe/partners", type=event.TYPE, subject=subject, time=HEARD_AT, sequence=self.sequences[subject],
            data=event, partitionkey=subject, dataschema=DATASCHEMA.format(type=event.TYPE), visibility=visibility, audience=audience,
            traceparent=TRACEPARENT,
        )  # fmt: skip
        self.said.append(envelope)
        return envelope

    def partner(self, name: str, kind: str = "city", **more: Any) -> str:
        """Register a partner; its id."""
        partner, self.names[name] = new_id(), {"es": name}
        self.names[partner] = {"es": name}
        self.say(PartnerRegistered(partner=partner, profile=profile(name, kind, **more)), partner)
        return partner

    def rename(self, partner: str, name: str) -> None:
        """Give a partner another name."""
        self.names[partner] = {"es": name}
        self.say(PartnerUpdated(partner=partner, profile=profile(name), changed=("names",)), partner)

    def joins(self, partner: str, network: str, since: date = date(2020, 1, 1), inherits: str = "auto") -> str:
        """Start a membership; its id."""
        membership = new_id()
        started = MembershipStarted(
            membership=membership, partner=partner, network=network, role="member", valid_from=since, inherits_agreements=inherits
        )
        self.say(started, membership)
        return membership

    def changes(self, membership: str, partner: str, network: str, role: str = "member", inherits: str = "auto") -> Envelope:
        """Let a partner belong to a network as something else, or otherwise take part."""
        names = {"partner_names": self.names[partner], "network_names": self.names[network]}
        changed = MembershipChanged(
            membership=membership, partner=partner, network=network, **names, role=role, was_role="member",
            inherits_agreements=inherits, was_inherits_agreements="auto",
        )  # fmt: skip
        return self.say(changed, membership)

    def leaves(self, membership: str, partner: str, network: str, last_day: date) -> None:
        """End a membership with a day."""
        self.say(MembershipEnded(membership=membership, partner=partner, network=network, valid_to=last_day), membership)

    def entitle(self, agreement: str, partner: str, *path: Step, lines: tuple[str, ...] = LINES, held: bool = True) -> str:
        """Grant a partner the use of an agreement, as a party or by this path, or withdraw it; the entitlement's id."""
        entitlement = self.entitlements.setdefault((agreement, partner), new_id())
        steps = tuple(EntitlementStep(membership=membership, partner=member, network=network) for membership, member, network in path)
        fact = (EntitlementGranted if held else EntitlementWithdrawn)(
            entitlement=entitlement, partner=partner, agreement=agreement, lines=lines, party=path[-1][2] if path else partner,
            path=steps, reason="agreement_in_force" if held else "membership_ended",
        )  # fmt: skip
        self.say(fact, entitlement)
        return entitlement

    def binds(self, parties: list[str], **more: Any) -> str:
        """Have an agreement signed that entitles its parties at once; its id."""
        agreement = self.sign(parties, **more)
        for party in parties:
            self.entitle(agreement, party)
        return agreement

    def merge(self, partner: str, into: str) -> Envelope:
        """Have it turn out that a partner was another all along."""
        return self.say(PartnerMerged(partner=partner, into=into, names=self.names[into]), partner)

    def undo_merge(self, partner: str, into: str, name: str) -> Envelope:
        """Have it turn out that it was not, after all."""
        undone = PartnerMergeUndone(partner=partner, into=into, profile=profile(name))
        self.names[partner] = {"es": name}
        return self.say(undone, partner)

    def succeeds(self, agreement: str, partner: str, successor: str, because: str = "merged") -> Envelope:
        """Have another partner stand where one stood in an agreement."""
        fact = AgreementPartySucceeded(
            agreement=agreement, partner=partner, successor=successor, names=self.names[successor], because=because
        )  # fmt: skip
        return self.say(fact, agreement)

    def sign(self, parties: dict[str, str] | list[str], **more: Any) -> str:
        """Have an agreement signed by parties (ids, or roles by id); its id."""
        agreement = more.pop("agreement", None) or new_id()
        visibility = more.pop("visibility", Visibility.PUBLIC)
        roles = parties if isinstance(parties, dict) else dict.fromkeys(parties, "signatory")
        said: dict[str, Any] = {
            "agreement": agreement, "about": self.about(roles), "revision": 1, "terms_hash": "0" * 64, "signed_on": date(2024, 7, 12),
            "recorded_at": HEARD_AT, "effective_on": date(2024, 7, 12), "lines": tuple(LineTerms(line=line) for line in LINES),
        }  # fmt: skip
        self.say(AgreementSigned(**said | more), agreement, visibility, tuple(roles))
        return agreement

    def enters_into_force(self, agreement: str, parties: list[str], expires_on: date | None = None) -> None:
        """Have the effective day of an agreement come."""
        roles = dict.fromkeys(parties, "signatory")
        entered = AgreementEnteredIntoForce(
            agreement=agreement, about=self.about(roles), revision=1, terms_hash="0" * 64, effective_on=date(2024, 7, 12),
            expires_on=expires_on, lines=LINES,
        )  # fmt: skip
        self.say(entered, agreement, Visibility.PUBLIC, tuple(parties))

    def about(self, roles: dict[str, str]) -> AgreementRef:
        """What a message says of an agreement between these parties."""
        parties = tuple(PartyRef(partner=partner, role=role, names=self.names.get(partner, {"es": "?"})) for partner, role in roles.items())
        titles = {"es": "Memorando de Entendimiento", "en": "Memorandum"}
        return AgreementRef(code="MOU-2024-0001", kind="mou", titles=titles, parties=parties)


def profile(name: str, kind: str = "city", **more: Any) -> PartnerProfile:
    """A public profile under a name."""
    said: dict[str, Any] = {"kind": kind, "names": {"es": name}, "country": "CO", "timezone": "America/Bogota", "languages": ("es",)}
    return PartnerProfile(**said | more)


def line(name: str, *promises: CommitmentTerms) -> LineTerms:
    """A line of cooperation with its commitments."""
    return LineTerms(line=name, commitments=promises)


def message(envelope: Envelope, offset: int = 0) -> Message:
    """The envelope as it comes off the bus."""
    return Message(envelope.topic, 0, offset, envelope.subject.encode(), to_headers(envelope), to_data(envelope), 0)
