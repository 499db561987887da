"""Every change of a partner is kept: what it was, what it became, when and by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.partners.conftest import PartnerClient, PartnersService


async def history(client: PartnerClient, partner: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/partners/{partner}/history", params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def version(number: int) -> dict[str, str]:
    return {"If-Match": f'"{number}"'}


async def test_every_change_is_kept_newest_first(service: PartnersService) -> None:
    city = await service.client_of("city", names={"es": "Medellín"}, identifiers=[{"scheme": "dane", "value": "05001"}])
    place = f"/v1/partners/{city.partner}"
    await city.patch(place, json={"locality": "Medellín", "identifiers": []}, headers=version(1))
    await city.post(f"{place}/aliases", json={"text": "MDE"}, headers=version(2))
    await city.delete(f"{place}/aliases", params={"text": "MDE"}, headers=version(3))
    alias = {"text": "MDE", "lang": None, "kind": "other"}
    removed, added, patched, registered = await history(city, city.partner)
    assert removed["changes"] == {"aliases": {"old": [alias], "new": []}}
    assert added["changes"] == {"aliases": {"old": [], "new": [alias]}}
    assert patched["changes"] == {
        "locality": {"old": None, "new": "Medellín"},
        "identifiers": {"old": [{"scheme": "dane", "value": "05001"}], "new": []},
    }
    assert registered["changes"]["names"] == {"old": None, "new": {"es": "Medellín"}}
    assert registered["changes"]["identifiers"] == {"old": None, "new": [{"scheme": "dane", "value": "05001"}]}
    assert "acronym" not in registered["changes"]
    assert [change["version"] for change in (removed, added, patched, registered)] == [4, 3, 2, 1]
    times = [datetime.fromisoformat(change["at"]) for change in (removed, added, patched, registered)]
    assert times == sorted(times, reverse=True)
    assert removed["at"] == (await city.get(place)).json()["changed_at"]


async def test_what_changes_nothing_leaves_no_trace(service: PartnersService) -> None:
    city = await service.client_of("city", locality="Medellín")
    place = f"/v1/partners/{city.partner}"
    same = await city.patch(place, json={"locality": "Medellín"}, headers=version(1))
    stale = await city.patch(place, json={"locality": "Bello"}, headers=version(9))
    wrong = await city.patch(place, json={"hosted_by": city.partner}, headers=version(1))
    assert [answer.status_code for answer in (same, stale, wrong)] == [200, 412, 422]
    assert len(await history(city, city.partner)) == 1


async def test_writing_by_a_key_is_kept_too(service: PartnersService) -> None:
    said = {"kind": "city", "names": {"es": "Cali"}, "country": "CO", "timezone": "America/Bogota"}
    place = "/v1/partners/by-external-id/dane/76001"
    made = (await service.operator.put(place, json=said)).json()
    await service.operator.put(place, json=said | {"names": {"es": "Santiago de Cali"}})
    changed, registered = await history(service.operator, made["id"])
    assert changed["changes"] == {"names": {"old": {"es": "Cali"}, "new": {"es": "Santiago de Cali"}}}
    assert registered["changes"]["kind"] == {"old": None, "new": "city"}


async def test_who_made_a_change_is_known_to_all_with_which_client_to_few(service: PartnersService) -> None:
    city, other = await service.client_of("city"), await service.client_of("city", scopes="read write sign admin")
    await city.patch(f"/v1/partners/{city.partner}", json={"locality": "Medellín"}, headers=version(1))
    clients = (await service.operator.get("/v1/clients", params={"partner": city.partner})).json()["items"]
    for knowing in (service.operator, city):
        changed, registered = await history(knowing, city.partner)
        assert (changed["by_partner"], changed["client"]) == (city.partner, clients[0]["id"])
        assert (registered["by_partner"], registered["client"]) == (None, "bootstrap")
    for change in await history(other, city.partner):
        assert change["client"] is None
    assert [change["by_partner"] for change in await history(other, city.partner)] == [city.partner, None]


async def test_pages_of_the_history_follow_each_other(service: PartnersService) -> None:
    city = await service.client_of("city")
    for number in range(1, 5):
        await city.patch(f"/v1/partners/{city.partner}", json={"locality": f"L{number}"}, headers=version(number))
    seen: list[int] = []
    url: str | None = f"/v1/partners/{city.partner}/history?limit=2"
    while url:
        answer = await city.get(url)
        seen += [change["version"] for change in answer.json()["items"]]
        assert (answer.json()["next"] is None) == ("next" not in answer.links)
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == [5, 4, 3, 2, 1]


async def test_a_history_of_nobody_and_a_bad_page_are_refused(service: PartnersService) -> None:
    city = await service.client_of("city")
    place = "/v1/partners/{}/history"
    nobody = await city.get(place.format("01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"))
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not-found")
    for name, value in {"after": "garbage", "limit": "0", "order": "asc"}.items():
        answer = await city.get(place.format(city.partner), params={name: value})
        assert answer.status_code in (400, 422), name
        assert answer.json()["field"] == f"?{name}"
    assert (await service.anyone.get(place.format(city.partner))).status_code == 401
    writer = await service.client_for(city.partner, "write")
    assert (await writer.get(place.format(city.partner))).json()["code"] == "insufficient-scope"
