"""Of which kind a partner is, is not for itself to say: networks take others in and vouch for them."""

from __future__ import annotations

import pytest

from tests.partners.agreements.conftest import refused
from tests.partners.conftest import PartnersService

FIRST = {"If-Match": '"1"'}


async def test_a_city_makes_itself_no_network(service: PartnersService) -> None:
    city = await service.client_of()
    answer = await city.patch(f"/v1/partners/{city.partner}", json={"kind": "city_network"}, headers=FIRST)
    assert refused(answer, 403, "forbidden")["field"] == "/kind"
    assert (await city.get(f"/v1/partners/{city.partner}")).json()["kind"] == "city"
    assert (await city.patch(f"/v1/partners/{city.partner}", json={"kind": "city"}, headers=FIRST)).status_code == 200
    changed = await service.operator.patch(f"/v1/partners/{city.partner}", json={"kind": "tech_centre"}, headers=FIRST)
    assert changed.json()["kind"] == "tech_centre"


async def test_in_its_draft_a_partner_says_itself_what_it_is(service: PartnersService) -> None:
    draft = (await service.register(state="draft"))["id"]
    own = await service.client_for(draft)
    changed = await own.patch(f"/v1/partners/{draft}", json={"kind": "tech_centre"}, headers=FIRST)
    assert changed.json()["kind"] == "tech_centre"
    await service.operator.post(f"/v1/partners/{draft}/submit", headers={"If-Match": '"2"'})
    answer = await own.patch(f"/v1/partners/{draft}", json={"kind": "city_network"}, headers={"If-Match": '"3"'})
    assert refused(answer, 403, "forbidden")["field"] == "/kind"


@pytest.mark.parametrize("applies", [True, False])
async def test_a_network_with_members_stays_a_network(service: PartnersService, applies: bool) -> None:
    network, city = await service.client_of("city_network"), await service.client_of()
    place = f"/v1/networks/{network.partner}"
    body = {} if applies else {"partner": city.partner, "valid_from": "2020-01-01"}
    made = await (city.post(f"{place}/applications", json=body) if applies else network.post(f"{place}/members", json=body))
    assert made.status_code == 201, made.text
    to_city = service.operator.patch(f"/v1/partners/{network.partner}", json={"kind": "city"}, headers=FIRST)
    assert refused(await to_city, 409, "still-has-members")["field"] == "/kind"
    way, said = ("withdraw", {}) if applies else ("end", {"valid_to": "2020-12-31"})
    over = await city.post(f"/v1/memberships/{made.json()['id']}/{way}", json=said, headers=FIRST)
    assert over.status_code == 200, over.text
    changed = await service.operator.patch(f"/v1/partners/{network.partner}", json={"kind": "city"}, headers=FIRST)
    assert changed.json()["kind"] == "city"
