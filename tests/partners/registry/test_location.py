"""Where a partner is: degrees of WGS 84, both or neither."""

from __future__ import annotations

from typing import Any

import pytest

from tests.partners.conftest import PartnersService

MEDELLIN = {"lat": 6.267417, "lon": -75.566389}


async def test_a_place_is_told_in_answers_lists_searches_and_facts(service: PartnersService) -> None:
    made = await service.register("tech_centre", names={"es": "C4IR Medellín"}, location=MEDELLIN)
    listed = (await service.operator.get("/v1/partners")).json()["items"]
    found = (await service.operator.get("/v1/partners/search", params={"q": "c4ir"})).json()["items"]
    read = (await service.operator.get(f"/v1/partners/{made['id']}")).json()
    assert [partner["location"] for partner in (made, read, *listed, *found)] == [MEDELLIN] * 4
    [registered] = await service.facts(f"partner/{made['id']}")
    assert registered["data"]["profile"]["location"] == MEDELLIN


async def test_a_place_is_rounded_changed_and_emptied(service: PartnersService) -> None:
    city = await service.client_of(location={"lat": -0.0, "lon": 180})
    place = f"/v1/partners/{city.partner}"
    assert (await city.get(place)).json()["location"] == {"lat": 0.0, "lon": 180.0}
    moved = await city.patch(place, json={"location": {"lat": 4.71098864, "lon": -74.0720921}}, headers={"If-Match": '"1"'})
    assert moved.json()["location"] == {"lat": 4.710989, "lon": -74.072092}
    same = await city.patch(place, json={"location": {"lat": 4.7109889, "lon": -74.0720921}}, headers={"If-Match": '"2"'})
    assert same.json()["version"] == 2
    emptied = await city.patch(place, json={"location": None}, headers={"If-Match": '"2"'})
    assert (emptied.json()["location"], emptied.json()["version"]) == (None, 3)
    history = (await city.get(f"{place}/history")).json()["items"]
    assert history[0]["changes"] == {"location": {"old": {"lat": 4.710989, "lon": -74.072092}, "new": None}}


@pytest.mark.parametrize(
    ("location", "field"),
    [
        ({"lat": 90.000001, "lon": 0}, "/location/lat"),
        ({"lat": -91, "lon": 0}, "/location/lat"),
        ({"lat": 0, "lon": 180.5}, "/location/lon"),
        ({"lat": 0, "lon": -181}, "/location/lon"),
        ({"lat": 4.7}, "/location/lon"),
        ({"lon": -74}, "/location/lat"),
        ({"lat": "4.7", "lon": -74}, "/location/lat"),
        ({"lat": True, "lon": -74}, "/location/lat"),
        ({"lat": 4.7, "lon": None}, "/location/lon"),
        ({"lat": 4.7, "lon": -74, "height": 2640}, "/location/height"),
        ([4.7, -74], "/location"),
    ],
)
async def test_what_is_no_place_is_refused(service: PartnersService, location: Any, field: str) -> None:
    body = {"kind": "city", "names": {"es": "Bogotá"}, "country": "CO", "timezone": "America/Bogota", "location": location}
    refused = await service.operator.post("/v1/partners", json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
