"""A member that takes part by choice opts in, and every member may opt out, agreement by agreement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.partners.entitlements.schemas import ChoiceOut
from tests.partners.conftest import PartnerClient
from tests.partners.entitlements.conftest import World

NOBODY = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"


async def opted(client: PartnerClient, membership: dict[str, Any], agreement: str, verb: str = "in", version: int = 1) -> httpx.Response:
    url = f"/v1/memberships/{membership['id']}/agreements/{agreement}/opt-{verb}"
    return await client.post(url, headers={"If-Match": f'"{version}"'})


async def test_who_takes_part_by_choice_is_entitled_once_it_opts_in(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership = await world.join(medellin, network, inherits_agreements="opt_in")
    chosen, passed_by = await world.agreement(network, other), await world.agreement(network, other)
    client = await world.client_of(medellin)
    answer = await opted(client, membership, chosen)
    assert (answer.status_code, answer.headers["etag"], answer.json()) == (200, '"2"', membership | {"version": 2})
    assert (await world.held(chosen))[medellin] == [network]
    assert medellin not in await world.held(passed_by)
    assert (await world.told(chosen))[-1] == ("granted", medellin, "opted_in")
    fact = (await world.service.facts(f"membership/{membership['id']}"))[1]
    assert fact["type"] == "org.interurbe.membership.opted_in.v1"
    assert fact["data"] == {"membership": membership["id"], "partner": medellin, "network": network, "agreement": chosen}
    assert fact["headers"]["ce_visibility"] == "parties"
    assert set(fact["headers"]["ce_audience"].split(",")) == {medellin, network}
    assert (await opted(client, membership, chosen, "out", 2)).headers["etag"] == '"3"'
    assert medellin not in await world.held(chosen)
    assert (await world.told(chosen))[-1] == ("withdrawn", medellin, "opted_out")


async def test_who_takes_part_by_itself_may_opt_out_and_in_again(world: World) -> None:
    nested, inner, outer, other = await world.city(), await world.network(), await world.network(), await world.city()
    await world.join(nested, inner)
    membership = await world.join(inner, outer)
    agreement = await world.agreement(outer, other)
    client = await world.client_of(inner)
    assert (await opted(client, membership, agreement, "out")).status_code == 200
    assert await world.held(agreement) == {outer: [], other: []}
    assert (await opted(client, membership, agreement, "in", 2)).status_code == 200
    assert await world.held(agreement) == {nested: [inner, outer], inner: [outer], outer: [], other: []}


async def test_what_was_chosen_before_the_agreement_is_in_force_counts(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership = await world.join(medellin, network, inherits_agreements="opt_in")
    days: dict[str, Any] = {"effective_rule": "fixed_date", "effective_on": "2999-01-01"}
    agreement = await world.agreement(network, other, **days)
    assert (await opted(world.service.operator, membership, agreement)).status_code == 200
    assert await world.held(agreement) == {}
    await world.service.act(datetime(2999, 1, 2, tzinfo=UTC))
    assert medellin in await world.held(agreement)


async def test_the_same_choice_again_changes_nothing(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership, agreement = await world.join(medellin, network), await world.agreement(network, other)
    for _ in range(2):
        answer = await opted(world.service.operator, membership, agreement, "out")
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert len(await world.service.facts(f"membership/{membership['id']}")) == 2
    stale = await opted(world.service.operator, membership, agreement, "in", version=1)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")


@pytest.mark.parametrize("said", [{"role": "observer"}, {"inherits_agreements": "no"}])
async def test_where_nothing_passes_there_is_nothing_to_choose(world: World, said: dict[str, str]) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership, agreement = await world.join(medellin, network, **said), await world.agreement(network, other)
    for verb in ("in", "out"):
        answer = await opted(world.service.operator, membership, agreement, verb)
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-choose")
        assert answer.json()["fix"]


async def test_who_takes_part_through_a_network_within_a_network_reads_what_is_for_networks_and_may_opt_out(world: World) -> None:
    nested, inner, outer, other = await world.city(), await world.network(), await world.network(), await world.city()
    membership = await world.join(nested, inner)
    await world.join(inner, outer)
    agreement = await world.agreement(outer, other, visibility="network")
    client, stranger = await world.client_of(nested), await world.client_of(await world.city())
    assert [item["agreement"] for item in (await client.get(f"/v1/partners/{nested}/entitlements")).json()["items"]] == [agreement]
    assert [(await who.get(f"/v1/agreements/{agreement}")).status_code for who in (client, stranger)] == [200, 404]
    assert (await client.get(f"/v1/agreements/{agreement}/revisions/1")).status_code == 200
    assert (await opted(client, membership, agreement, "out")).status_code == 200
    assert nested not in await world.held(agreement)
    await world.leave(membership | {"version": 2})
    assert (await client.get(f"/v1/agreements/{agreement}")).status_code == 404


async def test_what_cannot_be_chosen_is_refused(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership, agreement = await world.join(medellin, network), await world.agreement(network, other)
    secret = await world.agreement(network, other, visibility="parties")
    member, signatory = await world.client_of(medellin), await world.client_of(network)
    refusals = [
        (await opted(signatory, membership, agreement, "out"), 403, "forbidden"),
        (await opted(member, membership, NOBODY, "out"), 404, "not-found"),
        (await opted(member, membership, secret, "out"), 404, "not-found"),
        (await opted(member, {"id": NOBODY}, agreement, "out"), 404, "not-found"),
        (await opted(member, membership, agreement, "out", version=7), 412, "stale"),
        (await member.post(f"/v1/memberships/{membership['id']}/agreements/{agreement}/opt-out"), 428, "precondition-required"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer, _, _ in refusals] == [(status, code) for _, status, code in refusals]
    assert medellin in await world.held(agreement)
    await world.leave(membership)
    over = await opted(member, membership, agreement, "in", version=2)
    assert (over.status_code, over.json()["code"]) == (409, "membership-over")


async def test_what_a_member_chose_is_read_back_by_the_two_and_the_operator(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership = await world.join(medellin, network)
    left, taken, _passed_by = [await world.agreement(network, other) for _ in range(3)]
    member, url = await world.client_of(medellin), f"/v1/memberships/{membership['id']}/agreements"
    assert (await member.get(url)).json() == {"items": [], "next": None}
    before = datetime.now(UTC)
    for version, (agreement, verb) in enumerate([(left, "in"), (taken, "in"), (left, "out"), (left, "out")], start=1):
        assert (await opted(member, membership, agreement, verb, version)).status_code == 200
    for client in (member, await world.client_of(network), world.service.operator):
        items = (await client.get(url, params={"lang": "en"})).json()["items"]
        assert [(ChoiceOut.model_validate(item).agreement, item["taken"]) for item in items] == [(taken, True), (left, False)]
        assert {item["title"] for item in items} == {"MoU X"}
        assert all(before <= datetime.fromisoformat(item["chosen_at"]) <= datetime.now(UTC) for item in items)
    first = (await member.get(url, params={"limit": 1})).json()
    assert [item["agreement"] for item in first["items"]] == [taken]
    rest = (await member.get(url, params={"limit": 1, "after": first["next"]})).json()
    assert ([item["agreement"] for item in rest["items"]], rest["next"]) == ([left], None)


async def test_what_a_member_chose_is_told_to_nobody_else_and_names_no_agreement_that_the_reader_may_not_know(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership, secret = await world.join(medellin, network), await world.agreement(other, medellin, visibility="parties")
    assert (await opted(await world.client_of(medellin), membership, secret, "out")).status_code == 200
    url = f"/v1/memberships/{membership['id']}/agreements"
    answer = await (await world.client_of(other)).get(url)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await (await world.client_of(network)).get(url)).json()["items"] == []
    assert [item["agreement"] for item in (await world.service.operator.get(url)).json()["items"]] == [secret]
    assert (await world.service.operator.get(f"/v1/memberships/{NOBODY}/agreements")).status_code == 404
