"""What touches very many partners is done in portions, each in a transaction of its own: nobody waits long, and nothing is told twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from services.partners.inheritance import commands
from tests.partners.entitlements.conftest import World


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pairs at a time."""
    monkeypatch.setattr(commands, "AT_ONCE", 2)


async def network_of(world: World, *cities: str) -> str:
    """A network with these members."""
    network = await world.network()
    for city in cities:
        await world.join(city, network)
    return network


async def everything_done(world: World) -> None:
    while await world.service.act(datetime.now(UTC)):
        pass


async def granted(world: World, agreement: str) -> Counter[tuple[str, str]]:
    """How often each partner was told what of the agreement."""
    return Counter((kind, partner) for kind, partner, _ in await world.told(agreement))


async def test_an_agreement_of_a_large_network_entitles_each_member_once(world: World) -> None:
    cities = [await world.city() for _ in range(5)]
    network, other = await network_of(world, *cities), await world.city()
    agreement = await world.agreement(network, other)
    first = await world.held(agreement)
    assert {network, other} <= first.keys(), "the parties wait for nobody"
    assert len(first) < 7
    await everything_done(world)
    assert (await world.held(agreement)).keys() == {network, other, *cities}
    assert await granted(world, agreement) == Counter(("granted", one) for one in (network, other, *cities))


async def test_a_large_network_that_joins_another_passes_on_what_that_signed_to_each_member_once(world: World) -> None:
    cities = [await world.city() for _ in range(5)]
    inner, outer, other = await network_of(world, *cities), await world.network(), await world.city()
    agreements = [await world.agreement(outer, other) for _ in range(2)]
    await world.join(inner, outer)
    assert [inner in await world.held(agreement) for agreement in agreements] == [True, True]
    await everything_done(world)
    for agreement in agreements:
        assert (await world.held(agreement)).keys() == {inner, outer, other, *cities}
        assert await granted(world, agreement) == Counter(("granted", one) for one in (inner, outer, other, *cities))


async def test_who_comes_and_goes_between_two_portions_has_what_it_may_have(world: World) -> None:
    cities = [await world.city() for _ in range(6)]
    network, other, late = await world.network(), await world.city(), await world.city()
    memberships = {city: await world.join(city, network) for city in cities}
    agreement = await world.agreement(network, other)
    before = await world.held(agreement)
    for left in (cities[0], cities[5]):
        await world.leave(memberships[left])
    await world.join(late, network)
    await everything_done(world)
    assert (await world.held(agreement)).keys() == {network, other, late, *cities[1:5]}
    told = await granted(world, agreement)
    assert max(told.values()) == 1
    assert {one for kind, one in told if kind == "withdrawn"} == {cities[0], cities[5]} & before.keys()


async def test_an_agreement_that_ends_between_two_portions_entitles_nobody(world: World) -> None:
    cities = [await world.city() for _ in range(5)]
    network = await network_of(world, *cities)
    agreement = await world.agreement(network, await world.city())
    async with world.service.runtime.database.session() as session:
        await commands.release(session, agreement, datetime.now(UTC))
        await session.commit()
    await everything_done(world)
    assert await world.held(agreement) == {}
    told = await granted(world, agreement)
    assert {one for kind, one in told if kind == "granted"} == {one for kind, one in told if kind == "withdrawn"}
