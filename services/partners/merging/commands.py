"""What can be done when two records turn out to be one partner: merge them, and undo that.

Locks are taken in one order by both: names and identifiers, the partners (nobody who names one goes on meanwhile), mandates, agreements,
contacts and clients, what is due for memberships and these, and last the agreements in force and the web of memberships. Whoever changes
one of these things holds them in the same order, and is told that its version has passed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.inheritance.commands import have_succession, resettle, succeed
from services.partners.inheritance.models import Succession
from services.partners.inheritance.views import touched_by
from services.partners.merging.estate import commands as estate
from services.partners.merging.identity import commands as identity
from services.partners.merging.identity.commands import Writer
from services.partners.merging.memberships import commands as memberships
from services.partners.merging.models import (
    UNDONE_WITHIN,
    Because,
    Merge,
    Passing,
    SurvivorMerged,
    must_be_one_kind,
    must_be_told_of,
    row_of,
)
from services.partners.merging.views import last_merge, no_merge
from services.partners.models import Seen
from services.partners.networks.models import Membership
from services.partners.registry.claims import one_at_a_time
from services.partners.registry.hosting.commands import leave_own_roof, move_back_in, pass_hostings
from services.partners.registry.models import Partner
from services.partners.registry.refusals import PartnerIsMerged
from services.partners.registry.standing.views import must_be_active
from services.partners.registry.views import known_partners, no_partner, survivor_of
from shared.auth import Caller
from shared.db import new_id
from shared.refusals import Forbidden


@dataclass(frozen=True, slots=True)
class Wanted:
    """Into which partner another shall be merged, and why."""

    into: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Belongings:
    """What passes from one of the two to the other, all of it locked; memberships that gave way stand again after."""

    estate: estate.Estate
    memberships: Sequence[Membership]


async def merge_partner(session: AsyncSession, caller: Caller, seen: Seen, wanted: Wanted, now: datetime) -> Merge:
    """Let a partner be another one: all that belongs to it is the other's, and its id leads there.

    Raises Forbidden, NotFound, Stale, `PartnerIsMerged`, `UnknownPartner`, or why these two cannot be one.
    """
    _must_operate(caller)
    await one_at_a_time(session)
    partners = await identity.locked(session, [seen.id, wanted.into], guests_of=seen.id)
    old = await _standing(session, partners, seen)
    must_be_active(await known_partners(session, [wanted.into], field="/into"), [wanted.into], field="/into")
    survivor, state_before = partners[wanted.into], old.state
    must_be_one_kind(old, survivor)
    must_be_told_of(old)
    passing, by = Passing(old.id, row_of(survivor), Because.MERGED, now), Writer(caller, now)
    belongings = _Belongings(await estate.estate_of(session, old.id), await memberships.locked(session, of=old.id))
    moved, left = await _pass(session, belongings, passing)
    moved["hostings"] = await pass_hostings(session, old.id, survivor.id)
    left["hostings"] = await leave_own_roof(session, survivor, old.id, now)
    moved |= await identity.become_one(session, old, survivor, wanted.reason, by)
    guests = [one for one in partners.values() if one not in (old, survivor)]
    moved["guests"] = await identity.rehost(session, guests, survivor.id, by)
    said = {"partner": old.id, "into": survivor.id, "at": now, "client": caller.client, "reason": wanted.reason}
    merge = Merge(id=new_id(), **said, undo_until=now + UNDONE_WITHIN, state_before=state_before, moved=moved, left=left)
    session.add(merge)
    return merge


async def undo_merge(session: AsyncSession, caller: Caller, partner: str, reason: str, now: datetime) -> Merge:
    """Let a merged partner be itself again, with what it brought, as far as the survivor has it still; what came since stays there.

    Raises Forbidden, NotFound, `NotMerged`, `UndoTooLate` or `SurvivorMerged`.
    """
    _must_operate(caller)
    await one_at_a_time(session)
    merge = await last_merge(session, partner)
    if merge is None:
        raise no_merge(partner)
    merge.undo(reason, now)
    partners = await identity.locked(session, [merge.partner, merge.into, *merge.moved["guests"]])
    old, survivor = partners[merge.partner], partners[merge.into]
    if survivor.merged_into is not None:
        detail = f"The survivor was merged into {survivor.merged_into} since."
        fix = f"Undo that with POST /v1/partners/{survivor.id}/undo-merge first."
        raise SurvivorMerged(detail, fix=fix, into=survivor.merged_into)
    await _return(session, merge, Passing(survivor.id, row_of(old), Because.MERGE_UNDONE, now))
    by = Writer(caller, now)
    await pass_hostings(session, survivor.id, old.id, only=merge.moved["hostings"])
    await move_back_in(session, survivor, merge.left.get("hostings", ()), now)
    await identity.become_two(session, old, survivor, merge, by)
    guests = [partners[one] for one in merge.moved["guests"] if partners[one].hosted_by == survivor.id]
    await identity.rehost(session, guests, old.id, by)
    return merge


async def _return(session: AsyncSession, merge: Merge, passing: Passing) -> None:
    moved, left = merge.moved, merge.left["memberships"]
    named = estate.Named(**{name: moved[name] for name in ("mandates", "agreements", "contacts", "clients")})
    own = await estate.estate_named(session, passing.giver, named)
    gave_way = [one["id"] for one in left]
    locked = await memberships.locked(session, ids=[*moved["memberships"], *gave_way])
    await _pass(session, _Belongings(own, [one for one in locked if one.id not in gave_way]), passing)
    await memberships.let_stand_again(session, [one for one in locked if one.id in gave_way], left, passing)


async def _pass(session: AsyncSession, what: _Belongings, passing: Passing) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let all of it pass, and let whoever is entitled by it follow; the ids of what passed, and of what stayed."""
    giver, taker = passing.giver, passing.taker.id
    await have_succession(session, [agreement.id for agreement in what.estate.agreements])
    touched = await touched_by(session, [giver, taker])
    agreements, over = await estate.pass_agreements(session, what.estate.agreements, passing)
    mandates, ended = await estate.pass_mandates(session, what.estate.mandates, passing)
    contacts = await estate.pass_contacts(session, what.estate.contacts, passing)
    clients = await estate.pass_clients(session, what.estate.clients, passing)
    held, gave_way = await memberships.pass_memberships(session, what.memberships, passing)
    await succeed(session, Succession(giver, taker, held, agreements, [one["id"] for one in gave_way]))
    touched = touched.and_also(await touched_by(session, [giver, taker]))
    await resettle(session, touched, passing.because.entitling, passing.now)
    moved = {"agreements": agreements, "memberships": held, "mandates": mandates, "contacts": contacts, "clients": clients}
    return moved, {"agreements": over, "memberships": gave_way, "mandates": ended}


async def _standing(session: AsyncSession, partners: Mapping[str, Partner], seen: Seen) -> Partner:
    """The partner that the caller saw, which was not merged before."""
    old = partners.get(seen.id)
    if old is None:
        raise no_partner(seen.id)
    if old.merged_into is not None:
        raise PartnerIsMerged(old.id, await survivor_of(session, old.id), "path/partner")
    seen.must_be_current(old.version, "partner")
    return old


def _must_operate(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only an operator of the platform merges partners.", fix="Tell the platform's operator which two are one.")
