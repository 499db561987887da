"""Whoever asked for something while it was active, and is suspended or archived since, is not given it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.partners.conftest import PartnerClient, PartnersService
from tests.partners.registry.standing.test_standing import REASON, done

Deed = tuple[str, str, dict[str, Any] | None]


async def asked(network: PartnerClient, city: PartnerClient) -> list[Deed]:
    """A city belongs to a network, is suspended in it for days to come, applies for others and asks for a mandate: what is left to do."""
    members = f"/v1/networks/{network.partner}/members"
    held = await made(network, members, partner=city.partner, valid_from="2020-01-01", valid_to="2999-12-31")
    coming = await made(network, members, partner=city.partner, valid_from="8000-01-01")
    assert (await do(network, (f"memberships/{coming}", "suspend", REASON))).status_code == 200
    applied = await made(city, f"/v1/networks/{network.partner}/applications", valid_from="1999-01-01")
    mandate = await made(city, f"/v1/partners/{network.partner}/mandates", holder=city.partner, may_sign=True, valid_from="2025-03-01")
    return [
        (f"memberships/{applied}", "approve", {"valid_from": "1999-01-01", "valid_to": "1999-12-31"}),
        (f"memberships/{held}", "renew", {"valid_to": "3999-12-31"}),
        (f"memberships/{coming}", "resume", None),
        (f"mandates/{mandate}", "grant", None),
    ]


async def made(client: PartnerClient, path: str, **said: Any) -> str:
    answer = await client.post(path, json=said)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def do(client: PartnerClient, deed: Deed) -> httpx.Response:
    place, way, body = deed
    version = (await client.get(f"/v1/{place}")).headers["etag"]
    return await client.post(f"/v1/{place}/{way}", json=body, headers={"If-Match": version})


async def test_who_is_not_active_any_more_is_given_nothing_of_it_until_it_is_again(service: PartnersService) -> None:
    network, city = await service.client_of("city_network"), await service.client_of()
    deeds = await asked(network, city)
    await done(service.operator, city.partner, "suspend", **REASON)
    for deed in deeds:
        answer = await do(network, deed)
        assert (answer.status_code, answer.json()["code"]) == (409, "partner-not-active"), deed
        assert (answer.json()["partner"], answer.json()["state"]) == (city.partner, "suspended")
    await done(service.operator, city.partner, "resume")
    assert [(await do(network, deed)).status_code for deed in deeds] == [200] * len(deeds)


@pytest.mark.parametrize("gone", ["city", "network"])
async def test_where_one_of_the_two_is_archived_the_operator_gives_nothing_either_and_ends_it(service: PartnersService, gone: str) -> None:
    clients = {"network": await service.client_of("city_network"), "city": await service.client_of()}
    deeds = await asked(clients["network"], clients["city"])
    await done(service.operator, clients[gone].partner, "archive", **REASON)
    for deed in deeds[:3]:
        answer = await do(service.operator, deed)
        assert (answer.status_code, answer.json()["code"], answer.json()["partner"]) == (409, "partner-not-active", clients[gone].partner)
    assert (await do(service.operator, (deeds[0][0], "reject", REASON))).status_code == 200
    assert (await do(service.operator, (deeds[1][0], "end", {"valid_to": "2024-12-31"}))).status_code == 200
    assert (await do(service.operator, (deeds[3][0], "revoke", REASON))).status_code == 200
