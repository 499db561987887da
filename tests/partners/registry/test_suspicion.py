"""Whoever is on record although it might be somebody else is told of, together with those it might be."""

from __future__ import annotations

from typing import Any

from tests.partners.conftest import PartnersService

SUSPECTED = "org.interurbe.partner.duplicate_suspected.v1"
CENTRE: dict[str, Any] = {"kind": "tech_centre", "country": "UA", "timezone": "Europe/Kyiv"}


async def suspicions(service: PartnersService, partner: dict[str, Any]) -> list[dict[str, Any]]:
    return [fact for fact in await service.facts(f"partner/{partner['id']}") if fact["type"] == SUSPECTED]


async def renamed(service: PartnersService, partner: dict[str, Any], **said: Any) -> dict[str, Any]:
    headers = {"If-Match": f'"{partner["version"]}"'}
    answer = await service.operator.patch(f"/v1/partners/{partner['id']}", json=said, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_forced_registration_is_told_to_the_new_partner_and_to_those_it_might_be(service: PartnersService) -> None:
    known = await service.register(**CENTRE, names={"es": "C4IR de Kiev"})
    new = await service.register(**CENTRE, names={"en": "C4IR Kyiv"}, force=True)
    (fact,) = await suspicions(service, new)
    (suspect,) = fact["data"]["suspects"]
    assert (fact["data"]["partner"], fact["data"]["names"], suspect["partner"]) == (new["id"], {"en": "C4IR Kyiv"}, known["id"])
    assert (suspect["names"], suspect["alike_by"]) == ({"es": "C4IR de Kiev"}, ["same_name"])
    assert 0.5 < suspect["score"] < 1
    assert (fact["headers"]["ce_visibility"], fact["headers"]["ce_audience"]) == ("parties", f"{new['id']},{known['id']}")
    assert [fact["sequence"] for fact in await service.facts(f"partner/{new['id']}")] == [1, 2]


async def test_force_alone_makes_nobody_suspected(service: PartnersService) -> None:
    new = await service.register(**CENTRE, names={"en": "GovTech Lab Odesa"}, force=True)
    assert await suspicions(service, new) == []


async def test_an_upsert_that_is_forced_is_told_once(service: PartnersService) -> None:
    await service.register(**CENTRE, names={"es": "C4IR de Kiev"})
    body = CENTRE | {"names": {"en": "C4IR Kyiv"}, "force": True}
    first, again = [await service.operator.put("/v1/partners/by-external-id/ministry/7", json=body) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert len(await suspicions(service, first.json())) == 1


async def test_a_partner_that_takes_a_name_near_a_known_one_is_told_of_and_not_again(service: PartnersService) -> None:
    known = await service.register(**CENTRE, names={"es": "C4IR de Kiev"})
    other = await service.register(**CENTRE, names={"en": "GovTech Lab Odesa"})
    other = await renamed(service, other, names={"en": "C4IR Kyiv"})
    assert other["version"] == 2
    (fact,) = await suspicions(service, other)
    assert [suspect["partner"] for suspect in fact["data"]["suspects"]] == [known["id"]]
    other = await renamed(service, other, website="https://example.org/kyiv")
    await renamed(service, other, aliases=[{"text": "Odesa GovTech Lab"}])
    assert len(await suspicions(service, other)) == 1


async def test_a_partner_that_moves_to_the_country_of_its_like_is_told_of(service: PartnersService) -> None:
    await service.register(**CENTRE, names={"es": "C4IR de Kiev"})
    other = await service.register(**CENTRE | {"country": "PL"}, names={"en": "C4IR Kyiv"})
    other = await renamed(service, other, country="UA")
    assert len(await suspicions(service, other)) == 1


async def test_nobody_hears_of_a_draft_that_it_might_be(service: PartnersService) -> None:
    await service.register(**CENTRE, names={"es": "C4IR de Kiev"}, state="draft")
    handed_in = await service.register(**CENTRE, names={"es": "Centro C4IR Kiev"}, state="draft", force=True)
    await service.operator.post(f"/v1/partners/{handed_in['id']}/submit", headers={"If-Match": '"1"'})
    known = await service.register(**CENTRE, names={"en": "GovTech Lab Odesa"})
    own = await service.client_for(known["id"])
    answer = await own.post(f"/v1/partners/{known['id']}/aliases", json={"text": "C4IR Kyiv"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    assert await suspicions(service, known) == []
    body = CENTRE | {"names": {"en": "C4IR Kyiv"}}
    suspects = (await service.operator.post("/v1/partners", json=body)).json()["suspects"]
    assert {one["state"] for one in suspects} == {"draft", "pending_verification", "active"}, "the operator is told of all"
