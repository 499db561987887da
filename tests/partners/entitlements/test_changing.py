"""A membership passes on otherwise: whom it touches loses or gets what it brought, by the paths that are left, and nobody else."""

from __future__ import annotations

from typing import Any

from services.partners.inheritance.commands import release
from services.partners.models import Seen
from services.partners.networks.tenure.commands import change_membership
from services.partners.networks.tenure.models import Change
from tests.partners.entitlements.conftest import World
from tests.partners.entitlements.test_at_once import NOW, OPERATOR, started, waits


async def change(world: World, membership: dict[str, Any], **said: str) -> dict[str, Any]:
    """Change a membership as it was read."""
    headers = {"If-Match": f'"{membership["version"]}"'}
    answer = await world.service.operator.patch(f"/v1/memberships/{membership['id']}", json=said, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_what_a_network_s_membership_no_longer_passes_on_its_members_lose_and_get_back(world: World) -> None:
    city, beside, inner, outer, other = await world.city(), await world.city(), *[await world.network() for _ in range(3)]
    await world.join(city, inner)
    await world.join(beside, outer)
    membership, agreement, own = await world.join(inner, outer), await world.agreement(outer, other), await world.agreement(inner, other)
    kept, before = await world.told(own), await world.told(agreement)
    nothing = await change(world, membership, inherits_agreements="no")
    assert await world.held(agreement) == {beside: [outer], outer: [], other: []}
    await change(world, nothing, inherits_agreements="auto")
    assert await world.held(agreement) == {beside: [outer], outer: [], other: [], inner: [outer], city: [inner, outer]}
    news = (await world.told(agreement))[len(before) :]
    assert sorted(news) == sorted((kind, who, "membership_changed") for kind in ("granted", "withdrawn") for who in (inner, city))
    assert await world.told(own) == kept


async def test_by_choice_passes_what_was_chosen_before_and_by_itself_the_rest(world: World) -> None:
    city, network, other = await world.city(), await world.network(), await world.city()
    membership = await world.join(city, network)
    chosen, left, undecided = [await world.agreement(network, other) for _ in range(3)]
    for agreement, way in ((chosen, "in"), (left, "out")):
        place = f"/v1/memberships/{membership['id']}/agreements/{agreement}/opt-{way}"
        answer = await world.service.operator.post(place, headers={"If-Match": f'"{membership["version"]}"'})
        membership = dict(answer.json())
    by_choice = await change(world, membership, inherits_agreements="opt_in")
    assert [city in await world.held(one) for one in (chosen, left, undecided)] == [True, False, False]
    await change(world, by_choice, inherits_agreements="auto")
    assert [city in await world.held(one) for one in (chosen, left, undecided)] == [True, False, True]
    assert [told for told in await world.told(chosen) if told[1] == city] == [("granted", city, "agreement_in_force")]


async def test_who_has_another_way_keeps_what_it_has_and_nothing_is_told(world: World) -> None:
    city, one, two, other = await world.city(), await world.network(), await world.network(), await world.city()
    agreement = await world.agreement(one, two, other)
    memberships = {network: await world.join(city, network) for network in (one, two)}
    before = await world.told(agreement)
    (first,) = (await world.held(agreement))[city]
    await change(world, memberships[first], role="observer")
    assert (await world.held(agreement))[city] == [two if first == one else one]
    assert await world.told(agreement) == before


async def test_a_change_and_an_agreement_in_the_same_instant_miss_nothing_of_each_other(world: World) -> None:
    city, network, other = await world.city(), await world.network(), await world.city()
    membership = await world.join(city, network, inherits_agreements="no")
    async with world.service.runtime.database.session() as session:
        await change_membership(session, OPERATOR, Seen(membership["id"], 1), Change(inherits_agreements="auto"), NOW)
        agreeing = await started(world.agreement(network, other))
        assert await waits(world, agreeing)
        await session.commit()
    assert (await world.held(await agreeing))[city] == [network]


async def test_an_agreement_that_ends_while_a_membership_changes_leaves_nothing_behind(world: World) -> None:
    city, network, other = await world.city(), await world.network(), await world.city()
    membership, agreement = await world.join(city, network, inherits_agreements="no"), await world.agreement(network, other)
    async with world.service.runtime.database.session() as session:
        await release(session, agreement, NOW)
        changing = await started(change(world, membership, inherits_agreements="auto"))
        assert await waits(world, changing)
        await session.commit()
    await changing
    assert await world.held(agreement) == {}
