"""What happens to memberships when two partners become one, and when they become two again."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.merging.models import Because, MergeCircle, Passing, must_not_belong
from services.partners.models import plain
from services.partners.networks.commands import keep_its_days
from services.partners.networks.days import State, day_of
from services.partners.networks.models import MEMBERSHIP_DAY, Membership
from services.partners.networks.views import circle_with
from services.partners.registry.models import NETWORK_KINDS
from services.partners.registry.views import partners_named
from shared import due
from shared.events import Event
from shared.outbox import record_all

Left = list[dict[str, Any]]
"""Memberships that stayed on the old record: what they were, and which of the survivor's stands ``instead``."""


async def locked(session: AsyncSession, of: str | None = None, ids: Sequence[str] = ()) -> list[Membership]:
    """The memberships of a partner on either side, or those with these ids, kept from any change until the transaction ends."""
    which = Membership.id.in_(ids) if of is None else or_(Membership.partner == of, Membership.network == of)
    subjects = [f"{Membership.SUBJECT}/{one}" for one in await session.scalars(select(Membership.id).where(which))]
    # Whoever acts for its day, or ends it, holds what is due before the membership.
    await session.execute(select(due.due.c.subject).where(due.due.c.subject.in_(subjects)).order_by(due.due.c.subject).with_for_update())
    rows = await session.scalars(select(Membership).where(which).order_by(Membership.id).with_for_update(key_share=True))
    return list(rows)


async def pass_memberships(session: AsyncSession, mine: Sequence[Membership], passing: Passing) -> tuple[list[str], Left]:
    """Let these belong to the taker; one that shares a day with a membership that the taker has in the same network gives way to it.

    Raises `OneIsAMember` and `MergeCircle`.
    """
    changes: list[tuple[Membership, Event]] = []
    moved, left = list[str](), Left()
    own = await _own(session, passing.taker.id)
    for membership in _that_can_pass(mine, passing):
        session.expunge(membership)
        partner, network = (passing.taker.id if side == passing.giver else side for side in (membership.partner, membership.network))
        stands = membership.state == State.APPROVED
        instead = next((row.id for row in own[(partner, network)] if stands and membership.shares_a_day(row.term)), None)
        if instead is None:
            moved.append(membership.id)
            changes.append((membership, membership.pass_on(passing.giver, passing.taker.id, passing.because)))
            continue
        was = {"id": membership.id, "instead": instead, **plain(membership.ending())}
        ended = membership.give_way(passing.now, f"The partner is a member by {instead}, too.")
        changes += [(membership, ended)] if ended is not None else []
        left.append(was | {"gave_way": _said(membership) if ended is not None else None})
        await due.forgive(session, MEMBERSHIP_DAY, membership.subject)
    await record_all(session, changes, now=passing.now)
    await _close_no_circle(session, passing)
    return moved, left


async def let_stand_again(session: AsyncSession, gave_way: Sequence[Membership], left: Left, passing: Passing) -> None:
    """Let those that gave way hold as before, unless somebody changed them since."""
    was = {one["id"]: one for one in left}
    for membership in gave_way:
        before = was[membership.id]
        session.expunge(membership)
        if before["gave_way"] is not None and before["gave_way"] == _said(membership):
            as_it_was = {name: before[name] for name in membership.ending()}
            as_it_was["valid_to"] = date.fromisoformat(before["valid_to"]) if before["valid_to"] else None
            await record_all(session, [(membership, membership.stand_again(as_it_was))], now=passing.now)
        await keep_its_days(session, membership, passing.now)


def _that_can_pass(mine: Sequence[Membership], passing: Passing) -> list[Membership]:
    """Those that are not between the two; raises `OneIsAMember` unless such are long over, then they stay where they are."""
    between = [one for one in mine if passing.taker.id in (one.partner, one.network)]
    today = day_of(passing.now)
    must_not_belong([one.id for one in between if one.state == State.APPROVED and not one.term.over_on(today)])
    return [one for one in mine if one not in between]


async def _own(session: AsyncSession, partner: str) -> dict[tuple[str, str], list[Membership]]:
    """A partner's memberships, by their two sides, the latest first; what was only applied for stands in nobody's way."""
    found = defaultdict[tuple[str, str], list[Membership]](list)
    either = or_(Membership.partner == partner, Membership.network == partner)
    standing = select(Membership).where(either, Membership.state == State.APPROVED).order_by(Membership.valid_from.desc())
    for row in await session.scalars(standing):
        found[(row.partner, row.network)].append(row)
    return found


async def _close_no_circle(session: AsyncSession, passing: Passing) -> None:
    if passing.because != Because.MERGED or passing.taker.kind not in NETWORK_KINDS:
        return
    for membership in await session.scalars(
        select(Membership).where(Membership.partner == passing.taker.id, Membership.state == State.APPROVED)
    ):
        circle = await circle_with(session, membership)
        if circle is not None:
            known = await partners_named(session, circle)
            names = " → ".join(known[partner].acronym or next(iter(known[partner].names.values())) for partner in circle)
            fix = "End one of these memberships first."
            raise MergeCircle(f"It would close the circle {names}.", field="/into", fix=fix, circle=circle)


def _said(membership: Membership) -> str | None:
    return membership.valid_to.isoformat() if membership.valid_to is not None else None
