"""A partner's own system writes by its own key, as often as it likes."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.partners.conftest import PartnersService

PLACE = "/v1/partners/by-external-id/ruta-n/c4ir"
CENTRE: dict[str, Any] = {"kind": "tech_centre", "names": {"es": "C4IR Medellín"}, "country": "CO", "timezone": "America/Bogota"}


async def test_the_first_time_registers_and_the_second_updates(service: PartnersService) -> None:
    made = await service.operator.put(PLACE, json=CENTRE)
    assert made.status_code == 201, made.text
    assert made.json()["identifiers"] == [{"scheme": "ruta-n", "value": "c4ir"}]
    assert made.headers["location"] == f"/v1/partners/{made.json()['id']}"
    centre = await service.client_for(made.json()["id"])
    same = await centre.put(PLACE, json=CENTRE)
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    updated = await centre.put(PLACE, json=CENTRE | {"locality": "Medellín"})
    assert (updated.status_code, updated.headers["etag"], updated.json()["locality"]) == (200, '"2"', "Medellín")
    assert len(await service.facts(f"partner/{made.json()['id']}")) == 2


async def test_what_is_left_out_stays(service: PartnersService) -> None:
    await service.operator.put(PLACE, json=CENTRE | {"acronym": "C4IR", "identifiers": [{"scheme": "wef", "value": "7"}]})
    answer = await service.operator.put(PLACE, json=CENTRE | {"identifiers": [{"scheme": "dane", "value": "1"}]})
    assert answer.json()["acronym"] == "C4IR"
    assert [identifier["scheme"] for identifier in answer.json()["identifiers"]] == ["dane", "ruta-n", "wef"]


async def test_a_partner_writes_its_own_record_only(service: PartnersService) -> None:
    made = (await service.operator.put(PLACE, json=CENTRE)).json()
    other = await service.client_of("city")
    theirs = await other.put(PLACE, json=CENTRE | {"locality": "Bello"})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "forbidden")
    new = await other.put("/v1/partners/by-external-id/dane/05001", json=CENTRE | {"names": {"es": "Otro"}})
    assert (new.status_code, new.json()["code"]) == (403, "forbidden")
    assert len(await service.facts(f"partner/{made['id']}")) == 1


async def test_a_version_is_heeded_when_it_is_sent(service: PartnersService) -> None:
    early = await service.operator.put(PLACE, json=CENTRE, headers={"If-Match": '"1"'})
    assert early.status_code == 412
    await service.operator.put(PLACE, json=CENTRE)
    stale = await service.operator.put(PLACE, json=CENTRE | {"locality": "X"}, headers={"If-Match": '"9"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    right = await service.operator.put(PLACE, json=CENTRE | {"locality": "X"}, headers={"If-Match": '"1"'})
    assert right.status_code == 200


async def test_registering_by_key_suspects_duplicates_too(service: PartnersService) -> None:
    known = await service.register("tech_centre", names={"es": "c4ir medellin"})
    answer = await service.operator.put(PLACE, json=CENTRE)
    assert (answer.status_code, answer.json()["suspects"][0]["id"]) == (409, known["id"])
    assert (await service.operator.put(PLACE, json=CENTRE | {"force": True})).status_code == 201


async def test_many_at_once_register_one(service: PartnersService) -> None:
    answers = await asyncio.gather(*(service.operator.put(PLACE, json=CENTRE | {"locality": f"L{n}"}) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_key_may_hold_a_slash_and_a_bad_one_is_refused(service: PartnersService) -> None:
    made = await service.operator.put("/v1/partners/by-external-id/url/https%3A%2F%2Fexample.org%2Fa", json=CENTRE)
    assert made.json()["identifiers"] == [{"scheme": "url", "value": "https://example.org/a"}]
    found = await service.operator.get("/v1/partners", params={"external_id": "url:https://example.org/a"})
    assert [partner["id"] for partner in found.json()["items"]] == [made.json()["id"]]
    bad = await service.operator.put("/v1/partners/by-external-id/Not%20One/1", json=CENTRE)
    assert (bad.status_code, bad.json()["field"]) == (422, "path/scheme")
