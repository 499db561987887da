"""What happens to agreements, mandates, contacts and clients when two partners become one, and when they become two again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.access.models import Client
from services.partners.agreements.commands import kept
from services.partners.agreements.models import Agreement
from services.partners.contacts.models import Contact
from services.partners.mandates.models import STANDING, Mandate
from services.partners.merging.models import Because, Passing, must_not_agree
from shared.outbox import record


@dataclass(frozen=True, slots=True)
class Estate:
    """What belongs to a partner, kept from any change until the transaction ends."""

    mandates: Sequence[Mandate]
    agreements: Sequence[Agreement]
    contacts: Sequence[Contact]
    clients: Sequence[Client]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which things of an estate are meant, by their ids."""

    mandates: Sequence[str]
    agreements: Sequence[str]
    contacts: Sequence[str]
    clients: Sequence[str]


async def estate_of(session: AsyncSession, partner: str) -> Estate:
    """All that belongs to the partner: mandates first, because who acts under one holds it before the agreement."""
    mandates = select(Mandate).where(or_(Mandate.partner == partner, Mandate.holder == partner)).order_by(Mandate.id)
    agreements = select(Agreement).where(Agreement.party_ids.contains([partner])).order_by(Agreement.id)
    return Estate(
        (await session.scalars(mandates.with_for_update(key_share=True))).all(),
        (await session.scalars(agreements.with_for_update(key_share=True))).all(),
        (await session.scalars(select(Contact).where(Contact.partner == partner).with_for_update(key_share=True))).all(),
        (await session.scalars(select(Client).where(Client.partner == partner).with_for_update(key_share=True))).all(),
    )


async def estate_named(session: AsyncSession, of: str, named: Named) -> Estate:
    """Those of these things that belong to the partner still."""
    whole = await estate_of(session, of)
    return Estate(
        [one for one in whole.mandates if one.id in named.mandates],
        [one for one in whole.agreements if one.id in named.agreements],
        [one for one in whole.contacts if one.id in named.contacts],
        [one for one in whole.clients if one.id in named.clients],
    )


async def pass_agreements(session: AsyncSession, agreements: Iterable[Agreement], passing: Passing) -> tuple[list[str], list[str]]:
    """Let the taker stand where the giver stood; where it stands itself in what is over, nothing changes. Raises `BothParties`."""
    both = [one for one in agreements if passing.taker.id in one.party_ids]
    must_not_agree([one.id for one in both if not one.is_over(one.today(passing.now))])
    passed = [one for one in agreements if one not in both]
    for agreement in passed:
        fact = agreement.succeed(passing.giver, passing.taker, passing.because)
        await kept(session, agreement, [fact], passing.now)
    return [one.id for one in passed], [one.id for one in both]


async def pass_mandates(session: AsyncSession, mandates: Iterable[Mandate], passing: Passing) -> tuple[list[str], list[str]]:
    """Let the taker be where the giver was; a mandate between the two, or one whose like the taker has, ends and stays where it is."""
    taker = passing.taker.id
    theirs = or_(Mandate.partner == taker, Mandate.holder == taker)
    asked = select(Mandate.partner, Mandate.holder).where(theirs, Mandate.state.in_(STANDING))
    own = {(partner, holder) for partner, holder in await session.execute(asked)}
    passed, left = list[str](), list[str]()
    for mandate in mandates:
        after = tuple(taker if side == passing.giver else side for side in (mandate.partner, mandate.holder))
        if after[0] != after[1] and not (mandate.stands and after in own):
            mandate.pass_on(passing.giver, taker)
            passed.append(mandate.id)
            continue
        left.append(mandate.id)
        if mandate.stands and passing.because == Because.MERGED:
            fact = mandate.revoke(f"The partner was merged into {taker}.", passing.now)
            await record(session, mandate, fact, now=passing.now)
    await session.flush()
    return passed, left


async def pass_contacts(session: AsyncSession, contacts: Iterable[Contact], passing: Passing) -> list[str]:
    """Let these people be named by the taker."""
    passed = []
    for contact in contacts:
        contact.partner = passing.taker.id
        passed.append(contact.id)
    await session.flush()
    return passed


async def pass_clients(session: AsyncSession, clients: Iterable[Client], passing: Passing) -> list[str]:
    """Let these systems speak for the taker, with the secrets they have; tokens that name the giver are refused from now on."""
    passed = []
    for client in clients:
        fact = client.pass_to(passing.taker.id, passing.now)
        await record(session, client, *([fact] if fact is not None else []), now=passing.now)
        passed.append(client.id)
    await session.flush()
    return passed
