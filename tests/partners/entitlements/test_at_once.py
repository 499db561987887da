"""Changes in the same instant: who depends on the other waits, nothing is granted twice and nothing is lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.inheritance.commands import release
from services.partners.inheritance.models import Step, Tie
from services.partners.models import Seen
from services.partners.networks.commands import Ending, day_came, end_membership, join_network
from services.partners.networks.models import Joining
from shared.auth import PLATFORM, Caller
from shared.due import due
from tests.partners.entitlements.conftest import World

OPERATOR = Caller("operator", PLATFORM, frozenset({"read", "write", "admin"}))
NOW = datetime.now(UTC)
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


async def join(session: AsyncSession, partner: str, network: str) -> None:
    """Let the partner belong to the network, in a transaction that stays open."""
    await join_network(session, OPERATOR, Joining(partner=partner, network=network, role="member", valid_from=date(2020, 1, 1)), NOW)


async def waits(world: World, doing: asyncio.Task[Any]) -> bool:
    """Whether it comes to stand behind the open transaction, rather than to an end."""
    while not doing.done():
        async with world.service.runtime.database.reader() as reader:
            if await reader.scalar(_WAITING):
                return True
    return False


async def started(doing: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(doing)


async def test_a_member_that_joins_while_the_agreement_enters_into_force_misses_nothing(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    async with world.service.runtime.database.session() as session:
        await join(session, medellin, network)
        agreeing = await started(world.agreement(network, other))
        assert await waits(world, agreeing)
        await session.commit()
    agreement = await agreeing
    assert (await world.held(agreement))[medellin] == [network]
    assert len(await world.told(agreement)) == 3


async def test_a_city_that_joins_a_network_while_one_further_up_joins_another_misses_nothing(world: World) -> None:
    medellin, inner, outer, top, other = await world.city(), *[await world.network() for _ in range(3)], await world.city()
    agreement = await world.agreement(top, other)
    await world.join(inner, outer)
    async with world.service.runtime.database.session() as session:
        await join(session, outer, top)
        joining = await started(world.join(medellin, inner))
        assert await waits(world, joining)
        await session.commit()
    await joining
    assert (await world.held(agreement))[medellin] == [inner, outer, top]


async def test_who_waited_for_a_network_to_join_another_knows_the_new_way_up(world: World) -> None:
    medellin, inner, outer, top, other = await world.city(), *[await world.network() for _ in range(3)], await world.city()
    await world.join(inner, outer)
    membership = await world.join(outer, top, valid_from=(NOW + timedelta(days=5)).date().isoformat())
    sessions = world.service.runtime.database.session
    async with sessions() as first, sessions() as second:
        await day_came(first, f"membership/{membership['id']}", NOW + timedelta(days=6))
        joining = await started(join(second, medellin, inner))
        assert await waits(world, joining)
        await first.commit()
        await joining
        agreeing = await started(world.agreement(top, other))
        assert await waits(world, agreeing)
        await second.commit()
    assert (await world.held(await agreeing))[medellin] == [inner, outer, top]


async def test_of_two_paths_that_end_at_once_the_second_end_takes_the_entitlement_away(world: World) -> None:
    medellin, one, two, other = await world.city(), await world.network(), await world.network(), await world.city()
    agreement = await world.agreement(one, two, other)
    memberships = [await world.join(medellin, network) for network in (one, two)]
    async with world.service.runtime.database.session() as session:
        await end_membership(session, OPERATOR, Seen(memberships[0]["id"], 1), Ending(date(2025, 1, 1)), NOW)
        leaving = await started(world.leave(memberships[1]))
        assert await waits(world, leaving)
        await session.commit()
    await leaving
    assert medellin not in await world.held(agreement)
    assert [kind for kind, partner, _ in await world.told(agreement) if partner == medellin] == ["granted", "withdrawn"]


async def test_an_agreement_that_ends_while_a_member_joins_leaves_nothing_behind(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    agreement = await world.agreement(network, other)
    async with world.service.runtime.database.session() as session:
        await release(session, agreement, NOW)
        joining = await started(world.join(medellin, network))
        assert await waits(world, joining)
        await session.commit()
    await joining
    assert await world.held(agreement) == {}


async def test_a_membership_that_is_ended_on_its_very_day_waits_for_what_is_due(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    agreement = await world.agreement(network, other)
    membership = await world.join(medellin, network, valid_from=(NOW + timedelta(days=5)).date().isoformat())
    subject, ending = f"membership/{membership['id']}", Ending((NOW + timedelta(days=7)).date())
    sessions = world.service.runtime.database.session
    async with sessions() as first, sessions() as second:
        await first.execute(select(due).where(due.c.subject == subject).with_for_update())
        leaving = await started(end_membership(second, OPERATOR, Seen(membership["id"], 1), ending, NOW + timedelta(days=8)))
        assert await waits(world, leaving)
        await day_came(first, subject, NOW + timedelta(days=6))
        await first.commit()
        await leaving
        await second.commit()
    assert (await world.told(agreement))[-1] == ("withdrawn", medellin, "membership_ended")


async def test_the_second_half_of_a_circle_waits_for_the_first_and_is_refused(world: World) -> None:
    a, b, c, d = [await world.network(name) for name in "ABCD"]
    for partner, network in ((b, c), (d, a)):
        await world.join(partner, network)
    async with world.service.runtime.database.session() as session:
        await join(session, a, b)
        body = {"partner": c, "valid_from": "2020-01-01"}
        closing = await started(world.service.operator.post(f"/v1/networks/{d}/members", json=body))
        assert await waits(world, closing)
        await session.commit()
    answer = await closing
    assert (answer.status_code, answer.json()["circle"]) == (409, [c, d, a, b, c])


async def test_agreements_of_one_network_and_members_of_two_do_not_wait_for_each_other(world: World) -> None:
    one, two, network, another, other = (
        *[await world.city() for _ in range(2)],
        await world.network(),
        await world.network(),
        await world.city(),
    )
    first = await world.agreement(network, other)
    async with world.service.runtime.database.session() as session:
        await release(session, first, NOW)
        assert not await waits(world, await started(world.agreement(network, other)))
        await session.rollback()
        await join(session, one, network)
        assert not await waits(world, await started(world.join(two, another)))
        await session.rollback()


async def test_whatever_happens_at_once_everybody_has_what_the_paths_give(world: World) -> None:
    chance = random.Random(20240712)
    cities = [await world.city() for _ in range(4)]
    networks = [await world.network() for _ in range(4)]
    pairs = [(city, network) for city in cities for network in networks]
    pairs += [(inner, outer) for place, inner in enumerate(networks) for outer in networks[place + 1 :]]
    chance.shuffle(pairs)
    memberships: list[dict[str, Any]] = []
    bound: dict[str, list[str]] = {}
    for _ in range(5):
        joining = [world.join(*pairs.pop()) for _ in range(3)]
        leaving = [world.leave(memberships.pop(chance.randrange(len(memberships)))) for _ in range(min(2, len(memberships)))]
        parties = chance.sample(networks, 2)
        answers: list[Any] = await asyncio.gather(*joining, *leaving, world.agreement(*parties))
        memberships += answers[:3]
        bound[answers[-1]] = parties
    async with world.service.runtime.database.reader() as reader:
        steps = [Step(*row) for row in await reader.execute(select(Tie.membership, Tie.member, Tie.network))]
    assert {step.membership for step in steps} == {membership["id"] for membership in memberships}
    for agreement, parties in bound.items():
        assert set(await world.held(agreement)) == entitled(steps, parties)
        await world.told(agreement)


def entitled(steps: list[Step], parties: list[str]) -> set[str]:
    """The parties, their members, the members of those … until nobody is added."""
    found = set(parties)
    while more := {step.partner for step in steps if step.network in found} - found:
        found |= more
    return found
