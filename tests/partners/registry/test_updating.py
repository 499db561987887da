"""A partner's profile changes by its own hand or the operator's, and by the version that was read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from services.partners.models import Seen
from services.partners.registry.commands import update_partner
from services.partners.registry.subdivisions import is_subdivision
from shared.auth import Caller
from tests.partners.conftest import PartnersService

NOW = datetime(2025, 3, 4, 15, tzinfo=UTC)
IF_FIRST = {"If-Match": '"1"'}


async def test_a_city_changes_its_own_profile(service: PartnersService) -> None:
    city = await service.client_of("city", acronym="MDE")
    place = f"/v1/partners/{city.partner}"
    answer = await city.patch(place, json={"website": "https://medellin.example.org", "acronym": None}, headers=IF_FIRST)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"2"'
    assert (answer.json()["website"], answer.json()["acronym"]) == ("https://medellin.example.org", None)
    assert (await city.get(place)).json() == answer.json()
    _, updated = await service.facts(f"partner/{city.partner}")
    assert (updated["type"], updated["sequence"]) == ("org.interurbe.partner.updated.v1", 2)
    assert updated["data"]["changed"] == ["acronym", "website"]
    assert "acronym" not in updated["data"]["profile"]


async def test_what_says_nothing_new_changes_nothing(service: PartnersService) -> None:
    city = await service.client_of("city", country="CO")
    answer = await city.patch(f"/v1/partners/{city.partner}", json={"country": "CO"}, headers=IF_FIRST)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert len(await service.facts(f"partner/{city.partner}")) == 1


async def test_the_version_read_is_required_and_must_be_the_present_one(service: PartnersService) -> None:
    city = await service.client_of("city")
    place = f"/v1/partners/{city.partner}"
    without = await city.patch(place, json={"locality": "Medellín"})
    assert (without.status_code, without.json()["code"]) == (428, "precondition-required")
    stale = await city.patch(place, json={"locality": "Medellín"}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (412, "stale", 1)


async def test_of_two_changes_to_one_version_the_second_is_stale(service: PartnersService) -> None:
    """Both have read version 1 before either wrote: the database, not the check, must tell them apart."""
    city = await service.client_of("city")
    caller = Caller(client="test", partner=city.partner, scopes=frozenset({"write"}))
    seen = Seen(city.partner, 1)
    async with service.runtime.database.session() as first:
        await update_partner(first, caller, seen, {"locality": "Medellín"}, NOW)
        late = asyncio.create_task(city.patch(f"/v1/partners/{city.partner}", json={"locality": "Bello"}, headers=IF_FIRST))
        await somebody_waits_for_a_row(service)
        await first.commit()
    answer = await late
    assert (answer.status_code, answer.json()["code"]) == (412, "stale")
    assert (await city.get(f"/v1/partners/{city.partner}")).json()["locality"] == "Medellín"
    assert len(await service.facts(f"partner/{city.partner}")) == 2


async def somebody_waits_for_a_row(service: PartnersService) -> None:
    """Returns once a transaction stands behind another's lock."""
    async with service.runtime.database.reader() as reader:
        while not await reader.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            pass


async def test_a_profile_is_nobody_elses_to_change(service: PartnersService) -> None:
    city, other = await service.client_of("city"), await service.client_of("city", scopes="read write sign admin")
    reader = await service.client_for(city.partner, "read")
    for client, code in ((other, "forbidden"), (reader, "insufficient-scope")):
        answer = await client.patch(f"/v1/partners/{city.partner}", json={"locality": "X"}, headers=IF_FIRST)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    operator = await service.operator.patch(f"/v1/partners/{city.partner}", json={"locality": "X"}, headers=IF_FIRST)
    assert operator.status_code == 200


async def test_an_unknown_partner_is_not_found(service: PartnersService) -> None:
    nobody = "/v1/partners/01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"
    assert (await service.operator.get(nobody)).status_code == 404
    assert (await service.operator.patch(nobody, json={}, headers=IF_FIRST)).status_code == 404
    assert (await service.operator.get("/v1/partners/medellin")).status_code == 422


async def test_null_empties_whatever_may_be_empty(service: PartnersService) -> None:
    told: dict[str, Any] = {
        "aliases": [{"text": "La ciudad"}],
        "identifiers": [{"scheme": "dane", "value": "05001"}],
        "languages": ["es", "en"],
    }
    plain: dict[str, Any] = {"acronym": "MDE", "subdivision": "CO-ANT", "locality": "Centro", "website": "https://medellin.example.org"}
    city = await service.client_of("city", **told, **plain, location={"lat": 6.2, "lon": -75.5})
    place = f"/v1/partners/{city.partner}"
    required = {"kind", "names", "country", "timezone"}
    asked = (await city.get("/openapi.json")).json()["components"]["schemas"]["PartnerChanges"]["properties"]
    emptied = dict.fromkeys(asked.keys() - required)
    assert emptied.keys() > told.keys() | plain.keys()
    assert {name for name, schema in asked.items() if {"type": "null"} in schema.get("anyOf", ())} == emptied.keys()
    answer = await city.patch(place, json=emptied, headers=IF_FIRST)
    assert answer.status_code == 200, answer.text
    assert {name: value for name, value in answer.json().items() if name in emptied and value} == {}
    assert [answer.json()[name] for name in told] == [[], [], []]


async def test_what_a_partner_must_have_cannot_be_emptied(service: PartnersService) -> None:
    city = await service.client_of("city")
    emptied: list[dict[str, Any]] = [{"names": None}, {"names": {}}, {"country": None}, {"timezone": ""}, {"kind": None}]
    for said in [*emptied, {"id": "x"}, {"version": 7}]:
        answer = await city.patch(f"/v1/partners/{city.partner}", json=said, headers=IF_FIRST)
        assert answer.status_code == 422, said
        assert answer.json()["field"] == f"/{next(iter(said))}"


async def test_a_subdivision_moves_only_with_its_country(service: PartnersService) -> None:
    city = await service.client_of("city", country="CO", subdivision="CO-ANT")
    place = f"/v1/partners/{city.partner}"
    for said in ({"country": "UA"}, {"subdivision": "UA-30"}):
        answer = await city.patch(place, json=said, headers=IF_FIRST)
        assert (answer.status_code, answer.json()["field"]) == (422, "/subdivision"), said
        assert "ISO 3166-2" in answer.json()["detail"]
        assert answer.json()["fix"]
    both = await city.patch(place, json={"country": "UA", "subdivision": "UA-30"}, headers=IF_FIRST)
    assert (both.status_code, both.json()["subdivision"]) == (200, "UA-30")


async def test_a_subdivision_is_one_that_its_country_has(service: PartnersService) -> None:
    city = await service.client_of("city", country="CO", subdivision="CO-ANT")
    place = f"/v1/partners/{city.partner}"
    answer = await city.patch(place, json={"subdivision": "CO-ZZZ"}, headers=IF_FIRST)
    assert (answer.status_code, answer.json()["field"]) == (422, "/subdivision")
    assert answer.json()["detail"] == "ISO 3166-2 knows no subdivision CO-ZZZ."
    assert answer.json()["fix"] == "Send a code like 'CO-AMA', or null."
    elsewhere = await city.patch(place, json={"country": "HK", "subdivision": "HK-1"}, headers=IF_FIRST)
    assert (elsewhere.status_code, elsewhere.json()["fix"]) == (422, "Send null: HK has no subdivisions.")
    for code in ("KR-11", "MY-14", "US-PR", "GB-ENG", "UA-30"):  # whatever form codes have
        assert is_subdivision(code), code


async def test_a_subdivision_that_the_list_has_forgotten_keeps_nobody_from_changing_the_rest(service: PartnersService) -> None:
    city = await service.client_of("city", country="CO", subdivision="CO-ANT")
    async with service.runtime.database.session() as session, session.begin():
        await session.execute(text("UPDATE partner SET subdivision = 'CO-OLD' WHERE id = :id"), {"id": city.partner})
    place = f"/v1/partners/{city.partner}"
    assert (await city.get(place)).json()["subdivision"] == "CO-OLD"
    changed = await city.patch(place, json={"locality": "Bello", "subdivision": "CO-OLD"}, headers=IF_FIRST)
    assert (changed.status_code, changed.json()["subdivision"]) == (200, "CO-OLD")
    assert (await city.patch(place, json={"subdivision": None}, headers={"If-Match": '"2"'})).json()["subdivision"] is None
    assert (await city.patch(place, json={"subdivision": "CO-OLD"}, headers={"If-Match": '"3"'})).status_code == 422


async def test_aliases_come_and_go(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre", country="UA", timezone="Europe/Kyiv")
    place = f"/v1/partners/{centre.partner}/aliases"
    alias = {"text": "C4IR de Kiev", "lang": "es", "kind": "press"}
    added = await centre.post(place, json=alias, headers=IF_FIRST)
    assert (added.status_code, added.headers["etag"], added.json()["aliases"]) == (200, '"2"', [alias])
    again = await centre.post(place, json=alias, headers={"If-Match": '"2"'})
    assert (again.status_code, again.headers["etag"]) == (200, '"2"')
    found = await centre.get("/v1/partners", params={"q": "c4ir kiev"})
    assert [partner["id"] for partner in found.json()["items"]] == [centre.partner]
    missing = await centre.delete(place, params={"text": "C4IR"}, headers={"If-Match": '"2"'})
    assert (missing.status_code, missing.json()["field"]) == (404, "?text")
    removed = await centre.delete(place, params={"text": "C4IR de Kiev"}, headers={"If-Match": '"2"'})
    assert (removed.status_code, removed.json()["aliases"]) == (200, [])
    assert [fact["sequence"] for fact in await service.facts(f"partner/{centre.partner}")] == [1, 2, 3]


async def test_identifiers_are_replaced_and_stay_unique(service: PartnersService) -> None:
    first = await service.client_of("city", identifiers=[{"scheme": "dane", "value": "05001"}])
    second = await service.client_of("city")
    place = f"/v1/partners/{second.partner}"
    taken = await second.patch(place, json={"identifiers": [{"scheme": "dane", "value": "05001"}]}, headers=IF_FIRST)
    assert (taken.status_code, taken.json()["partner"]) == (409, first.partner)
    freed = await first.patch(
        f"/v1/partners/{first.partner}", json={"identifiers": [{"scheme": "dane", "value": "11001"}]}, headers=IF_FIRST
    )
    assert freed.json()["identifiers"] == [{"scheme": "dane", "value": "11001"}]
    free = await second.patch(place, json={"identifiers": [{"scheme": "dane", "value": "05001"}]}, headers=IF_FIRST)
    assert free.status_code == 200, free.text
