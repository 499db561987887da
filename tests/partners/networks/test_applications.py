"""A partner applies to a network, and the network approves or rejects; what came of it is told to whom it concerns."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from tests.partners.networks.conftest import NAME, Pair, today


async def test_a_partner_applies_and_the_network_approves(pair: Pair) -> None:
    made = await pair.apply(role="associate", inherits_agreements="opt_in", message="Solicitamos el ingreso.")
    assert (made["status"], made["applied_on"], made["lapses_on"]) == ("applied", today().isoformat(), None)
    first, last = today() + timedelta(days=3), today() + timedelta(days=100)
    answer = await pair.act(pair.network, made, "approve", valid_from=first.isoformat(), valid_to=last.isoformat(), grace_days=10)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"'), answer.text
    approved = answer.json()
    assert (approved["status"], approved["role"], approved["message"]) == ("approved", "associate", "Solicitamos el ingreso.")
    assert approved["lapses_on"] == (last + timedelta(days=11)).isoformat()
    assert await pair.told(made) == [("applied", "parties"), ("approved", "public"), ("started", "public")]
    facts = await pair.service.facts(f"membership/{made['id']}")
    assert facts[1]["data"]["network_names"] == NAME
    assert facts[2]["data"]["inherits_agreements"] == "opt_in"
    assert "Solicitamos" not in str([fact["payload"].decode() for fact in facts])


async def test_the_network_may_take_in_as_something_else(pair: Pair) -> None:
    made = await pair.apply(role="founding")
    approved = (await pair.act(pair.network, made, "approve", valid_from=today().isoformat(), role="observer")).json()
    assert (approved["status"], approved["role"]) == ("current", "observer")


async def test_the_network_rejects_and_says_why_to_the_two_alone(pair: Pair) -> None:
    made = await pair.apply(message="Solicitamos el ingreso.")
    rejected = await pair.act(pair.network, made, "reject", reason="Solo capitales.")
    assert (rejected.json()["status"], rejected.json()["reason"]) == ("rejected", "Solo capitales.")
    assert (await pair.told(made))[-1] == ("rejected", "parties")
    stranger = await pair.service.client_of("city")
    for client, status in ((pair.city, 200), (pair.network, 200), (pair.service.operator, 200), (stranger, 404)):
        assert (await client.get(f"/v1/memberships/{made['id']}")).status_code == status
    assert (await stranger.get(f"/v1/partners/{pair.city.partner}/memberships")).json()["items"] == []
    assert (await stranger.get(f"/v1/networks/{pair.network.partner}/applications")).json()["items"] == []
    again = await pair.apply()
    assert again["status"] == "applied"


async def test_the_applicant_withdraws_and_may_apply_anew(pair: Pair) -> None:
    made = await pair.apply()
    second = await pair.city.post(f"/v1/networks/{pair.network.partner}/applications", json={})
    assert (second.status_code, second.json()["code"], second.json()["membership"]) == (409, "application-open", made["id"])
    withdrawn = await pair.act(pair.city, made, "withdraw")
    assert withdrawn.json()["status"] == "withdrawn"
    assert await pair.told(made) == [("applied", "parties"), ("application_withdrawn", "parties")]
    await pair.apply()


async def test_what_was_decided_is_not_decided_again(pair: Pair) -> None:
    made = await pair.apply()
    bodies: dict[str, dict[str, Any]] = {"approve": {"valid_from": "2020-01-01"}, "reject": {"reason": "No."}, "withdraw": {}}
    rejected = (await pair.act(pair.network, made, "reject", reason="No.")).json()
    for deed, body in bodies.items():
        answer = await pair.act(pair.service.operator, rejected, deed, **body)
        assert (answer.status_code, answer.json()["code"], answer.json()["allowed"]) == (409, "membership-state", []), deed
    taken = (await pair.act(pair.network, await pair.apply(), "approve", valid_from="2020-01-01")).json()
    for deed, body in bodies.items():
        answer = await pair.act(pair.service.operator, taken, deed, **body)
        problem = answer.json()
        assert (answer.status_code, problem["membership_status"]) == (409, "current"), deed
        assert problem["allowed"] == ["change", "end", "suspend"], deed
    ended = await pair.act(pair.network, rejected, "end", valid_to="2021-01-01")
    assert (ended.status_code, ended.json()["code"]) == (409, "membership-state")


async def test_only_the_one_concerned_decides(pair: Pair) -> None:
    made = await pair.apply()
    for client, deed, body, status in (
        (pair.city, "approve", {"valid_from": "2020-01-01"}, 403),
        (pair.city, "reject", {"reason": "No."}, 403),
        (pair.network, "withdraw", {}, 403),
        (await pair.service.client_of("city"), "withdraw", {}, 404),
    ):
        assert (await pair.act(client, made, deed, **body)).status_code == status, deed
    assert (await pair.act(pair.network, made | {"version": 7}, "reject", reason="No.")).status_code == 412
    operator = await pair.service.operator.post(f"/v1/networks/{pair.network.partner}/applications", json={})
    assert operator.status_code == 403
    of_itself = await pair.network.post(f"/v1/networks/{pair.network.partner}/applications", json={})
    assert (of_itself.status_code, of_itself.json()["field"]) == (422, "/partner")
    early = await pair.act(pair.network, made, "approve", valid_from="2020-01-01", valid_to="2019-01-01")
    assert (early.status_code, early.json()["field"]) == (422, "/valid_to")
    long = await pair.act(pair.network, made, "approve", valid_from="2020-01-01", grace_days=367)
    assert (long.status_code, long.json()["field"]) == (422, "/grace_days")


async def test_an_application_takes_no_place_and_finds_the_place_taken(pair: Pair) -> None:
    made = await pair.apply()
    members = f"/v1/networks/{pair.network.partner}/members"
    joined = await pair.network.post(members, json={"partner": pair.city.partner, "valid_from": "2020-01-01"})
    assert joined.status_code == 201, joined.text
    for answer in (
        await pair.act(pair.network, made, "approve", valid_from="2020-06-01"),
        await pair.city.post(f"/v1/networks/{pair.network.partner}/applications", json={"valid_from": "2021-01-01"}),
    ):
        assert answer.status_code == 409, answer.text
    listed = (await pair.city.get(members)).json()["items"]
    assert [one["id"] for one in listed] == [joined.json()["id"]]
    applications = (await pair.network.get(f"/v1/networks/{pair.network.partner}/applications?status=applied")).json()["items"]
    assert [one["id"] for one in applications] == [made["id"]]


async def test_an_application_lets_nobody_see_what_members_see(pair: Pair) -> None:
    made = await pair.apply(valid_from="2020-01-01")
    found = await pair.service.operator.get("/v1/partners", params={"network": pair.network.partner})
    assert found.json()["items"] == []
    assert (await pair.city.get(f"/v1/networks/{pair.network.partner}/members?on=2021-01-01")).json()["items"] == []
    assert (await pair.act(pair.network, made, "approve", valid_from="2020-01-01")).status_code == 200
    found = await pair.service.operator.get("/v1/partners", params={"network": pair.network.partner})
    assert [one["id"] for one in found.json()["items"]] == [pair.city.partner]


async def test_of_two_that_approve_at_once_one_does(pair: Pair) -> None:
    made = await pair.apply()
    clients = [pair.network, pair.service.operator, pair.network]
    answers = await asyncio.gather(*(pair.act(client, made, "approve", valid_from="2020-01-01") for client in clients))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    assert await pair.told(made) == [("applied", "parties"), ("approved", "public"), ("started", "public")]


async def test_of_an_approval_and_a_taking_in_at_once_one_is_refused(pair: Pair) -> None:
    made = await pair.apply()
    joining = pair.network.post(
        f"/v1/networks/{pair.network.partner}/members", json={"partner": pair.city.partner, "valid_from": "2020-01-01"}
    )
    answers = await asyncio.gather(joining, pair.act(pair.service.operator, made, "approve", valid_from="2020-01-01"))
    assert sorted(answer.status_code for answer in answers)[1] == 409


async def test_an_approval_that_would_close_a_circle_is_refused(pair: Pair) -> None:
    outer = await pair.service.client_of("multilateral")
    made = (await pair.network.post(f"/v1/networks/{outer.partner}/applications", json={})).json()
    inward = await pair.service.operator.post(
        f"/v1/networks/{pair.network.partner}/members", json={"partner": outer.partner, "valid_from": "2020-01-01"}
    )
    assert inward.status_code == 201, "an application closes no circle"
    answer = await pair.act(outer, made, "approve", valid_from="2020-06-01")
    assert (answer.status_code, answer.json()["code"]) == (409, "membership-circle")
    assert answer.json()["circle"] == [pair.network.partner, outer.partner, pair.network.partner]
    ahead = await pair.act(pair.service.operator, inward.json(), "end", valid_to="2020-05-31")
    assert ahead.status_code == 200
    assert (await pair.act(outer, made, "approve", valid_from="2020-06-01")).status_code == 200
