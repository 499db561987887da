"""Who asks for a merged partner is sent on to the survivor, and nobody names it any more."""

from __future__ import annotations

import re

import pytest

from tests.partners.agreements.conftest import refused
from tests.partners.merging.conftest import C4IR, REASON, Two

WHO = {"partner", "party", "network", "hosted_by"}
"""The filters that name a partner."""
STAYS = {"/merge", "/undo-merge", "/history"}
CONDITIONAL = [("PATCH", ""), ("POST", "/aliases"), ("DELETE", "/aliases")]


async def test_the_second_registration_is_suspected_and_merged_and_its_id_leads_to_the_first(two: Two) -> None:
    wanted = C4IR | {"kind": "tech_centre", "names": {"en": "GGTC de Kyiv"}, "acronym": None}
    assert refused(await two.service.operator.post("/v1/partners", json=wanted), 409, "suspected-duplicate")["suspects"]
    merge = await two.merged()
    assert {name: merge[name] for name in ("partner", "into", "reason", "undone_at")} == {
        "partner": two.old.partner,
        "into": two.survivor.partner,
        "reason": REASON,
        "undone_at": None,
    }
    answer = await two.table.medellin.get(f"/v1/partners/{two.old.partner}")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/v1/partners/{two.survivor.partner}")
    assert answer.json()["survivor"] == two.survivor.partner
    followed = await two.table.medellin.get(f"/v1/partners/{two.old.partner}", follow_redirects=True)
    assert followed.json()["id"] == two.survivor.partner


async def test_every_path_with_the_old_id_is_sent_on_but_its_history_and_its_merge(two: Two) -> None:
    await two.merged()
    paths = (await two.service.anyone.get("/openapi.json")).json()["paths"]
    asked = [(method.upper(), path) for path, item in paths.items() if re.search(r"\{(partner|network)\}", path) for method in item]
    assert len(asked) >= 14
    for method, path in asked:
        way = re.sub(r"^.*?\{\w+\}", "", path)
        if way in STAYS or (method, way) in CONDITIONAL:
            continue
        answer = await two.service.operator.request(method, re.sub(r"\{\w+\}", two.old.partner, path), params={"limit": 1})
        assert answer.status_code == 308, (method, path, answer.text)
        assert answer.headers["location"] == re.sub(r"\{\w+\}", two.survivor.partner, path) + "?limit=1"
        assert "308" in paths[path][method.lower()]["responses"]


async def test_every_list_narrowed_to_the_old_id_holds_what_passed_to_the_survivor(two: Two) -> None:
    old, into, city = await two.world.network(), await two.world.network("Merco Ciudades"), two.table.medellin.partner
    await two.world.join(city, old)
    await (await two.service.client_for(old)).patch(f"/v1/partners/{old}", json={"locality": "Cali"}, headers={"If-Match": '"1"'})
    await two.hosted(city, old)
    agreement = await two.world.agreement(old, city)
    await two.merged(old=old, into=into)
    await two.chained()
    paths = (await two.service.anyone.get("/openapi.json")).json()["paths"]
    said = {
        (path, one["name"]) for path, item in paths.items() for one in item.get("get", {}).get("parameters", []) if one["in"] == "query"
    }
    for path, name in (pair for pair in said if pair[1] in WHO):
        found, wanted = [(await two.service.operator.get(path, params={name: asked})).text for asked in (old, into)]
        assert found == wanted
        assert {"/v1/agreements": agreement, "/v1/clients": into, "/v1/audit": old}.get(path, city) in found, (path, found)
    assert {name for _, name in said} >= WHO


@pytest.mark.parametrize(("method", "way"), CONDITIONAL)
async def test_a_change_of_a_version_of_the_old_record_is_refused_and_not_sent_on(two: Two, method: str, way: str) -> None:
    await two.merged()
    answer = await two.service.operator.request(method, f"/v1/partners/{two.old.partner}{way}", headers={"If-Match": '"2"'}, json={})
    assert refused(answer, 409, "partner-merged")["survivor"] == two.survivor.partner


async def test_a_chain_of_merges_leads_to_its_end(two: Two) -> None:
    third = (await two.service.register("tech_centre", names={"en": "Kyiv Digital Lab"}, country="UA"))["id"]
    await two.merged()
    await two.merged(old=two.survivor.partner, into=third)
    answer = await two.service.operator.get(f"/v1/partners/{two.old.partner}/memberships")
    assert answer.headers["location"] == f"/v1/partners/{third}/memberships"
    assert refused(await two.merge(two.table.stranger.partner, two.old.partner), 409, "partner-merged")["survivor"] == third


async def test_a_merged_partner_is_named_in_no_body(two: Two) -> None:
    network, old = await two.world.network(), two.old.partner
    await two.merged()
    operator, medellin = two.service.operator, two.table.medellin
    mandate = {"holder": old, "may_approve": True, "may_sign": False, "valid_from": "2025-01-01"}
    hosted = {"kind": "city", "names": {"es": "Ciudad alojada"}, "country": "CO", "timezone": "America/Bogota", "hosted_by": old}
    for answer in (
        await operator.post(f"/v1/networks/{network}/members", json={"partner": old, "valid_from": "2025-01-01"}),
        await operator.post("/v1/clients", json={"partner": old, "name": "Sistema", "scopes": ["read"]}),
        await operator.post("/v1/partners", json=hosted),
        await medellin.post(f"/v1/partners/{medellin.partner}/mandates", json=mandate),
        await two.merge(medellin.partner, old),
    ):
        assert refused(answer, 409, "partner-merged")["survivor"] == two.survivor.partner


async def test_the_history_of_the_old_record_stays_and_tells_of_the_merge(two: Two) -> None:
    await two.merged()
    for partner in (two.old.partner, two.survivor.partner):
        answer = await two.table.medellin.get(f"/v1/partners/{partner}/history")
        assert answer.status_code == 200
        newest, first = answer.json()["items"]
        assert first["version"] == 1
        assert ("merged_into" in newest["changes"]) == (partner == two.old.partner)
    old = (await two.read(f"/v1/partners/{two.old.partner}/history"))["items"][0]["changes"]
    assert old["state"] == {"old": "active", "new": "merged"}
    assert old["merged_into"] == {"old": None, "new": two.survivor.partner}


async def test_the_audit_names_the_merge(two: Two) -> None:
    await two.merged()
    await two.chained()
    entries = (await two.read("/v1/audit?limit=200"))["items"]
    (entry,) = [one for one in entries if one["action"] == "POST /v1/partners/{partner}/merge"]
    assert entry["subject"] == f"/v1/partners/{two.old.partner}/merge"
