"""What the partners service says, kept as views: whole batches of facts, one statement each."""

from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.initiatives.directory.models import (
    KnownAgreement,
    KnownMembership,
    KnownPartner,
    MergedPartner,
    PartnerStanding,
    RevokedClient,
)
from shared.auth import secret_of
from shared.db import upsert
from shared.events import (
    AgreementEnteredIntoForce,
    AgreementPartySucceeded,
    AgreementSigned,
    ClientRevoked,
    ClientSecretRetired,
    Envelope,
    LineTerms,
    MembershipChanged,
    MembershipStarted,
    PartnerMerged,
    PartnerMergeUndone,
    PartnerRegistered,
    PartnerUpdated,
    PartyRef,
)
from shared.handling import Handlers, whole_batch
from shared.holding import following
from shared.standing import standing_of
from shared.survivors import follow, took_over

BINDING_ROLES = frozenset({"signatory", "supporting"})
"""The roles of parties that an agreement binds and entitles; observers and witnesses only look on."""


@whole_batch
async def partner_described(session: AsyncSession, facts: list[Envelope]) -> None:
    """Keep the newest profile of each partner, whether it is new or was changed."""
    await upsert(session, KnownPartner, [_partner(fact) for fact in facts], key=("id",))


@whole_batch
async def partner_merged(session: AsyncSession, facts: list[Envelope]) -> None:
    """Let these ids stand for other partners from now on, whether or not anything else is known of either."""
    await follow(session, MergedPartner, facts)


@whole_batch
async def partner_merge_undone(session: AsyncSession, facts: list[Envelope]) -> None:
    """Let these ids stand for themselves again, with the profile of now."""
    await follow(session, MergedPartner, facts)
    await upsert(session, KnownPartner, [_partner(fact) for fact in facts], key=("id",))


@whole_batch
async def membership_started(session: AsyncSession, facts: list[Envelope]) -> None:
    """Remember that a partner belongs to a network from a day on."""
    await upsert(session, KnownMembership, [_membership(fact) for fact in facts], key=("id",))


@whole_batch
async def membership_changed(session: AsyncSession, facts: list[Envelope]) -> None:
    """Keep as what a partner belongs to a network now, and how what the network signs passes to it; its days stay."""
    known = KnownMembership.__table__
    now: dict[str, Any] = {name: bindparam(f"now_{name}") for name in ("role", "inherits_agreements", "heard_at")}
    change = update(KnownMembership).where(known.c.id == bindparam("changed")).values(now)
    await (await session.connection()).execute(change, [_changed(fact) for fact in facts])


@whole_batch
async def agreement_signed(session: AsyncSession, facts: list[Envelope]) -> None:
    """Keep what was signed: who is bound, by which lines, from when to when, and who may know."""
    await upsert(session, KnownAgreement, [_agreement(fact) for fact in facts], key=("id",))


@whole_batch
async def agreement_entered_into_force(session: AsyncSession, facts: list[Envelope]) -> None:
    """Remember that the effective day came; a fact about an agreement whose signature was discarded changes nothing."""
    known = KnownAgreement.__table__
    dates: dict[str, Any] = {"effective_on": bindparam("from_day"), "expires_on": bindparam("last_day"), "heard_at": bindparam("heard")}
    entry = update(KnownAgreement).where(known.c.id == bindparam("entered")).values(state="in_force", **dates)
    await (await session.connection()).execute(entry, [_entry(fact) for fact in facts])


async def agreement_party_succeeded(session: AsyncSession, fact: Envelope) -> None:
    """Let a party stand where another stood, for those who are bound and those who may know; of a negotiation nothing is kept yet."""
    said = fact.data
    assert isinstance(said, AgreementPartySucceeded)
    known = await session.get(KnownAgreement, said.agreement, with_for_update=True)
    if known is not None:
        parties = took_over(known.parties, said.partner, {"partner": said.successor, "names": said.names, "acronym": said.acronym})
        left = said.partner if any(party["partner"] == said.partner for party in parties) else None
        known.audience = sorted({said.successor, *known.audience} - ({said.partner} if left is None else set()))
        known.parties, known.heard_at = parties, fact.time
        known.bound = list(dict.fromkeys(party["partner"] for party in parties if party["role"] in BINDING_ROLES))
        await session.flush()


@whole_batch
async def client_revoked(session: AsyncSession, facts: list[Envelope]) -> None:
    """Remember whose tokens are refused from when on."""
    await upsert(session, RevokedClient, [_revoked(fact) for fact in facts], key=("id",))


@whole_batch
async def client_secret_retired(session: AsyncSession, facts: list[Envelope]) -> None:
    """Remember from when on the tokens that were got with a secret are refused; of several ends the last said counts."""
    await upsert(session, RevokedClient, [_retired(fact) for fact in facts], key=("id",))


def _partner(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, PartnerRegistered | PartnerUpdated | PartnerMergeUndone)
    profile = said.profile
    return {
        "id": said.partner,
        "kind": profile.kind,
        "names": profile.names,
        "acronym": profile.acronym,
        "country": profile.country,
        "locality": profile.locality,
        "timezone": profile.timezone,
        "languages": profile.languages,
        "website": profile.website,
        "hosted_by": profile.hosted_by,
        "heard_at": fact.time,
    }


def _membership(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, MembershipStarted)
    return {
        "id": said.membership,
        "partner": said.partner,
        "network": said.network,
        "role": said.role,
        "valid_from": said.valid_from,
        "valid_to": said.valid_to,
        "inherits_agreements": said.inherits_agreements,
        "heard_at": fact.time,
    }


def _changed(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, MembershipChanged)
    now = {"now_role": said.role, "now_inherits_agreements": said.inherits_agreements, "now_heard_at": fact.time}
    return {"changed": said.membership, **now}


def _agreement(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, AgreementSigned)
    about = said.about
    return {
        "id": said.agreement,
        "code": about.code,
        "kind": about.kind,
        "titles": about.titles,
        "state": "signed",
        "parties": [_party(party) for party in about.parties],
        "bound": [party.partner for party in about.parties if party.role in BINDING_ROLES],
        "lines": [_line(line) for line in said.lines],
        "revision": said.revision,
        "signed_on": said.signed_on,
        "effective_on": said.effective_on,
        "expires_on": said.expires_on,
        "visibility": fact.visibility,
        "audience": fact.audience,
        "heard_at": fact.time,
    }


def _party(party: PartyRef) -> dict[str, Any]:
    return {"partner": party.partner, "role": party.role, "names": party.names, "acronym": party.acronym}


def _line(line: LineTerms) -> dict[str, Any]:
    return {"line": line.line, "topics": line.topics}


def _entry(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, AgreementEnteredIntoForce)
    return {"entered": said.agreement, "from_day": said.effective_on, "last_day": said.expires_on, "heard": fact.time}


def _revoked(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, ClientRevoked)
    return {"id": said.client, "revoked_at": said.revoked_at}


def _retired(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, ClientSecretRetired)
    return {"id": secret_of(said.client, said.secret), "revoked_at": said.good_until}


HANDLERS: Handlers = {
    PartnerRegistered: partner_described,
    PartnerUpdated: partner_described,
    PartnerMerged: partner_merged,
    PartnerMergeUndone: partner_merge_undone,
    **standing_of(PartnerStanding),
    MembershipStarted: membership_started,
    MembershipChanged: membership_changed,
    **following(KnownMembership),
    AgreementSigned: agreement_signed,
    AgreementEnteredIntoForce: agreement_entered_into_force,
    AgreementPartySucceeded: agreement_party_succeeded,
    ClientRevoked: client_revoked,
    ClientSecretRetired: client_secret_retired,
}
