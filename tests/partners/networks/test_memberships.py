"""A partner belongs to a network between two days, and is in it once at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.partners.conftest import PartnerClient, PartnersService

NOBODY = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"


async def join(client: PartnerClient, network: str, partner: str, **said: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/networks/{network}/members", json={"partner": partner, "valid_from": "2020-01-01"} | said)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_network_takes_a_city_in_and_everybody_is_told(service: PartnersService) -> None:
    network = await service.client_of("city_network", names={"es": "Asocapitales"})
    city = (await service.register("city"))["id"]
    said = {"partner": city, "role": "founding", "valid_from": "2013-03-01", "inherits_agreements": "opt_in"}
    made = await network.post(f"/v1/networks/{network.partner}/members", json=said)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert said.items() <= made.json().items()
    assert (await network.get(made.headers["location"])).json() == made.json()
    (fact,) = await service.facts(f"membership/{made.json()['id']}")
    assert fact["type"] == "org.interurbe.membership.started.v1"
    assert fact["headers"]["ce_visibility"] == "public"
    assert fact["data"] == said | {"membership": made.json()["id"], "network": network.partner}


async def test_who_may_take_in(service: PartnersService) -> None:
    network = await service.client_of("city_network")
    city = await service.client_of("city")
    reader = await service.client_for(network.partner, "read")
    body = {"partner": city.partner, "valid_from": "2020-01-01"}
    for client, code in ((city, "forbidden"), (reader, "insufficient-scope")):
        answer = await client.post(f"/v1/networks/{network.partner}/members", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    await join(service.operator, network.partner, city.partner)


async def test_memberships_of_one_partner_do_not_overlap(service: PartnersService) -> None:
    network = await service.client_of("city_network")
    city = (await service.register("city"))["id"]
    first = await join(network, network.partner, city, valid_from="2020-01-01", valid_to="2020-12-31")
    place = f"/v1/networks/{network.partner}/members"
    for said in (
        {"valid_from": "2020-12-31"},
        {"valid_from": "2019-01-01", "valid_to": "2020-01-01"},
        {"valid_from": "2019-01-01"},
        {"valid_from": "2020-03-01", "valid_to": "2020-03-01"},
    ):
        answer = await network.post(place, json={"partner": city} | said)
        assert (answer.status_code, answer.json()["code"]) == (409, "membership-overlaps"), said
        assert answer.json()["membership"] == first["id"]
    await join(network, network.partner, city, valid_from="2021-01-01")
    await join(network, network.partner, city, valid_from="2018-01-01", valid_to="2019-12-31")


async def test_of_many_in_the_same_instant_one_is_taken_in(service: PartnersService) -> None:
    network = await service.client_of("city_network")
    city = (await service.register("city"))["id"]
    place, body = f"/v1/networks/{network.partner}/members", {"partner": city, "valid_from": "2020-01-01"}
    answers = await asyncio.gather(*(network.post(place, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_what_cannot_be_joined_is_refused(service: PartnersService) -> None:
    network, city = await service.client_of("city_network"), await service.client_of("city")
    other = (await service.register("city"))["id"]
    cases: list[tuple[str, dict[str, Any], int, str, str]] = [
        (network.partner, {"partner": network.partner}, 422, "invalid", "/partner"),
        (network.partner, {"partner": NOBODY}, 422, "unknown-partner", "/partner"),
        (network.partner, {"partner": "medellin"}, 422, "invalid", "/partner"),
        (network.partner, {"role": "boss"}, 422, "invalid", "/role"),
        (network.partner, {"valid_from": "2024-02-30"}, 422, "invalid", "/valid_from"),
        (network.partner, {"valid_from": 2024}, 422, "invalid", "/valid_from"),
        (network.partner, {"valid_to": "2019-12-31"}, 422, "invalid", "/valid_to"),
        (network.partner, {"since": "2019-12-31"}, 422, "invalid", "/since"),
        (city.partner, {}, 422, "no-network", "path/network"),
        ("wego", {}, 422, "invalid", "path/network"),
    ]
    for place, said, status, code, field in cases:
        answer = await service.operator.post(f"/v1/networks/{place}/members", json={"partner": other, "valid_from": "2020-01-01"} | said)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field), said
        assert answer.json()["fix"], said
    unknown = await service.operator.post(f"/v1/networks/{NOBODY}/members", json={"partner": other, "valid_from": "2020-01-01"})
    assert unknown.status_code == 404


async def test_a_membership_ends_on_a_day(service: PartnersService) -> None:
    network = await service.client_of("city_network")
    city = await service.client_of("city")
    made = await join(network, network.partner, city.partner)
    place, ending = f"/v1/memberships/{made['id']}/end", {"valid_to": "2025-12-31", "reason": "Retiro voluntario."}
    assert (await network.post(place, json=ending)).status_code == 428
    stale = await network.post(place, json=ending, headers={"If-Match": '"3"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    ended = await city.post(place, json=ending, headers={"If-Match": '"1"'})
    assert (ended.status_code, ended.headers["etag"]) == (200, '"2"'), ended.text
    assert ended.json() == made | ending | {"version": 2, "status": "ended", "lapses_on": "2026-01-01"}
    fact = (await service.facts(f"membership/{made['id']}"))[1]
    assert (fact["type"], fact["sequence"]) == ("org.interurbe.membership.ended.v1", 2)
    assert fact["data"] == ending | {"membership": made["id"], "partner": city.partner, "network": network.partner}


async def test_what_cannot_be_ended_is_refused(service: PartnersService) -> None:
    network, stranger = await service.client_of("city_network"), await service.client_of("city")
    city = (await service.register("city"))["id"]
    made = await join(network, network.partner, city, valid_to="2025-06-30")
    place, first = f"/v1/memberships/{made['id']}/end", {"If-Match": '"1"'}
    theirs = await stranger.post(place, json={"valid_to": "2024-12-31"}, headers=first)
    assert (theirs.status_code, theirs.json()["code"]) == (403, "forbidden")
    early = await network.post(place, json={"valid_to": "2019-12-31"}, headers=first)
    assert (early.status_code, early.json()["field"]) == (422, "/valid_to")
    over = await network.post(place, json={"valid_to": "2025-06-30"}, headers=first)
    assert (over.status_code, over.json()["code"], over.json()["valid_to"]) == (409, "membership-over", "2025-06-30")
    missing = await network.post(place, json={}, headers=first)
    assert (missing.status_code, missing.json()["field"]) == (422, "/valid_to")
    nobody = await network.post(f"/v1/memberships/{NOBODY}/end", json={"valid_to": "2025-06-30"}, headers=first)
    assert nobody.status_code == 404
    assert len(await service.facts(f"membership/{made['id']}")) == 1


async def test_lists_tell_who_belonged_on_a_day(service: PartnersService) -> None:
    network, other = await service.client_of("city_network"), await service.client_of("multilateral")
    one, two = (await service.register("city"))["id"], (await service.register("city"))["id"]
    first = await join(network, network.partner, one, valid_from="2020-01-01", valid_to="2020-12-31")
    second = await join(network, network.partner, two, valid_from="2020-06-01", role="founding")
    third = await join(other, other.partner, one, valid_from="2024-01-01")
    members = f"/v1/networks/{network.partner}/members"
    asked = {
        members: [first, second],
        members + "?on=2020-12-31": [first, second],
        members + "?on=2021-01-01": [second],
        members + "?on=2019-12-31": [],
        members + "?role=founding": [second],
        members + "?role=observer": [],
        f"/v1/partners/{one}/memberships": [first, third],
        f"/v1/partners/{one}/memberships?on=2024-01-01": [third],
    }
    for url, expected in asked.items():
        assert (await network.get(url)).json() == {"items": expected, "next": None}, url
    page = await network.get(members, params={"limit": 1})
    assert page.json()["items"] == [first]
    assert (await network.get(page.links["next"]["url"])).json() == {"items": [second], "next": None}
    assert (await network.get(f"/v1/networks/{NOBODY}/members")).status_code == 404
