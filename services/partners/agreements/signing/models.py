"""How agreed terms come to bind: signatures are asked for and given, and on its day the agreement enters into force."""

from datetime import date, datetime
from enum import StrEnum

from services.partners.agreements.negotiation.models import Negotiation
from services.partners.agreements.record.models import Consent, NotYourRole, Role, State
from services.partners.agreements.revisions.models import Author
from services.partners.agreements.terms.models import effective_on, expires_on
from shared.events import (
    AgreementEnteredIntoForce,
    AgreementPartySigned,
    AgreementSignatureRequested,
    AgreementSigned,
    Event,
    LineTerms,
)
from shared.refusals import Conflict, Invalid

ENTERS_INTO_FORCE = "agreement.enters_into_force"
"""The kind of due act by which a signed agreement enters into force on its day."""


class Method(StrEnum):
    """How a party's signature was given in its own system."""

    CLICK = "click"
    OTP = "otp"
    WET_INK = "wet_ink"
    PROVIDER = "provider"


class SignatureBlocked(Conflict):
    """Something is left to be settled before anybody can sign. ``blockers`` lists it; propose a revision that settles it."""

    code = "signature-blocked"
    title = "The terms cannot be signed yet."


class TermsOver(Conflict):
    """The terms end before they could begin to bind. Propose a revision with a later end, or abandon the agreement."""

    code = "terms-over"
    title = "The terms have ended already."


class AlreadySigned(Conflict):
    """The caller's partner signed before; its signature stands and need not be repeated."""

    code = "already-signed"
    title = "The caller's partner signed already."


class Signing(Negotiation):
    """An agreement from the request for signatures to the day it binds."""

    __abstract__ = True

    def request_signature(self, author: Author, deadline: date | None) -> AgreementSignatureRequested:
        """Open the agreed terms for signature; ``deadline`` is the day the signatories are asked to keep to."""
        self.must_let_act(author.partner, "request a signature")
        self.must_allow("request a signature")
        today = self.today(author.now)
        self._must_be_signable(today)
        if deadline is not None and deadline < today:
            raise Invalid("The deadline is past.", field="/deadline", fix=f"Send a day from {today} on, or leave it out.")
        self.state, self.signature_deadline = State.SIGNING, deadline
        return AgreementSignatureRequested(
            agreement=self.id, about=self.about(), revision=self.revision, terms_hash=self.terms_hash, deadline=deadline
        )

    def sign(self, partner: str, terms_hash: str, method: str, now: datetime) -> list[Event]:
        """A signatory signs exactly the current terms; with the last required one the agreement is signed."""
        party = self.party(partner)
        if party["consent"] == Consent.SIGNED:
            raise AlreadySigned(f"Your partner signed on {party.get('signed_on')}.", fix="Nothing is left to do: the signature stands.")
        if party["role"] != Role.SIGNATORY:
            raise NotYourRole(f"A party as {party['role']} does not sign.", fix="Nothing is asked of your partner.")
        self.must_allow("sign")
        self.must_be_current(terms_hash)
        today = self.today(now)
        self._must_be_signable(today)
        self.note(partner, {"consent": Consent.SIGNED, "consent_hash": terms_hash, "signed_on": today.isoformat(), "method": method})
        facts: list[Event] = [
            AgreementPartySigned(
                agreement=self.id, partner=partner, revision=self.revision, terms_hash=terms_hash, signed_on=today, method=method
            )
        ]
        if self._signed_by_all():
            facts += self.become_signed(today, now)
        return facts

    def become_signed(self, signed_on: date, now: datetime) -> list[Event]:
        """The agreement is signed as of a day; it enters into force at once when its effective date is not ahead."""
        self.state, self.signed_on = State.SIGNED, signed_on
        self.effective_on, self.expires_on = effective_on(self.current["terms"], signed_on), expires_on(self.current["terms"])
        signed = AgreementSigned(
            agreement=self.id,
            about=self.about(),
            revision=self.revision,
            terms_hash=self.terms_hash,
            signed_on=signed_on,
            recorded_at=now,
            historic=self.historic,
            evidence=tuple(attachment["sha256"] for attachment in self.evidence),
            effective_on=self.effective_on,
            expires_on=self.expires_on,
            lines=tuple(LineTerms.model_validate(line) for line in self.current["terms"]["lines"]),
        )
        return [signed, *self.enter_into_force(now)]

    def enter_into_force(self, now: datetime) -> list[Event]:
        """What was signed binds from its effective date on; nothing happens before that, or twice, or when it ended meanwhile."""
        today = self.today(now)
        if self.state != State.SIGNED or self.effective_on is None or self.effective_on > today:
            return []
        if self.expires_on is not None and self.expires_on < today:
            self.state = State.EXPIRED
            return []
        self.state = State.IN_FORCE
        return [
            AgreementEnteredIntoForce(
                agreement=self.id,
                about=self.about(),
                revision=self.revision,
                terms_hash=self.terms_hash,
                effective_on=self.effective_on,
                expires_on=self.expires_on,
                lines=tuple(self.lines),
            )
        ]

    @property
    def enters_into_force_at(self) -> datetime | None:
        """When it will enter into force; None when it did, or is not signed."""
        return self.first_instant(self.effective_on) if self.state == State.SIGNED and self.effective_on else None

    def _signed_by_all(self) -> bool:
        return all(party["consent"] == Consent.SIGNED for party in self.parties if party["role"] == Role.SIGNATORY and party["required"])

    def _must_be_signable(self, today: date) -> None:
        blockers = self.current["blockers"]
        if blockers:
            paths = ", ".join(blocker["path"] for blocker in blockers)
            raise SignatureBlocked(f"Left to be settled: {paths}.", fix="Propose a revision that settles it.", blockers=blockers)
        last = expires_on(self.current["terms"])
        if last is not None and last <= max(today, effective_on(self.current["terms"], today)):
            raise TermsOver(f"The terms end on {last}.", fix="Propose a revision with a later end, or abandon the agreement.")
