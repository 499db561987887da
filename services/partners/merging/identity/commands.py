"""What happens to names, identifiers and hosts when two partners become one, and when they become two again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.partners.merging.models import Merge
from services.partners.registry.history.models import PartnerChange
from services.partners.registry.hosting.views import host_of
from services.partners.registry.models import Partner
from services.partners.registry.standing.models import State
from services.partners.registry.views import survivor_of
from shared.auth import Caller
from shared.outbox import record


@dataclass(frozen=True, slots=True)
class Writer:
    """Who changes profiles, and when."""

    caller: Caller
    now: datetime


async def locked(session: AsyncSession, partners: Sequence[str], guests_of: str | None = None) -> dict[str, Partner]:
    """The partners, and those that one of them hosts, kept from any change and from being named until the transaction ends."""
    which: ColumnElement[bool] = Partner.id.in_(partners)
    if guests_of is not None:
        which = or_(which, and_(Partner.hosted_by == guests_of, Partner.merged_into.is_(None)))
    asked = select(Partner).options(joinedload(Partner.external_ids)).where(which).order_by(Partner.id)
    asked = asked.with_for_update(of=Partner, key_share=True).execution_options(populate_existing=True)
    return {partner.id: partner for partner in (await session.scalars(asked)).unique()}


async def become_one(session: AsyncSession, old: Partner, survivor: Partner, reason: str, by: Writer) -> dict[str, Any]:
    """Let the old record be the survivor, which is known by its names and keys; what came to the survivor so."""
    before, state_before = old.profile(), old.state
    await record(session, old, old.merge_into(survivor.id, reason, by.now), now=by.now)
    state: dict[str, dict[str, Any]] = {
        "state": {"old": state_before, "new": State.MERGED},
        "merged_into": {"old": None, "new": survivor.id},
    }
    session.add(_with(PartnerChange.of(old, before, by.caller), state))
    known = survivor.profile()
    aliases, keys = before.former_names(known), {*known.identifiers, *before.identifiers}
    hosted_by = await host_of(session, survivor.id, survivor.today(by.now))
    changes = {"aliases": (*known.aliases, *aliases), "identifiers": tuple(sorted(keys))}
    await change(session, survivor, changes | {"hosted_by": hosted_by}, by)
    return {"aliases": list(aliases), "identifiers": [list(key) for key in before.identifiers]}


async def become_two(session: AsyncSession, old: Partner, survivor: Partner, merge: Merge, by: Writer) -> None:
    """Let the old record stand for itself again, with the names and keys that it brought, as far as the survivor has them still."""
    known = survivor.profile()
    keys = {(scheme, value) for scheme, value in merge.moved["identifiers"]} & set(known.identifiers)
    aliases = tuple(alias for alias in known.aliases if alias not in merge.moved["aliases"])
    hosted_by = await host_of(session, survivor.id, survivor.today(by.now))
    changes = {"aliases": aliases, "identifiers": tuple(sorted(set(known.identifiers) - keys)), "hosted_by": hosted_by}
    await change(session, survivor, changes, by)
    before = old.profile()
    if old.hosted_by is not None:
        host = await survivor_of(session, old.hosted_by)
        old.hosted_by = host if host != old.id else None
    fact = old.come_back(merge.state_before, tuple(sorted(keys)), merge.undone_because, by.now)
    await record(session, old, fact, now=by.now)
    state: dict[str, dict[str, Any]] = {"state": {"old": State.MERGED, "new": old.state}, "merged_into": {"old": survivor.id, "new": None}}
    session.add(_with(PartnerChange.of(old, before, by.caller), state))


async def rehost(session: AsyncSession, guests: Sequence[Partner], host: str, by: Writer) -> list[str]:
    """Let the guests of one partner be those of another."""
    for guest in guests:
        await change(session, guest, {"hosted_by": host}, by)
    return [guest.id for guest in guests]


async def change(session: AsyncSession, partner: Partner, changes: Mapping[str, Any], by: Writer) -> None:
    """Change a profile that the caller has locked; nothing happens when it says nothing new."""
    before = partner.profile()
    updated = partner.update(changes, by.now)
    if updated is not None:
        await record(session, partner, updated, now=by.now)
        session.add(PartnerChange.of(partner, before, by.caller))


def _with(written: PartnerChange, more: dict[str, dict[str, Any]]) -> PartnerChange:
    written.changes = written.changes | more
    return written
