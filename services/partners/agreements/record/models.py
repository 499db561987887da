"""What is on record of an agreement: its parties and their consent, the table of its life, and who may know of it.

The verbs (draft, propose, approve, sign …) are in the rooms of the parts of that life: they decide here and return the facts.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, ClassVar, Final, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.agreements.terms.models import Attachment, Blocker, Terms
from services.partners.inheritance.models import Accord
from services.partners.models import Model, WrongState, day_after
from services.partners.registry.views import PartnerRow
from shared.auth import PLATFORM
from shared.db import Key
from shared.events import AgreementEnteredIntoForce, AgreementPartySucceeded, AgreementRef, AgreementSigned, Event, PartyRef, Visibility
from shared.outbox import Aggregate, Reach
from shared.refusals import Forbidden, Stale


class State(StrEnum):
    """Where in its life an agreement is."""

    DRAFT = "draft"
    NEGOTIATING = "negotiating"
    AGREED = "agreed"
    SIGNING = "signing"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    ABANDONED = "abandoned"


class Role(StrEnum):
    """What a party is to the agreement: only signatories sign, and only signatories and supporters act on it."""

    SIGNATORY = "signatory"
    SUPPORTING = "supporting"
    OBSERVER = "observer"
    WITNESS = "witness"


BINDING_ROLES: Final = frozenset({Role.SIGNATORY, Role.SUPPORTING})
"""Whom an agreement binds, so that its lines may be used: observers and witnesses only look on."""


class Consent(StrEnum):
    """How far a party has bound itself; ``lapsed`` says that the terms changed under its approval."""

    UNBOUND = "unbound"
    INVITED = "invited"
    APPROVED = "approved"
    LAPSED = "lapsed"
    SIGNED = "signed"


ALLOWED: Final[Mapping[State, tuple[str, ...]]] = {
    State.DRAFT: ("propose", "abandon"),
    State.NEGOTIATING: ("revise", "approve", "abandon"),
    State.AGREED: ("revise", "approve", "request a signature", "abandon"),
    State.SIGNING: ("sign", "abandon"),
    State.SIGNED: (),
    State.IN_FORCE: (),
    State.EXPIRED: (),
    State.ABANDONED: (),
}
"""What can be done to an agreement in each state; time alone takes it from signed to in force."""


class Answer(TypedDict):
    """What a party said to the terms, and of a signature when and how."""

    consent: str
    consent_hash: NotRequired[str]
    signed_on: NotRequired[str]
    method: NotRequired[str]


class Party(Answer):
    """A partner's place in an agreement, with the names it bore when the agreement last changed.

    ``was`` are the partners that stood there before: revisions of their time name them.
    """

    partner: str
    role: str
    required: bool
    names: dict[str, str]
    acronym: NotRequired[str]
    respond_by: NotRequired[str]
    was: NotRequired[list[str]]


class Current(TypedDict):
    """The revision under discussion or in force, as the agreement shows it; its texts by their status only."""

    number: int
    prev_hash: str | None
    terms_hash: str
    hash_alg: str
    terms: Terms
    texts: dict[str, str]
    attachments: Sequence[Attachment]
    blockers: list[Blocker]
    proposed_by: str
    proposed_at: str


_TOLD: Final = ("id", "code", "kind", "titles", "state", "visibility", "timezone", "drafted_by", "parties")


class NotAParty(Forbidden):
    """Only the parties to an agreement act on it, each for itself. Use a client of the partner concerned."""

    code = "not-a-party"
    title = "The caller is no party to this agreement."


class NotYourRole(Forbidden):
    """Observers and witnesses follow an agreement without acting on it; only signatories sign. Ask a signatory to do it."""

    code = "not-your-role"
    title = "The party's role does not include this."


class Record(Aggregate, Model):
    """The agreement's columns and what every part of its life asks of them; ``document`` is what a reader is given."""

    __abstract__ = True
    SUBJECT: ClassVar[str] = "agreement"

    code: Mapped[str]
    kind: Mapped[str]
    titles: Mapped[dict[str, str]] = mapped_column(JSON)
    state: Mapped[str]
    visibility: Mapped[str]
    timezone: Mapped[str]
    drafted_by: Mapped[str] = mapped_column(Key)
    parties: Mapped[list[Party]] = mapped_column(JSON)
    party_ids: Mapped[list[str]] = mapped_column(ARRAY(Key))
    lines: Mapped[list[str]] = mapped_column(ARRAY(Text))
    revision: Mapped[int]
    current: Mapped[Current] = mapped_column(JSON)
    evidence: Mapped[list[Attachment]] = mapped_column(JSON)
    historic: Mapped[bool]
    known_since: Mapped[datetime | None]
    signature_deadline: Mapped[date | None]
    signed_on: Mapped[date | None]
    effective_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    abandoned_because: Mapped[str | None]
    document: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    @property
    def terms_hash(self) -> str:
        """The hash of the current terms."""
        return self.current["terms_hash"]

    def is_known_to(self, partner: str) -> bool:
        """Whether the partner is inside: a party, and the draft was put before the parties or is its own."""
        return partner in self.party_ids and (self.known_since is not None or partner == self.drafted_by)

    def reach(self, fact: Event) -> Reach:
        """A draft is its writer's alone, a negotiation its parties'; once signed the agreement's own visibility counts."""
        if self.known_since is None:
            return Reach(Visibility.OWNER, (self.drafted_by,), about=tuple(self.party_ids))
        told_widely = isinstance(fact, AgreementSigned | AgreementEnteredIntoForce)
        told_widely = told_widely or (isinstance(fact, AgreementPartySucceeded) and self.signed_on is not None)
        return Reach(Visibility(self.visibility) if told_widely else Visibility.PARTIES, tuple(self.party_ids))

    def accord(self) -> Accord:
        """The agreement as far as it entitles: it binds its signatories and supporters, up to the end of its last day at home."""
        over = day_after(self.expires_on)
        return Accord(
            agreement=self.id,
            lines=tuple(self.lines),
            visibility=self.visibility,
            parties=tuple(self.party_ids),
            bound=tuple(party["partner"] for party in self.parties if party["role"] in BINDING_ROLES),
            ends_at=self.first_instant(over) if over is not None else None,
        )

    def about(self) -> AgreementRef:
        """What a fact says of the agreement."""
        parties = tuple(PartyRef.model_validate(party) for party in self.parties)
        return AgreementRef(code=self.code, kind=self.kind, titles=self.titles, parties=parties)

    def must_allow(self, verb: str) -> None:
        """Refuse with `WrongState` what the present state does not allow."""
        allowed = ALLOWED[State(self.state)]
        if verb not in allowed:
            now = f"Now one can {' or '.join(allowed)}." if allowed else "Nothing can be done to it now."
            detail = f"The agreement is in the state '{self.state}', in which one cannot {verb}."
            raise WrongState(detail, fix=now, state=self.state, allowed=list(allowed))

    def must_be_at(self, version: int | None) -> None:
        """Refuse with Stale a change that was decided on another version."""
        if version != self.version:
            detail = f"The agreement is at version {self.version}, not {version}."
            raise Stale(detail, field="If-Match", fix="Read it again, decide anew and send its new ETag.", version=self.version)

    def party(self, partner: str) -> Party:
        """The partner's place in the agreement; raises `NotAParty`."""
        for party in self.parties:
            if party["partner"] == partner:
                return party
        raise NotAParty("Your partner is no party to this agreement.", fix="Use a client of one of its parties.")

    def must_let_act(self, partner: str, verb: str) -> None:
        """Refuse an observer or a witness; the operator acts for the parties without being one."""
        if partner == PLATFORM:
            return
        role = self.party(partner)["role"]
        if role not in BINDING_ROLES:
            raise NotYourRole(f"Your partner is a party as {role}, which does not include to {verb}.", fix="Ask a signatory to do it.")

    def note(self, partner: str, said: Answer) -> None:
        """Write down what a party said; the list is replaced because a change inside it would go unnoticed."""
        self.parties = [{**party, **said} if party["partner"] == partner else party for party in self.parties]

    def succeed(self, partner: str, successor: PartnerRow, because: str) -> AgreementPartySucceeded:
        """The ``successor`` stands where the ``partner`` stood: what it said, the terms, their bytes and hashes are as they were."""
        self.parties = [_succeeded(party, successor) if party["partner"] == partner else party for party in self.parties]
        self.party_ids = [successor.id if party == partner else party for party in self.party_ids]
        self.drafted_by = successor.id if self.drafted_by == partner else self.drafted_by
        said = {"agreement": self.id, "partner": partner, "successor": successor.id, "because": because}
        return AgreementPartySucceeded.model_validate(said | {"names": successor.names, "acronym": successor.acronym})

    def successors(self) -> dict[str, str]:
        """Who stands today where others stood, by the ids that earlier revisions name."""
        return {was: party["partner"] for party in self.parties for was in party.get("was", [])}

    def is_over(self, today: date) -> bool:
        """Whether nothing can come of it any more: it was given up, or its last day has passed."""
        return self.state in (State.ABANDONED, State.EXPIRED) or (self.expires_on is not None and self.expires_on < today)

    def name_parties(self, known: Mapping[str, PartnerRow]) -> None:
        """Take over the names that the parties bear now."""
        named = [_named(party, known[party["partner"]]) for party in self.parties]
        if named != self.parties:
            self.parties = named

    def today(self, now: datetime) -> date:
        """The calendar day at ``now`` where the agreement is at home."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def first_instant(self, day: date) -> datetime:
        """When the day begins where the agreement is at home, in UTC."""
        return datetime.combine(day, time(), ZoneInfo(self.timezone)).astimezone(UTC)

    def describe(self, now: datetime) -> None:
        """Write the document that readers get, for the version that the next flush makes."""
        self.changed_at = now
        self.document = json.dumps(self._described(), ensure_ascii=False, separators=(",", ":"))

    def _described(self) -> dict[str, Any]:
        days = ("signature_deadline", "signed_on", "effective_on", "expires_on")
        return {
            **{name: getattr(self, name) for name in _TOLD},
            "current_revision": self.current,
            **{name: day.isoformat() if (day := getattr(self, name)) else None for name in days},
            "historic": self.historic,
            "evidence": self.evidence,
            "abandoned_because": self.abandoned_because,
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "version": (self.version or 0) + 1,
        }


def _succeeded(party: Party, successor: PartnerRow) -> Party:
    succeeded = _named({**party, "partner": successor.id}, successor)
    before = succeeded.pop("was", [])
    # Whoever comes back to its own place succeeds nobody.
    was = [one for one in before if one != successor.id] + ([] if successor.id in before else [party["partner"]])
    return {**succeeded, "was": was} if was else succeeded


def _named(party: Party, known: PartnerRow) -> Party:
    named: Party = {**party, "names": known.names}
    named.pop("acronym", None)
    if known.acronym is not None:
        named["acronym"] = known.acronym
    return named
