"""What the partners service says, kept as views: whole batches of facts, one statement each."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.directory.models import (
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
    AgreementRef,
    AgreementSigned,
    ClientRevoked,
    ClientSecretRetired,
    Envelope,
    MembershipStarted,
    PartnerMerged,
    PartnerMergeUndone,
    PartnerRegistered,
    PartnerUpdated,
)
from shared.handling import Handlers, whole_batch
from shared.holding import following
from shared.standing import standing_of
from shared.survivors import follow, took_over


@whole_batch
async def partner_described(session: AsyncSession, facts: list[Envelope]) -> None:
    """Keep the newest profile of each partner, whether it is new or was changed."""
    await upsert(session, KnownPartner, [_partner(fact) for fact in facts], key=("id",))


@whole_batch
async def partner_merged(session: AsyncSession, facts: list[Envelope]) -> None:
    """Let these ids stand for other partners from now on: who follows or vouches under one of the two does so for both."""
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
async def agreement_signed(session: AsyncSession, facts: list[Envelope]) -> None:
    """Keep what was signed: its name, its parties, what it is about and who may know."""
    await upsert(session, KnownAgreement, [_signed(fact) for fact in facts], key=("id",))


@whole_batch
async def agreement_entered_into_force(session: AsyncSession, facts: list[Envelope]) -> None:
    """Keep what is in force now, in case its name or parties differ from what was signed; its topics stay."""
    await upsert(session, KnownAgreement, [_in_force(fact) for fact in facts], key=("id",))


async def agreement_party_succeeded(session: AsyncSession, fact: Envelope) -> None:
    """Let a party stand where another stood, also among those who may know; of a negotiation nothing is kept yet."""
    said = fact.data
    assert isinstance(said, AgreementPartySucceeded)
    known = await session.get(KnownAgreement, said.agreement, with_for_update=True)
    if known is not None:
        known.parties = took_over(known.parties, said.partner, {"partner": said.successor, "names": said.names, "acronym": said.acronym})
        gone = set() if said.partner in {party["partner"] for party in known.parties} else {said.partner}
        known.audience, known.heard_at = sorted({said.successor, *known.audience} - gone), fact.time
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
        "heard_at": fact.time,
    }


def _membership(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, MembershipStarted)
    return {
        "id": said.membership,
        "partner": said.partner,
        "network": said.network,
        "valid_from": said.valid_from,
        "valid_to": said.valid_to,
        "heard_at": fact.time,
    }


def _signed(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, AgreementSigned)
    topics = sorted({topic for line in said.lines for topic in line.topics})
    return {"id": said.agreement, **_about(said.about, fact), "lines": [line.line for line in said.lines], "topics": topics}


def _in_force(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, AgreementEnteredIntoForce)
    return {"id": said.agreement, **_about(said.about, fact), "lines": list(said.lines)}


def _about(about: AgreementRef, fact: Envelope) -> dict[str, Any]:
    return {
        "code": about.code,
        "kind": about.kind,
        "titles": about.titles,
        "parties": [party.model_dump(mode="json") for party in about.parties],
        "visibility": fact.visibility,
        "audience": list(fact.audience),
        "heard_at": fact.time,
    }


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
    **following(KnownMembership),
    AgreementSigned: agreement_signed,
    AgreementEnteredIntoForce: agreement_entered_into_force,
    AgreementPartySucceeded: agreement_party_succeeded,
    ClientRevoked: client_revoked,
    ClientSecretRetired: client_secret_retired,
}
