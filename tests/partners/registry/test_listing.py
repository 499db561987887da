"""The list of partners: filters, search in any script, and pages."""

from __future__ import annotations

import json
from typing import Any

from tests.partners.conftest import PartnersService


async def names(service: PartnersService, **asked: Any) -> list[str]:
    answer = await service.operator.get("/v1/partners", params=asked)
    assert answer.status_code == 200, answer.text
    return [next(iter(partner["names"].values())) for partner in answer.json()["items"]]


async def test_filters_narrow_the_list(service: PartnersService) -> None:
    await service.register("city", names={"es": "Medellín"}, identifiers=[{"scheme": "dane", "value": "05001"}])
    await service.register("city", names={"ko": "서울"}, country="KR", timezone="Asia/Seoul")
    await service.register("city_network", names={"es": "Asocapitales"})
    assert await names(service) == ["Medellín", "서울", "Asocapitales"]
    assert await names(service, kind="city") == ["Medellín", "서울"]
    assert await names(service, country="CO", kind="city") == ["Medellín"]
    assert await names(service, external_id="dane:05001") == ["Medellín"]
    for half in ("dane", ":05001", "dane:", "dane: "):
        answer = await service.operator.get("/v1/partners", params={"external_id": half})
        assert (answer.status_code, answer.json()["field"]) == (422, "?external_id"), half
        assert "wikidata:Q48278" in answer.json()["fix"]
    await service.register("city", names={"es": "Envigado"}, subdivision="CO-ANT")
    assert await names(service, subdivision="CO-ANT") == ["Envigado"]
    assert await names(service, subdivision="CO-CUN") == []


async def test_words_are_found_in_any_name_script_and_case(service: PartnersService) -> None:
    await service.register(
        "tech_centre", names={"uk": "Центр урядових технологій Київ"}, acronym="GGTC", country="UA", timezone="Europe/Kyiv"
    )
    await service.register("city_network", names={"es": "Asociación de Ciudades Capitales"}, aliases=[{"text": "Asocapitales"}])
    assert await names(service, q="ggtc") == ["Центр урядових технологій Київ"]
    assert await names(service, q="киїВ ggtc") == ["Центр урядових технологій Київ"]
    assert await names(service, q="asociacion CAPITALES") == ["Asociación de Ciudades Capitales"]
    assert await names(service, q="capitale") == ["Asociación de Ciudades Capitales"]
    assert await names(service, q="as") == ["Asociación de Ciudades Capitales"]
    assert await names(service, q="sociedad") == []
    assert await names(service, q="ggtc capitales") == []
    assert await names(service, q="100%_") == []


async def test_a_search_without_a_letter_finds_nobody(service: PartnersService) -> None:
    await service.register()
    assert await names(service, q="%_¿") == []


async def test_members_of_a_network_on_a_day(service: PartnersService) -> None:
    network = await service.client_of("city_network", names={"es": "WeGO"})
    city = await service.register("city", names={"es": "Bogotá"})
    joining = {"partner": city["id"], "valid_from": "2020-01-01", "valid_to": "2021-12-31"}
    assert (await network.post(f"/v1/networks/{network.partner}/members", json=joining)).status_code == 201
    assert await names(service, network=network.partner, on="2021-12-31") == ["Bogotá"]
    assert await names(service, network=network.partner, on="2022-01-01") == []
    assert await names(service, network=network.partner) == []


async def test_who_is_hosted_by_a_partner_today_is_listed_and_exported(service: PartnersService) -> None:
    ruta_n, chamber = (await service.register())["id"], (await service.register())["id"]
    centre = await service.register("tech_centre", names={"es": "C4IR"}, hosted_by=ruta_n)
    await service.register("tech_centre", names={"es": "Otro centro"}, hosted_by=chamber)
    gone = await service.register("tech_centre", hosted_by=ruta_n)
    left = await service.operator.put(f"/v1/partners/{gone['id']}/hosting", json={"host": None}, headers={"If-Match": '"1"'})
    assert left.status_code == 200, left.text
    assert await names(service, hosted_by=ruta_n) == ["C4IR"]
    assert await names(service, hosted_by=centre["id"]) == []
    said = (await service.operator.get("/v1/partners/export", params={"hosted_by": ruta_n, "format": "ndjson"})).text
    assert [json.loads(line)["id"] for line in said.splitlines()] == [centre["id"]]


async def test_pages_follow_each_other_without_loss(service: PartnersService) -> None:
    made = [(await service.register())["id"] for _ in range(5)]
    seen: list[str] = []
    url: str | None = "/v1/partners?limit=2&kind=city"
    while url:
        answer = await service.operator.get(url)
        seen += [partner["id"] for partner in answer.json()["items"]]
        assert (answer.json()["next"] is None) == ("next" not in answer.links)
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == made


async def test_what_cannot_be_asked_is_refused(service: PartnersService) -> None:
    asked = {
        "kind": "village",
        "country": "Colombia",
        "limit": "0",
        "after": "garbage",
        "network": "wego",
        "hosted_by": "ruta-n",
        "subdivision": "Antioquia",
        "on": "2024-02-30",
        "color": "red",
    }
    for name, value in asked.items():
        answer = await service.operator.get("/v1/partners", params={name: value})
        assert answer.status_code in (400, 422), name
        assert answer.json()["field"] == f"?{name}", name


async def test_nobody_reads_without_a_token(service: PartnersService) -> None:
    answer = await service.anyone.get("/v1/partners")
    assert (answer.status_code, answer.json()["code"]) == (401, "token-missing")
