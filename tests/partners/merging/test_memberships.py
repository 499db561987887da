"""Memberships follow a merge on either side, and whoever may take part by them still may."""

from __future__ import annotations

from typing import Any

from tests.partners.agreements.conftest import refused
from tests.partners.merging.conftest import Two


async def networks(two: Two) -> tuple[str, str]:
    """Two records of one network."""
    return await two.world.network("Red GovTech"), await two.world.network("Red Mundial GovTech")


async def test_a_membership_is_the_survivors_with_its_days_and_the_entitlement_follows(two: Two) -> None:
    network, other = await two.world.network(), await two.world.city()
    membership = await two.world.join(two.old.partner, network)
    agreement = await two.world.agreement(network, other)
    await two.merged()
    after = await two.read(f"/v1/memberships/{membership['id']}")
    assert after == membership | {"partner": two.survivor.partner, "version": 2}
    (_, fact) = await two.service.facts(f"membership/{membership['id']}")
    said = {"membership": membership["id"], "partner": two.survivor.partner, "network": network}
    assert fact["data"] == said | {"was_partner": two.old.partner, "was_network": network, "because": "merged"}
    assert (await two.world.held(agreement))[two.survivor.partner] == [network]
    assert two.old.partner not in await two.world.held(agreement)
    told = [one for one in await two.world.told(agreement) if one[1] in (two.old.partner, two.survivor.partner)]
    assert sorted(told) == sorted(
        [
            ("granted", two.old.partner, "agreement_in_force"),
            ("withdrawn", two.old.partner, "partners_merged"),
            ("granted", two.survivor.partner, "partners_merged"),
        ]
    )


async def test_members_of_the_old_network_are_the_survivors_and_are_told_nothing_when_nothing_changes(two: Two) -> None:
    old, survivor = await networks(two)
    medellin, cali, other = await two.world.city(), await two.world.city("Cali"), await two.world.city("Tartu")
    await two.world.join(medellin, old)
    await two.world.join(cali, survivor)
    agreement = await two.world.agreement(old, other)
    own = await two.world.agreement(survivor, other)
    await two.merged(old=old, into=survivor)
    for one in (agreement, own):
        held = await two.world.held(one)
        assert held == {survivor: [], other: [], medellin: [survivor], cali: [survivor]}
        assert len([told for told in await two.world.told(one) if told[1] == (medellin if one == agreement else cali)]) == 1
    assert ("granted", cali, "partners_merged") in await two.world.told(agreement)
    listed = await two.read(f"/v1/networks/{survivor}/members")
    assert {item["partner"] for item in listed["items"]} == {medellin, cali}


async def test_where_both_are_members_the_survivors_membership_stands_and_the_other_ends(two: Two) -> None:
    network, other = await two.world.network(), await two.world.city()
    mine, theirs = await two.world.join(two.old.partner, network), await two.world.join(two.survivor.partner, network, role="founding")
    agreement = await two.world.agreement(network, other)
    merge = await two.merged()
    assert merge["left"]["memberships"] == [{"membership": mine["id"], "instead": theirs["id"]}]
    after = await two.read(f"/v1/memberships/{mine['id']}")
    assert (after["partner"], theirs["id"] in after["reason"]) == (two.old.partner, True)
    assert after["valid_to"] < merge["at"][:10]
    assert await two.read(f"/v1/memberships/{theirs['id']}") == theirs
    told = await two.world.told(agreement)
    assert [one for one in told if one[1] == two.survivor.partner] == [("granted", two.survivor.partner, "agreement_in_force")]
    assert [one[0] for one in told if one[1] == two.old.partner] == ["granted", "withdrawn"]
    assert (await two.types(f"membership/{mine['id']}"))[-1] == "membership.ended"


async def test_what_a_member_chose_goes_with_its_membership(two: Two) -> None:
    network, other = await two.world.network(), await two.world.city()
    membership = await two.world.join(two.old.partner, network, inherits_agreements="opt_in")
    agreement = await two.world.agreement(network, other)
    answer = await two.old.post(f"/v1/memberships/{membership['id']}/agreements/{agreement}/opt-in", headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    await two.merged()
    assert (await two.world.held(agreement))[two.survivor.partner] == [network]


async def test_a_network_and_its_member_are_not_one_unless_that_is_long_over(two: Two) -> None:
    old, survivor = await networks(two)
    membership = await two.world.join(old, survivor)
    problem = refused(await two.merge(old, survivor), 409, "one-is-a-member")
    assert (problem["field"], problem["memberships"]) == ("/into", [membership["id"]])
    await two.world.leave(membership)
    await two.merged(old=old, into=survivor)
    assert (await two.read(f"/v1/memberships/{membership['id']}"))["partner"] == old


async def test_a_merge_closes_no_circle(two: Two) -> None:
    old, survivor = await networks(two)
    between = await two.world.network("Red intermedia")
    await two.world.join(survivor, between)
    await two.world.join(between, old)
    problem = refused(await two.merge(old, survivor), 409, "merge-circle")
    assert problem["circle"] == [survivor, between, survivor]
    assert (await two.read(f"/v1/partners/{old}"))["state"] == "active"


async def test_a_party_both_bound_and_merged_is_entitled_once(two: Two) -> None:
    agreement: dict[str, Any] = await two.table.signed()
    own = await two.world.agreement(two.table.medellin.partner, two.survivor.partner)
    await two.merged()
    for one in (agreement["id"], own):
        assert set(await two.world.held(one)) == {two.table.medellin.partner, two.survivor.partner}
    assert [told for told in await two.world.told(own) if told[0] == "withdrawn"] == []
    assert len([told for told in await two.world.told(agreement["id"]) if told[1] == two.table.medellin.partner]) == 1
