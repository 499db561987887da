"""What changes who is entitled: a membership begins or ends to hold, a member decides, an agreement begins or ends to bind.

Each works out again exactly the pairs of partner and agreement that it may touch, after it has made those wait that may touch the
same ones. Who changes a tie owns the member and every network above it; who changes an agreement shares the parties that it binds: so
a tie and an agreement meet at the network where they would miss each other, while agreements pass each other, and so do the ties of
different networks. All share the web, except a network that joins or leaves another, since that moves what is above all below it: it has
the web alone. Locks are taken in one order (agreement, web, partners by number), and end with the transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, literal, text, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.inheritance import views
from services.partners.inheritance.models import (
    AGREEMENT_OVER,
    REST,
    Accord,
    BoundParty,
    Choice,
    Entitlement,
    InForce,
    Path,
    Reason,
    Rest,
    Step,
    Succession,
    Tie,
    Touched,
    Web,
)
from shared import due
from shared.crash import crash_here
from shared.db import Key, upsert
from shared.events import EntitlementGranted, EntitlementWithdrawn
from shared.outbox import record_all

_WEB: Final = 0x1A7E2B0E1
"""The advisory lock of the web of memberships as a whole."""

PORTION: Final = 250
"""So many pairs of partner and agreement are worked out and written at a time."""

AT_ONCE: Final = 1000
"""So many pairs are settled in the transaction that touches them; the rest follows in others, so that nobody waits long for its locks."""

Ways = Sequence[tuple[Accord, Mapping[str, Path]]]
"""Agreements in force, each with the path of everybody whom it entitles."""

_LOCKS: Final = text(
    "SELECT (CASE WHEN alone THEN CAST(pg_advisory_xact_lock(number) AS text) ELSE CAST(pg_advisory_xact_lock_shared(number) AS text) END) "
    "FROM unnest(CAST(:numbers AS bigint[]), CAST(:alone AS boolean[])) AS wanted(number, alone)"
)


async def tie(session: AsyncSession, step: Step, now: datetime) -> None:
    """The membership holds from now on, and passes on what its network signed; done again it does nothing."""
    await _have_the_way_up(session, step)
    made = await session.scalar(_tied(step).on_conflict_do_nothing().returning(Tie.membership))
    if made is not None:
        await _settle_below(session, step.partner, await _bound_above(session, step), Reason.MEMBERSHIP_STARTED, now)


async def untie(session: AsyncSession, step: Step, now: datetime) -> None:
    """The membership holds no longer; done again, or before it held, it does nothing."""
    await _cut(session, step, Reason.MEMBERSHIP_ENDED, now)


async def retie(session: AsyncSession, step: Step, *, passes: bool, now: datetime) -> None:
    """The membership passes on otherwise from now on: by itself, by choice or nothing; done again it does nothing."""
    if not passes:
        await _cut(session, step, Reason.MEMBERSHIP_CHANGED, now)
        return
    await _have_the_way_up(session, step)
    way, other = {"by_choice": step.by_choice}, Tie.by_choice != step.by_choice
    kept = _tied(step).on_conflict_do_update(index_elements=[Tie.membership], set_=way, where=other)
    if await session.scalar(kept.returning(Tie.membership)) is not None:
        await _settle_way_up(session, step, Reason.MEMBERSHIP_CHANGED, now)


async def choose(session: AsyncSession, step: Step, agreement: str, *, taken: bool, now: datetime) -> None:
    """The member decided whether it takes part in an agreement of its network, in force or yet to come."""
    await _have_the_way_up(session, step)
    row = {"membership": step.membership, "agreement": agreement, "taken": taken, "chosen_at": now}
    await upsert(session, Choice, [row], key=("membership", "agreement"))
    await _settle_below(session, step.partner, [agreement], Reason.OPTED_IN if taken else Reason.OPTED_OUT, now)


async def bind(session: AsyncSession, accord: Accord, now: datetime) -> None:
    """The agreement binds from now on, until its end comes; done again, or when it is over already, it does nothing."""
    if accord.ends_at is not None and accord.ends_at <= now:
        return
    await _have_agreement(session, accord.agreement, accord.bound)
    row = {"agreement": accord.agreement, "lines": accord.lines, "visibility": accord.visibility, "parties": accord.parties}
    made = await session.scalar(insert(InForce).values(row).on_conflict_do_nothing().returning(InForce.agreement))
    if made is None:
        return
    await session.execute(insert(BoundParty), [{"agreement": accord.agreement, "partner": party} for party in accord.bound])
    if accord.ends_at is not None:
        await due.owe(session, AGREEMENT_OVER, f"agreement/{accord.agreement}", accord.ends_at)
    await _settle_rest(session, accord, Rest(accord.agreement, "", Reason.AGREEMENT_IN_FORCE, ""), now)


async def release(session: AsyncSession, agreement: str, now: datetime) -> None:
    """The agreement binds nobody any longer, so it entitles nobody; done again it does nothing."""
    await _wait(session, [(_number(agreement), True)])
    for accord in await views.accords(session, [agreement]):
        await _have_agreement(session, agreement, accord.bound)
        partners = await views.beneficiaries(session, agreement)
        await _follow(session, partners, [(accord, {})], Reason.AGREEMENT_OVER, now)
        await session.execute(delete(BoundParty).where(BoundParty.agreement == agreement))
        await session.execute(delete(InForce).where(InForce.agreement == agreement))


async def have_succession(session: AsyncSession, agreements: Iterable[str]) -> None:
    """Wait for whoever changes one of these agreements or any tie, and keep them waiting until the transaction ends."""
    await _wait(session, [*((number, True) for number in sorted(map(_number, agreements))), (_WEB, True)])


async def succeed(session: AsyncSession, succession: Succession) -> None:
    """Let a partner's place in ties and agreements be another's; `resettle` follows with what was and what is touched."""
    old, new = succession.partner, succession.successor
    await session.execute(delete(Tie).where(Tie.membership.in_(succession.ended)))
    for side in (Tie.member, Tie.network):
        await session.execute(update(Tie).where(Tie.membership.in_(succession.memberships), side == old).values({side: new}))
    in_force = InForce.agreement.in_(succession.agreements)
    await session.execute(
        update(InForce).where(in_force).values(parties=func.array_replace(InForce.parties, literal(old, Key), literal(new, Key)))
    )
    bound = update(BoundParty).where(BoundParty.agreement.in_(succession.agreements), BoundParty.partner == old)
    await session.execute(bound.values(partner=new).execution_options(synchronize_session=False))


async def resettle(session: AsyncSession, touched: Touched, reason: Reason, now: datetime) -> None:
    """Work out again what these partners may use of these agreements; what has not changed is not told."""
    if touched.agreements:
        await _settle(session, sorted(touched.partners), sorted(touched.agreements), reason, now)


async def have_the_web(session: AsyncSession) -> None:
    """Wait until nobody else changes which network belongs to which, and keep everybody else waiting until the transaction ends."""
    await _wait(session, [(_WEB, True)])


async def agreement_over(session: AsyncSession, subject: str, now: datetime) -> None:
    """The last day of an agreement has passed."""
    await release(session, subject.partition("/")[2], now)


async def rest_due(session: AsyncSession, subject: str, now: datetime) -> None:
    """The next portion of a change that touches very many; what was settled by another change meanwhile is not told again."""
    rest = Rest.of(subject)
    await _wait(session, [(_number(rest.agreement), True)])
    for accord in await views.accords(session, [rest.agreement]):
        await _have_agreement(session, rest.agreement, accord.bound)
        await _settle_rest(session, accord, rest, now)


async def _settle_rest(session: AsyncSession, accord: Accord, rest: Rest, now: datetime) -> None:
    """Work out what is left of a change, as it is now, as many pairs as may be in one transaction; what is left then is due."""
    below = await views.members_below(session, [rest.below] if rest.below else accord.bound)
    partners = sorted(partner for partner in below if partner > rest.after)
    # The parties themselves wait for nobody.
    some = [*partners[:AT_ONCE], *sorted({*accord.bound} & {*partners[AT_ONCE:]})]
    await _settle(session, some, [rest.agreement], rest.reason, now)
    if len(partners) > AT_ONCE:
        await due.owe(session, REST, replace(rest, after=partners[AT_ONCE - 1]).subject, now)


def _tied(step: Step) -> Insert:
    return insert(Tie).values(membership=step.membership, member=step.partner, network=step.network, by_choice=step.by_choice)


async def _cut(session: AsyncSession, step: Step, reason: Reason, now: datetime) -> None:
    """Let nothing pass over the membership any more, and settle what did; where nothing passed it does nothing."""
    await _have_the_way_up(session, step)
    gone = await session.scalar(delete(Tie).where(Tie.membership == step.membership).returning(Tie.membership))
    if gone is not None:
        await _settle_way_up(session, step, reason, now)


async def _settle_way_up(session: AsyncSession, step: Step, reason: Reason, now: datetime) -> None:
    """Work out at once what the partner and those below it may use by the way up that was there until now.

    All in one: whoever leaves the partner before its turn came would no more be below it, and keep what it had.
    """
    agreements = await _bound_above(session, step)
    if agreements:
        await _settle(session, await views.members_below(session, [step.partner]), agreements, reason, now)


async def _bound_above(session: AsyncSession, step: Step) -> Sequence[str]:
    """The agreements that bind the network of a membership, or a network above it."""
    return await views.agreements_binding(session, await views.networks_above(session, step.network))


async def _settle_below(session: AsyncSession, partner: str, agreements: Sequence[str], reason: Reason, now: datetime) -> None:
    """Work out again what the partner and those below it may use of these agreements; where they are very many, some of it later."""
    partners = await views.members_below(session, [partner])
    if len(partners) * len(agreements) <= AT_ONCE:
        if agreements:
            await _settle(session, partners, agreements, reason, now)
        return
    await _settle(session, [partner], agreements, reason, now)
    for agreement in agreements:
        await due.owe(session, REST, Rest(agreement, partner, reason, "").subject, now)


async def _settle(session: AsyncSession, partners: Sequence[str], agreements: Sequence[str], reason: Reason, now: datetime) -> None:
    """Work out again what these partners may use of these agreements."""
    steps = await views.steps_above(session, partners)
    web, chosen = Web(steps), await views.choices(session, {step.membership for step in steps}, agreements)
    accords = await views.accords(session, agreements)
    await _follow(
        session, partners, [(accord, web.reached(accord.bound, chosen.get(accord.agreement, {}))) for accord in accords], reason, now
    )


async def _follow(session: AsyncSession, partners: Sequence[str], ways: Ways, reason: Reason, now: datetime) -> None:
    """Let these partners follow these ways, a portion at a time: between two of them the process does what else it has to."""
    size = max(1, PORTION // max(1, len(ways)))
    for start in range(0, len(partners) if ways else 0, size):
        some = partners[start : start + size]
        known = await views.entitlements(session, some, [accord.agreement for accord, _ in ways])
        facts: list[tuple[Entitlement, EntitlementGranted | EntitlementWithdrawn]] = []
        moved: list[Entitlement] = []
        for accord, paths in ways:
            for partner in some:
                row = known.get((partner, accord.agreement))
                if row is None and partner not in paths:
                    continue
                row = (row or Entitlement.of(partner, accord, now)).under(accord)
                before = row.path
                fact = row.become(paths.get(partner), reason, now)
                if fact is not None:
                    facts.append((row, fact))
                elif row.path != before:
                    moved.append(row)
        await record_all(session, facts, now=now)
        if facts:
            crash_here("entitlements.midway")
        await _keep_paths(session, moved)


async def _keep_paths(session: AsyncSession, moved: Iterable[Entitlement]) -> None:
    """Write another path to what a partner had already: nothing to tell, for nothing changed for it."""
    columns = [column.key for column in Entitlement.__table__.columns]
    rows = [{name: getattr(row, name) for name in columns} | {"version": row.version + 1} for row in moved]
    await upsert(session, Entitlement, rows, key=("id",))


async def _have_the_way_up(session: AsyncSession, step: Step) -> None:
    """Wait for whoever changes a tie or an agreement that a path over this step could use."""
    if await views.may_have_members(session, step.partner):
        await have_the_web(session)
        return
    await _wait(session, [(_WEB, False)])
    owned = [step.partner, *await views.networks_above(session, step.network)]
    await _wait(session, [(number, True) for number in sorted({_number(partner) for partner in owned})])


async def _have_agreement(session: AsyncSession, agreement: str, bound: Sequence[str]) -> None:
    """Wait for whoever changes this agreement, or a tie on a way to one of the parties that it binds."""
    shared = [(number, False) for number in sorted({_number(party) for party in bound})]
    await _wait(session, [(_number(agreement), True), (_WEB, False), *shared])


async def _wait(session: AsyncSession, locks: Sequence[tuple[int, bool]]) -> None:
    """Take the locks one after the other in this order; True is alone, False is shared."""
    await session.execute(_LOCKS, {"numbers": [number for number, _ in locks], "alone": [alone for _, alone in locks]})


def _number(identity: str) -> int:
    """The advisory lock of a thing: the random part of its id, so that two things all but never share one."""
    return UUID(identity).int & 0x7FFF_FFFF_FFFF_FFFF


ACTS: due.Acts = {AGREEMENT_OVER: agreement_over, REST: rest_due}
"""What happens to entitlements by date."""
