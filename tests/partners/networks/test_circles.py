"""No network belongs to itself by way of others, on any day."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.partners.conftest import PartnersService


async def joined(service: PartnersService, partner: str, network: str, **said: Any) -> httpx.Response:
    body = {"partner": partner, "valid_from": "2020-01-01"} | said
    return await service.operator.post(f"/v1/networks/{network}/members", json=body)


async def networks(service: PartnersService, count: int) -> list[str]:
    kinds = ["city_network", "multilateral", "ngo", "other"]
    return [(await service.register(kinds[place], acronym="ABCD"[place]))["id"] for place in range(count)]


async def test_a_circle_is_refused_and_named(service: PartnersService) -> None:
    a, b, c, city = *await networks(service, 3), (await service.register("city"))["id"]
    for partner, network in ((city, a), (a, b), (b, c)):
        assert (await joined(service, partner, network)).status_code == 201
    answer = await joined(service, c, a)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["circle"]) == (409, "membership-circle", [c, a, b, c])
    assert "C → A → B → C" in problem["detail"]
    assert (await joined(service, b, a)).json()["circle"] == [b, a, b]
    assert (await service.operator.get(f"/v1/networks/{a}/members")).json()["items"][0]["partner"] == city
    assert len([fact for fact in await service.facts() if fact["type"].endswith("membership.started.v1")]) == 3


async def test_only_days_that_all_memberships_share_make_a_circle(service: PartnersService) -> None:
    a, b, c = await networks(service, 3)
    assert (await joined(service, a, b, valid_from="2020-01-01", valid_to="2020-12-31")).status_code == 201
    assert (await joined(service, b, c, valid_from="2020-12-31", valid_to="2022-12-31")).status_code == 201
    for days in ({"valid_from": "2020-12-31", "valid_to": "2020-12-31"}, {"valid_from": "2019-01-01"}):
        assert (await joined(service, c, a, **days)).json()["code"] == "membership-circle", days
    # Each of the two shares days with this one, but both together with it do not.
    assert (await joined(service, c, a, valid_from="2021-01-01")).status_code == 201


async def test_two_ways_up_are_no_circle(service: PartnersService) -> None:
    a, b, c, d = await networks(service, 4)
    for partner, network in ((a, b), (a, c), (b, d), (c, d), (a, d)):
        assert (await joined(service, partner, network)).status_code == 201
    assert (await joined(service, d, a)).json()["circle"] == [d, a, d]


async def test_of_halves_of_a_circle_in_the_same_instant_one_is_refused(service: PartnersService) -> None:
    a, b, c, d = await networks(service, 4)
    for partner, network in ((b, c), (d, a)):
        assert (await joined(service, partner, network)).status_code == 201
    answers = await asyncio.gather(joined(service, a, b), joined(service, c, d))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
