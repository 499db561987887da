"""What the partners service publishes: who exists, who belongs to which network, what was agreed and signed."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, Field

from shared.events.event import Event, Value

Names = dict[str, str]
"""A text in several languages, by BCP 47 tag."""


class Alias(Value):
    """Another name the partner is known by."""

    text: str
    lang: str | None = None
    kind: str = "other"


class Identifier(Value):
    """The partner's key in somebody else's system."""

    scheme: str
    value: str


class Location(Value):
    """A place on the globe: degrees north and east in WGS 84."""

    lat: float
    lon: float


class PartnerProfile(Value):
    """What everybody may know of a partner."""

    kind: str
    names: Names
    acronym: str | None = None
    aliases: tuple[Alias, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    country: str
    subdivision: str | None = None
    locality: str | None = None
    timezone: str
    languages: tuple[str, ...] = ()
    website: str | None = None
    hosted_by: str | None = None
    location: Location | None = None


class PartnerRegistered(Event, type="org.interurbe.partner.registered.v1"):
    """A partner became part of the record."""

    partner: str
    profile: PartnerProfile


class PartnerUpdated(Event, type="org.interurbe.partner.updated.v1"):
    """A partner's public profile changed: the whole new profile, and which fields differ."""

    partner: str
    profile: PartnerProfile
    changed: tuple[str, ...]


class MembershipStarted(Event, type="org.interurbe.membership.started.v1"):
    """A partner belongs to a network from a day on."""

    membership: str
    partner: str
    network: str
    role: str
    valid_from: date
    valid_to: date | None = None
    inherits_agreements: str = "auto"


class MembershipEnded(Event, type="org.interurbe.membership.ended.v1"):
    """A partner no longer belongs to a network after a day (inclusive)."""

    membership: str
    partner: str
    network: str
    valid_to: date
    reason: str | None = None


class PartyRef(Value):
    """A party to an agreement, with the names a message needs."""

    partner: str
    role: str
    names: Names
    acronym: str | None = None


class AgreementRef(Value):
    """What a message says of an agreement."""

    code: str
    kind: str
    titles: Names
    parties: tuple[PartyRef, ...]


class CommitmentTerms(Value):
    """One promise inside a line of cooperation."""

    id: str
    giver: str
    receiver: str
    statement: Names
    quantity: float | None = None
    unit: str | None = None
    due: date | None = None


class LineTerms(Value):
    """One of the four lines of cooperation, as signed."""

    line: str
    topics: tuple[str, ...] = ()
    text: Names = Field(default_factory=dict)
    commitments: tuple[CommitmentTerms, ...] = ()


class AgreementDrafted(Event, type="org.interurbe.agreement.drafted.v1"):
    """Somebody began to write an agreement."""

    agreement: str
    about: AgreementRef
    drafted_by: str


class AgreementProposed(Event, type="org.interurbe.agreement.proposed.v1"):
    """The draft was put before its parties."""

    agreement: str
    about: AgreementRef
    revision: int
    terms_hash: str
    proposed_by: str


class AgreementPartyInvited(Event, type="org.interurbe.agreement.party_invited.v1"):
    """A party was asked to approve the terms."""

    agreement: str
    partner: str
    revision: int
    terms_hash: str
    respond_by: date | None = None


class AgreementRevisionProposed(Event, type="org.interurbe.agreement.revision_proposed.v1"):
    """The terms changed: a new revision replaces the one under negotiation."""

    agreement: str
    about: AgreementRef
    revision: int
    prev_hash: str
    terms_hash: str
    proposed_by: str


class AgreementPartyConsentLapsed(Event, type="org.interurbe.agreement.party_consent_lapsed.v1"):
    """The terms changed under a party that had approved: its approval no longer counts (not a refusal)."""

    agreement: str
    partner: str
    approved_hash: str
    terms_hash: str


class AgreementPartyApproved(Event, type="org.interurbe.agreement.party_approved.v1"):
    """A party approved exactly these terms."""

    agreement: str
    partner: str
    revision: int
    terms_hash: str


class AgreementTermsAgreed(Event, type="org.interurbe.agreement.terms_agreed.v1"):
    """Every required party approved the same terms."""

    agreement: str
    about: AgreementRef
    revision: int
    terms_hash: str


class AgreementSignatureRequested(Event, type="org.interurbe.agreement.signature_requested.v1"):
    """The agreed terms are open for signature."""

    agreement: str
    about: AgreementRef
    revision: int
    terms_hash: str
    deadline: date | None = None


class AgreementPartySigned(Event, type="org.interurbe.agreement.party_signed.v1"):
    """A party signed."""

    agreement: str
    partner: str
    revision: int
    terms_hash: str
    signed_on: date
    method: str


class AgreementSigned(Event, type="org.interurbe.agreement.signed.v1"):
    """Every party signed; or a historic agreement was recorded as signed long ago (``historic``, ``signed_on`` before ``recorded_at``)."""

    agreement: str
    about: AgreementRef
    revision: int
    terms_hash: str
    signed_on: date
    recorded_at: AwareDatetime
    historic: bool = False
    evidence: tuple[str, ...] = ()
    effective_on: date
    expires_on: date | None = None
    lines: tuple[LineTerms, ...]


class AgreementEnteredIntoForce(Event, type="org.interurbe.agreement.entered_into_force.v1"):
    """The effective date came: what was signed binds its parties."""

    agreement: str
    about: AgreementRef
    revision: int
    terms_hash: str
    effective_on: date
    expires_on: date | None = None
    lines: tuple[str, ...]


class AgreementAbandoned(Event, type="org.interurbe.agreement.abandoned.v1"):
    """The agreement was given up before it bound anybody."""

    agreement: str
    about: AgreementRef
    abandoned_by: str
    from_state: str
    reason: str
