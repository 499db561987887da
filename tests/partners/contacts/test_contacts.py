"""A partner names the people behind it; nobody else sees them, no fact tells of them, and who asks is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from tests.partners.conftest import PartnerClient, PartnersService

PERSON: dict[str, Any] = {
    "name": "Олена Коваль",
    "position": "Координаторка",
    "email": "olena@example.org",
    "phone": "+380 44 123 4567",
    "roles": ["focal_point"],
    "language": "uk",
    "valid_from": "2025-03-01",
}


async def named(client: PartnerClient, **said: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/partners/{client.partner}/contacts", json=PERSON | said)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_partner_names_a_person_and_reads_it_back(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre")
    made = await centre.post(f"/v1/partners/{centre.partner}/contacts", json=PERSON)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert PERSON.items() <= made.json().items()
    read = await centre.get(made.headers["location"])
    assert (read.json(), read.headers["etag"]) == (made.json(), '"1"')


async def test_nobody_else_sees_a_person(service: PartnersService) -> None:
    centre, other = await service.client_of("tech_centre"), await service.client_of("city")
    person = await named(centre)
    answers = {
        await _status(other, "GET", f"/v1/contacts/{person['id']}"),
        await _status(other, "GET", f"/v1/partners/{centre.partner}/contacts"),
        await _status(other, "POST", f"/v1/partners/{centre.partner}/contacts", json=PERSON),
        await _status(other, "POST", f"/v1/contacts/{person['id']}/erase"),
        await _status(other, "PATCH", f"/v1/contacts/{person['id']}", json={"valid_to": None}, headers={"If-Match": '"1"'}),
    }
    assert answers == {403, 404}
    assert (await service.operator.get(f"/v1/contacts/{person['id']}")).json() == person


async def test_no_fact_tells_of_a_person(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre")
    before = len(await service.facts())
    person = await named(centre)
    await centre.patch(f"/v1/contacts/{person['id']}", json={"position": None}, headers={"If-Match": '"1"'})
    await centre.post(f"/v1/contacts/{person['id']}/erase")
    assert len(await service.facts()) == before


async def test_a_list_holds_those_of_a_role_and_of_a_day(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre")
    first = await named(centre, roles=["signatory"], valid_to="2025-12-31")
    second = await named(centre, roles=["press", "signatory"], valid_from="2026-01-01", lines=["joint_projects"])
    third = await named(centre, roles=["press"])
    for asked, ids in (
        ({}, [first, second, third]),
        ({"role": "signatory"}, [first, second]),
        ({"line": "joint_projects"}, [first, second, third]),
        ({"line": "knowledge_exchange"}, [first, third]),
        ({"on": "2025-12-31"}, [first, third]),
        ({"on": "2026-01-01", "role": "signatory"}, [second]),
    ):
        found = await centre.get(f"/v1/partners/{centre.partner}/contacts", params=asked)
        assert [item["id"] for item in found.json()["items"]] == [item["id"] for item in ids], asked
    page = await centre.get(f"/v1/partners/{centre.partner}/contacts", params={"limit": 2})
    rest = await centre.get(f"/v1/partners/{centre.partner}/contacts", params={"limit": 2, "after": page.json()["next"]})
    assert [item["id"] for item in rest.json()["items"]] == [third["id"]]


async def test_what_changes_must_be_said_of_the_version_that_was_read(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre")
    place = f"/v1/contacts/{(await named(centre))['id']}"
    changed = await centre.patch(place, json={"email": None, "lines": ["joint_projects"]}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["email"], changed.json()["lines"]) == (None, ["joint_projects"])
    stale = await centre.patch(place, json={"phone": None}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    same = await centre.patch(place, json={"email": None}, headers={"If-Match": '"2"'})
    assert same.headers["etag"] == '"2"'


async def test_null_empties_whatever_a_contact_may_do_without(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre")
    place = f"/v1/contacts/{(await named(centre, lines=['joint_projects']))['id']}"
    emptied = {"position": None, "email": None, "phone": None, "lines": None, "valid_to": None}
    answer = await centre.patch(place, json=emptied, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in emptied} == emptied | {"lines": []}
    for kept in ("name", "roles", "language", "valid_from"):
        refused = await centre.patch(place, json={kept: None}, headers={"If-Match": '"2"'})
        assert (refused.status_code, refused.json()["field"]) == (422, f"/{kept}")


async def test_who_asks_is_forgotten_for_good_and_the_id_stays(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre")
    person = await named(centre, roles=["signatory"])
    place = f"/v1/contacts/{person['id']}"
    erased = await centre.post(f"{place}/erase")
    assert {name: erased.json()[name] for name in ("name", "position", "email", "phone")} == dict.fromkeys(
        ("name", "position", "email", "phone")
    )
    assert (erased.json()["id"], erased.json()["roles"]) == (person["id"], ["signatory"])
    assert (await centre.post(f"{place}/erase")).json() == erased.json()
    again = await centre.patch(place, json={"name": "Олена"}, headers={"If-Match": erased.headers["etag"]})
    assert (again.status_code, again.json()["code"]) == (409, "contact-erased")
    async with service.runtime.database.reader() as reader:
        kept = str((await reader.execute(text("SELECT row_to_json(contact) FROM contact"))).scalars().all())
    assert not any(PERSON[word] in kept for word in ("name", "position", "email", "phone"))


async def test_who_sends_it_again_after_the_erasing_gets_nobody_back_and_makes_nobody(service: PartnersService) -> None:
    centre, key = await service.client_of("tech_centre"), {"Idempotency-Key": "once"}
    place = f"/v1/partners/{centre.partner}/contacts"
    first = await centre.post(place, json=PERSON, headers=key)
    again = await centre.post(place, json=PERSON, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert all(again.headers[name] == first.headers[name] for name in ("etag", "location", "content-type"))
    assert again.headers["idempotency-replayed"] == "true"
    async with service.runtime.database.reader() as reader:
        rows = await reader.execute(text("SELECT convert_to(headers::text, 'UTF8') || coalesce(body, '') FROM idempotency"))
        kept = b"".join(rows.scalars())
    assert b"location" in kept
    assert not any(PERSON[word].encode() in kept for word in ("name", "position", "email", "phone"))
    erased = await centre.post(f"{first.headers['location']}/erase")
    late = await centre.post(place, json=PERSON, headers=key)
    assert (late.status_code, late.json(), late.headers["idempotency-replayed"]) == (201, erased.json(), "true")
    assert [one["id"] for one in (await centre.get(place)).json()["items"]] == [first.json()["id"]]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": " "}, "/name"),
        ({"email": "olena"}, "/email"),
        ({"phone": "12345"}, "/phone"),
        ({"roles": []}, "/roles"),
        ({"roles": ["boss"]}, "/roles/0"),
        ({"lines": ["e"]}, "/lines/0"),
        ({"language": "xx"}, "/language"),
        ({"valid_to": "2025-02-28"}, "/valid_to"),
    ],
)
async def test_what_cannot_be_is_refused_by_the_name_of_its_field(service: PartnersService, said: dict[str, Any], field: str) -> None:
    centre = await service.client_of("tech_centre")
    answer = await centre.post(f"/v1/partners/{centre.partner}/contacts", json=PERSON | said)
    assert answer.status_code == 422
    told = answer.json()
    assert field == told["field"]
    assert [field] == [error["field"] for error in told.get("errors", [told])]


async def test_a_partner_that_is_not_there_has_no_contacts(service: PartnersService) -> None:
    place = "/v1/partners/01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f/contacts"
    for answer in (await service.operator.post(place, json=PERSON), await service.operator.get(place)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await (await service.client_of()).get(place)).status_code == 403


async def _status(client: PartnerClient, method: str, place: str, **more: Any) -> int:
    return (await client.request(method, place, **more)).status_code
