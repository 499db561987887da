"""The API describes itself: every operation in words, every body with an example that the API itself accepts."""

from __future__ import annotations

from typing import Any

from tests.partners.conftest import PartnersService


async def test_every_operation_has_words_and_every_body_an_example(service: PartnersService) -> None:
    api = (await service.anyone.get("/openapi.json")).json()
    assert api["openapi"].startswith("3.1")
    for path, item in api["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)
            assert operation.get("tags"), (method, path)
            for body in bodies(operation):
                assert body.get("example") is not None or body.get("examples"), (method, path)


def bodies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """What the operation takes and gives, by media type."""
    places = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [media for place in places for media in place.get("content", {}).values()]


async def test_examples_of_the_registry_are_accepted(service: PartnersService) -> None:
    schemas = (await service.anyone.get("/openapi.json")).json()["components"]["schemas"]
    made = await service.operator.post("/v1/partners", json=schemas["NewPartner"]["example"])
    assert made.status_code == 201, made.text
    place = f"/v1/partners/{made.json()['id']}"
    changed = await service.operator.patch(place, json=schemas["PartnerChanges"]["example"], headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    known = await service.operator.post(f"{place}/aliases", json=schemas["Alias"]["example"], headers={"If-Match": '"2"'})
    assert known.status_code == 200, known.text
    for name, url in (
        ("NewClient", "/v1/clients"),
        ("NewMember", f"/v1/networks/{(await service.register('city_network'))['id']}/members"),
    ):
        answer = await service.operator.post(url, json=schemas[name]["example"] | {"partner": made.json()["id"]})
        assert answer.status_code == 201, answer.text
