"""What a partner may use is explained to those who may read the agreement, and to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.partners.entitlements.schemas import EntitlementOut
from tests.partners.conftest import PartnerClient
from tests.partners.entitlements.conftest import World

NOBODY = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"


async def told(client: PartnerClient, url: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(url, params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    items: list[dict[str, Any]] = answer.json()["items"]
    assert all(EntitlementOut.model_validate(item).id == item["id"] for item in items)
    return items


async def test_a_partner_is_told_which_lines_it_may_use_and_by_which_path(world: World) -> None:
    medellin, asocapitales, wego, other = await world.city(), await world.network(), await world.network("WeGO"), await world.city("Kyiv")
    first, second = await world.join(medellin, asocapitales), await world.join(asocapitales, wego)
    agreement = await world.agreement(wego, other)
    client = await world.client_of(medellin)
    (item,) = await told(client, f"/v1/partners/{medellin}/entitlements", lang="en")
    steps = ["Medellín → member of Asocapitales", "Asocapitales → member of WeGO", "WeGO → party to MoU X"]
    assert item | {"id": None, "code": None, "since": None} == {
        "id": None,
        "partner": medellin,
        "name": "Medellín",
        "agreement": agreement,
        "code": None,
        "title": "MoU X",
        "party": wego,
        "path": [
            {"membership": first["id"], "partner": medellin, "network": asocapitales},
            {"membership": second["id"], "partner": asocapitales, "network": wego},
        ],
        "lines": [
            {"line": "knowledge_exchange", "because": [*steps, "line a"]},
            {"line": "partnership_facilitation", "because": [*steps, "line d"]},
        ],
        "since": None,
    }
    assert datetime.fromisoformat(item["since"]) <= datetime.now(UTC)
    assert item["code"].startswith("MOU-")


async def test_names_are_in_the_language_asked_for_or_the_next_best(world: World) -> None:
    names = {"es": "Kiev", "en": "Kyiv", "uk": "Київ"}
    kyiv, other = (await world.service.register("city", names=names))["id"], await world.city("Cali")
    await world.agreement(kyiv, other)
    url = f"/v1/partners/{kyiv}/entitlements"
    expected = {
        "es": ["Kiev → parte en Memorando X", "línea a"],
        "es-CO": ["Kiev → parte en Memorando X", "línea a"],
        "en": ["Kyiv → party to MoU X", "line a"],
        "uk": ["Київ → party to MoU X", "line a"],
        "ko": ["Kyiv → party to MoU X", "line a"],
    }
    for language, because in expected.items():
        (item,) = await told(world.service.operator, url, lang=language)
        assert item["lines"][0]["because"] == because, language
    (item,) = await told(world.service.operator, f"/v1/partners/{other}/entitlements", lang="uk")
    assert item["name"] == "Cali"
    assert await told(world.service.operator, url) == await told(world.service.operator, url, lang="es")


async def test_an_agreement_tells_who_may_use_it(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city("Cali")
    membership = await world.join(medellin, network)
    agreement = await world.agreement(network, other, roles={await world.city(): "witness"})
    items = await told(await world.client_of(medellin), f"/v1/agreements/{agreement}/beneficiaries")
    assert {item["partner"]: [step["network"] for step in item["path"]] for item in items} == await world.held(agreement)
    assert [item["partner"] for item in items] == sorted([medellin, network, other])
    await world.leave(membership)
    items = await told(world.service.operator, f"/v1/agreements/{agreement}/beneficiaries")
    assert {item["partner"] for item in items} == {network, other}


async def test_lists_come_in_pages(world: World) -> None:
    medellin, network = await world.city(), await world.network()
    agreements = [await world.agreement(medellin, network) for _ in range(3)]
    url, seen = f"/v1/partners/{medellin}/entitlements?limit=2", []
    pages = []
    while url:
        answer = await world.service.operator.get(url)
        pages.append([item["agreement"] for item in answer.json()["items"]])
        url = answer.links.get("next", {}).get("url", "")
    assert pages == [agreements[:0:-1], agreements[:1]]
    url = f"/v1/agreements/{agreements[0]}/beneficiaries?limit=1"
    while url:
        answer = await world.service.operator.get(url)
        seen += [item["partner"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == [medellin, network]


@pytest.mark.parametrize(
    ("visibility", "seen"),
    [
        ("public", {"party", "member", "nested", "stranger"}),
        ("network", {"party", "member", "nested"}),
        ("parties", {"party"}),
    ],
)
async def test_only_who_may_read_the_agreement_is_told(world: World, visibility: str, seen: set[str]) -> None:
    nested, inner, outer, other = await world.city(), await world.network(), await world.network(), await world.city()
    await world.join(nested, inner)
    await world.join(inner, outer)
    agreement = await world.agreement(outer, other, visibility=visibility)
    assert nested in await world.held(agreement)
    readers = {"party": outer, "member": inner, "nested": nested, "stranger": await world.city()}
    clients = {who: await world.client_of(partner) for who, partner in readers.items()} | {"operator": world.service.operator}
    for who, client in clients.items():
        items = await told(client, f"/v1/partners/{nested}/entitlements")
        assert [item["agreement"] for item in items] == ([agreement] if who in seen | {"operator"} else []), who
        answer = await client.get(f"/v1/agreements/{agreement}/beneficiaries")
        assert answer.status_code == (200 if who in seen | {"operator"} else 404), who


async def test_what_is_not_there_is_not_found_and_what_nobody_may_use_yet_is_empty(world: World) -> None:
    one, two = await world.city(), await world.city()
    for url in (f"/v1/partners/{NOBODY}/entitlements", f"/v1/agreements/{NOBODY}/beneficiaries"):
        answer = await world.service.operator.get(url)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await world.service.operator.get(f"/v1/partners/{one}/entitlements", params={"lang": "xx"})).status_code == 422
    assert (await world.service.operator.get(f"/v1/partners/{one}/entitlements")).json() == {"items": [], "next": None}
    days = {"effective_rule": "fixed_date", "effective_on": "2999-01-01"}
    agreement = await world.agreement(one, two, roles=None, visibility="public", **days)
    assert (await world.service.operator.get(f"/v1/agreements/{agreement}/beneficiaries")).json() == {"items": [], "next": None}
