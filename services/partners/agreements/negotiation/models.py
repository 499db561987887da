"""How terms come to be agreed: they are proposed, changed, approved by their hash, or given up."""

from datetime import date

from services.partners.agreements.canonical.models import Difference
from services.partners.agreements.record.models import Consent, Record, State
from services.partners.agreements.revisions.models import Author, Revision, Wanted, write
from shared.events import (
    AgreementAbandoned,
    AgreementPartyApproved,
    AgreementPartyConsentLapsed,
    AgreementPartyInvited,
    AgreementProposed,
    AgreementRevisionProposed,
    AgreementTermsAgreed,
    Event,
)
from shared.refusals import Conflict, Forbidden


class StaleTerms(Conflict):
    """The terms changed since the caller read them. Read what differs (``changed``), and send ``terms_hash`` if you consent to it."""

    code = "stale-terms"
    title = "The terms are not the ones the caller has seen."

    def __init__(self, given: str, number: int, terms_hash: str, changed: list[Difference] | None = None) -> None:
        """``given`` is the hash that was sent; ``number`` and ``terms_hash`` are those of the current revision."""
        self.given = given
        which = "was the hash of an earlier revision" if changed is not None else "is not the hash of any revision of this agreement"
        super().__init__(
            f"The terms_hash sent {which}; revision {number} has another.",
            field="/terms_hash",
            fix="Read what changed, and send the hash of the current revision if you consent to it.",
            given=given,
            revision=number,
            terms_hash=terms_hash,
            changed=changed,
        )


class NothingChanged(Conflict):
    """A revision must differ from the one before it: approvals lapse only when there is a reason."""

    code = "nothing-changed"
    title = "The revision says what the one before it says."


class AlreadyApproved(Conflict):
    """The caller's partner approved exactly these terms before; its approval stands and need not be repeated."""

    code = "already-approved"
    title = "These terms are approved by the caller's partner already."


class NotForAnother(Forbidden):
    """Nobody consents for another without its mandate. Use a client of the partner that is to consent, or ask it for a mandate."""

    code = "not-for-another"
    title = "Nobody consents for another party without its mandate."


class Negotiation(Record):
    """An agreement while its terms are discussed."""

    __abstract__ = True

    def propose(self, author: Author) -> list[Event]:
        """Put the draft before its parties: from now on they know of it."""
        self.must_let_act(author.partner, "propose")
        self.must_allow("propose")
        self.state, self.known_since = State.NEGOTIATING, author.now
        self.parties = [{**party, "consent": Consent.INVITED} for party in self.parties]
        number, terms_hash = self.revision, self.terms_hash
        proposed = AgreementProposed(
            agreement=self.id, about=self.about(), revision=number, terms_hash=terms_hash, proposed_by=author.partner
        )
        return [proposed, *(self._invited(party["partner"], party.get("respond_by")) for party in self.parties)]

    def revise(self, earlier: Revision, wanted: Wanted, author: Author) -> tuple[Revision, list[Event]]:
        """Replace the ``earlier`` terms under negotiation; approvals of those lapse, which is no refusal."""
        self.must_let_act(author.partner, "revise")
        self.must_allow("revise")
        revision = write(self, wanted, author)
        if revision.says_the_same_as(earlier):
            fix = "Approve it, or send what shall differ."
            raise NothingChanged("Terms, texts and attachments are those of the current revision.", fix=fix)
        lapsed = [party["partner"] for party in self.parties if party["consent"] == Consent.APPROVED]
        for partner in lapsed:
            self.note(partner, {"consent": Consent.LAPSED})
        self.state = State.NEGOTIATING
        proposed = AgreementRevisionProposed(
            agreement=self.id,
            about=self.about(),
            revision=self.revision,
            prev_hash=earlier.terms_hash,
            terms_hash=self.terms_hash,
            proposed_by=author.partner,
        )
        return revision, [proposed, *(self._lapsed(partner, earlier.terms_hash) for partner in lapsed)]

    def approve(self, partner: str, terms_hash: str) -> list[Event]:
        """The party approves exactly the current terms; they are agreed once every required party has."""
        party = self.party(partner)
        if party["consent"] in (Consent.APPROVED, Consent.SIGNED) and party.get("consent_hash") == terms_hash:
            raise AlreadyApproved("Your partner approved these terms already.", fix="Nothing is left to do: the approval stands.")
        self.must_allow("approve")
        self.must_be_current(terms_hash)
        self.note(partner, {"consent": Consent.APPROVED, "consent_hash": terms_hash})
        facts: list[Event] = [AgreementPartyApproved(agreement=self.id, partner=partner, revision=self.revision, terms_hash=terms_hash)]
        if self.state == State.NEGOTIATING and all(party["consent"] == Consent.APPROVED for party in self.parties if party["required"]):
            self.state = State.AGREED
            facts.append(AgreementTermsAgreed(agreement=self.id, about=self.about(), revision=self.revision, terms_hash=terms_hash))
        return facts

    def abandon(self, author: Author, reason: str) -> AgreementAbandoned:
        """Give the agreement up before it binds anybody."""
        self.must_let_act(author.partner, "abandon")
        self.must_allow("abandon")
        before, self.state, self.abandoned_because = self.state, State.ABANDONED, reason
        return AgreementAbandoned(agreement=self.id, about=self.about(), abandoned_by=author.partner, from_state=before, reason=reason)

    def must_be_current(self, terms_hash: str) -> None:
        """Refuse with `StaleTerms` consent to anything but the current terms."""
        if terms_hash != self.terms_hash:
            raise StaleTerms(terms_hash, self.revision, self.terms_hash)

    def _invited(self, partner: str, respond_by: str | None) -> AgreementPartyInvited:
        day = date.fromisoformat(respond_by) if respond_by else None
        return AgreementPartyInvited(agreement=self.id, partner=partner, revision=self.revision, terms_hash=self.terms_hash, respond_by=day)

    def _lapsed(self, partner: str, before: str) -> AgreementPartyConsentLapsed:
        return AgreementPartyConsentLapsed(agreement=self.id, partner=partner, approved_hash=before, terms_hash=self.terms_hash)
