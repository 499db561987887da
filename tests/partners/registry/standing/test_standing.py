"""Where a partner stands: each deed is possible in its states alone, is told, and what a partner may do follows from it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.partners.agreements.conftest import Table, hash_of
from tests.partners.conftest import PartnerClient, PartnersService

REASON = {"reason": "La entidad fue liquidada."}


async def do(client: PartnerClient, partner: str, deed: str, **body: Any) -> httpx.Response:
    """Do this to the partner at its present version."""
    version = (await client.get(f"/v1/partners/{partner}")).json().get("version", 1)
    return await client.post(f"/v1/partners/{partner}/{deed}", json=body or None, headers={"If-Match": f'"{version}"'})


async def done(client: PartnerClient, partner: str, deed: str, **body: Any) -> dict[str, Any]:
    answer = await do(client, partner, deed, **body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def facts(service: PartnersService, partner: str) -> list[str]:
    return [fact["type"].removeprefix("org.interurbe.partner.") for fact in await service.facts(f"partner/{partner}")]


async def test_a_partner_goes_from_draft_to_the_archive_and_each_step_is_told(service: PartnersService) -> None:
    operator, city = service.operator, (await service.register(state="draft"))["id"]
    assert await facts(service, city) == []
    assert (await done(operator, city, "submit"))["state"] == "pending_verification"
    assert (await done(operator, city, "verify", method="document"))["state"] == "active"
    suspended = await done(operator, city, "suspend", **REASON)
    assert (suspended["state"], suspended["state_reason"]) == ("suspended", REASON["reason"])
    resumed = await done(operator, city, "resume")
    assert (resumed["state"], resumed["state_reason"]) == ("active", None)
    assert (await done(operator, city, "archive", **REASON))["state"] == "archived"
    told = ["verification_requested.v1", "registered.v1", "verified.v1", "suspended.v1", "resumed.v1", "archived.v1"]
    assert await facts(service, city) == told
    reach = [fact["headers"]["ce_visibility"] for fact in await service.facts(f"partner/{city}")]
    assert reach == ["owner"] + ["public"] * 5
    history = (await operator.get(f"/v1/partners/{city}/history")).json()["items"]
    assert history[0]["changes"]["state"] == {"old": "active", "new": "archived"}


async def test_a_draft_that_changed_since_it_was_read_is_not_handed_in(service: PartnersService) -> None:
    city = (await service.register(state="draft"))["id"]
    await service.operator.patch(f"/v1/partners/{city}", json={"locality": "Norte"}, headers={"If-Match": '"1"'})
    stale = await service.operator.post(f"/v1/partners/{city}/submit", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await service.operator.get(f"/v1/partners/{city}")).json()["state"] == "draft"


async def test_what_the_state_does_not_allow_is_refused_with_what_it_does(service: PartnersService) -> None:
    operator, city = service.operator, (await service.register(state="draft"))["id"]
    bodies: dict[str, dict[str, str]] = {"submit": {}, "verify": {"method": "visit"}, "suspend": REASON, "resume": {}, "archive": REASON}
    path = [
        ("draft", ["submit", "archive"], "submit"),
        ("pending_verification", ["verify", "archive"], "verify"),
        ("active", ["verify", "suspend", "archive"], "suspend"),
        ("suspended", ["verify", "resume", "archive"], "archive"),
        ("archived", [], ""),
    ]
    for state, allowed, following in path:
        for deed in bodies.keys() - set(allowed):
            refused = await do(operator, city, deed, **bodies[deed])
            problem = refused.json()
            assert (refused.status_code, problem["code"], problem["state"]) == (409, "wrong-state", state), deed
            assert problem["allowed"] == allowed
        if following:
            await done(operator, city, following, **bodies[following])


async def test_who_may_do_it_and_on_which_version(service: PartnersService) -> None:
    city = await service.client_of()
    ruler = await service.client_for(city.partner, "read admin")
    for deed in ("suspend", "archive"):
        assert (await do(city, city.partner, deed, **REASON)).json()["code"] == "insufficient-scope"
        assert (await do(ruler, city.partner, deed, **REASON)).json()["code"] == "forbidden"
        stale = await service.operator.post(f"/v1/partners/{city.partner}/{deed}", json=REASON, headers={"If-Match": '"9"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    bare = await service.operator.post(f"/v1/partners/{city.partner}/suspend", json=REASON)
    assert bare.status_code == 428


async def test_a_draft_is_there_for_itself_and_the_operator_alone(service: PartnersService) -> None:
    key = {"scheme": "dane", "value": "05001"}
    draft = await service.client_of("city_network", state="draft", names={"es": "Red Secreta"}, identifiers=[key])
    other = await service.client_of()
    for client, status, seen in ((other, 404, []), (draft, 200, [draft.partner]), (service.operator, 200, [draft.partner])):
        for way in ("", "/history", "/verifications", "/entitlements"):
            assert (await client.get(f"/v1/partners/{draft.partner}{way}")).status_code == status, way
        for path, asked in (("", {"q": "secreta"}), ("/search", {"q": "secreta"}), ("", {"state": "draft"})):
            listed = await client.get(f"/v1/partners{path}", params=asked)
            assert [partner["id"] for partner in listed.json()["items"]] == seen, path
    assert (await other.get(f"/v1/partners/{draft.partner}/memberships")).status_code == 404
    changed = await other.patch(f"/v1/partners/{draft.partner}", json={"locality": "Cali"}, headers={"If-Match": '"1"'})
    assert changed.status_code == (await do(other, draft.partner, "submit")).status_code == 404
    hosted = await other.patch(f"/v1/partners/{other.partner}", json={"hosted_by": draft.partner}, headers={"If-Match": '"1"'})
    assert (hosted.status_code, hosted.json()["code"]) == (422, "unknown-partner")
    taken = await other.patch(f"/v1/partners/{other.partner}", json={"identifiers": [key]}, headers={"If-Match": '"1"'})
    assert taken.json()["code"] == "identifier-taken"
    assert draft.partner not in taken.text


async def test_a_draft_is_filled_in_by_its_partner_and_nobody_hears_of_it_until_it_is_verified(service: PartnersService) -> None:
    draft = await service.client_of(state="draft")
    place = f"/v1/partners/{draft.partner}"
    assert (await draft.patch(place, json={"locality": "Cali"}, headers={"If-Match": '"1"'})).json()["version"] == 2
    await done(draft, draft.partner, "submit")
    assert (await draft.patch(place, json={"acronym": "C"}, headers={"If-Match": '"3"'})).status_code == 200
    assert await facts(service, draft.partner) == ["verification_requested.v1"]
    assert (await service.anyone.get(place)).status_code == 401
    assert (await (await service.client_of()).get(place)).json()["state"] == "pending_verification"
    await done(service.operator, draft.partner, "verify", method="registry_lookup")
    registered = (await service.facts(f"partner/{draft.partner}"))[1]
    assert (registered["data"]["profile"]["locality"], registered["data"]["profile"]["acronym"]) == ("Cali", "C")


async def test_an_archived_draft_stays_hidden_is_told_to_nobody_and_lets_go_of_its_names_and_keys(service: PartnersService) -> None:
    operator, other = service.operator, await service.client_of("city_network")
    said: dict[str, Any] = {"names": {"es": "Red Secreta"}, "identifiers": [{"scheme": "dane", "value": "05001"}]}
    draft = await service.client_of("city_network", state="draft", **said)
    place, before = f"/v1/partners/{draft.partner}", len(await service.facts())
    archived = await done(operator, draft.partner, "archive", **REASON)
    assert (archived["state"], archived["identifiers"], archived["version"]) == ("archived", [], 2)
    newest = (await operator.get(f"{place}/history")).json()["items"][0]["changes"]
    assert newest["state"] == {"old": "draft", "new": "archived"}
    assert newest["identifiers"] == {"old": said["identifiers"], "new": []}
    again = await operator.post("/v1/partners", json=said | {"kind": "city_network", "country": "CO", "timezone": "America/Bogota"})
    assert again.status_code == 201, again.text
    for client in (operator, other):
        found = (await client.get("/v1/partners/search", params={"q": "secreta"})).json()["items"]
        assert [partner["id"] for partner in found] == [again.json()["id"]]
    assert draft.partner not in (await other.get("/v1/partners", params={"limit": 200})).text
    changed = await operator.patch(
        place, json={"locality": "Cali", "identifiers": [{"scheme": "dane", "value": "9"}]}, headers={"If-Match": '"2"'}
    )
    assert (changed.status_code, changed.json()["identifiers"]) == (200, [])
    for way in ("", "/history", "/memberships", "/entitlements"):
        assert (await other.get(f"{place}{way}")).status_code == 404, way
    named = await other.post(f"/v1/networks/{other.partner}/members", json={"partner": draft.partner, "valid_from": "2020-01-01"})
    assert (named.status_code, named.json()["code"]) == (422, "unknown-partner")
    assert [fact["subject"] for fact in (await service.facts())[before:]] == [f"partner/{again.json()['id']}"]


async def test_only_active_partners_become_parties_join_and_are_named_in_mandates(service: PartnersService) -> None:
    network, city = await service.client_of("city_network"), await service.client_of()
    table = Table(service, city, network, city)
    scope = {"holder": city.partner, "may_sign": True, "valid_from": "2025-03-01"}
    refused = {"suspended": (409, "partner-not-active"), "archived": (409, "partner-not-active")}
    for state, deed in (("suspended", "suspend"), ("archived", "archive")):
        await done(service.operator, city.partner, deed, **REASON)
        for client, path, body in (
            (network, "/v1/agreements", table.draft_body()),
            (network, f"/v1/networks/{network.partner}/members", {"partner": city.partner, "valid_from": "2020-01-01"}),
            (network, f"/v1/partners/{network.partner}/mandates", scope),
        ):
            answer = await client.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == refused[state], path
            assert (answer.json()["partner"], answer.json()["state"]) == (city.partner, state)
        assert (await network.get(f"/v1/partners/{city.partner}")).json()["state"] == state


async def test_a_suspended_partner_reads_and_changes_nothing_until_it_is_resumed(service: PartnersService) -> None:
    medellin, kyiv = await service.client_of("tech_centre"), await service.client_of("tech_centre")
    table = Table(service, medellin, kyiv, kyiv)
    agreement = await table.signing()
    await done(service.operator, kyiv.partner, "suspend", **REASON)
    place, terms = f"/v1/agreements/{agreement['id']}", {"terms_hash": hash_of(agreement)}
    version = {"If-Match": f'"{agreement["version"]}"'}
    barred = await kyiv.post(f"{place}/sign", json=terms, headers=version)
    problem = barred.json()
    assert (barred.status_code, problem["code"], problem["reason"]) == (403, "partner-barred", REASON["reason"])
    own = await kyiv.patch(f"/v1/partners/{kyiv.partner}", json={"locality": "X"}, headers={"If-Match": '"2"'})
    assert own.json()["code"] == "partner-barred"
    assert (await kyiv.get(place)).status_code == 200
    await done(service.operator, kyiv.partner, "resume")
    assert (await kyiv.post(f"{place}/sign", json=terms, headers=version)).status_code == 200


async def test_nobody_acts_by_a_mandate_of_a_suspended_partner(service: PartnersService) -> None:
    medellin, kyiv, other = [await service.client_of("tech_centre") for _ in range(3)]
    agreement = await Table(service, medellin, kyiv, other).proposed()
    scope = {"holder": other.partner, "may_approve": True, "valid_from": "2025-03-01"}
    assert (await kyiv.post(f"/v1/partners/{kyiv.partner}/mandates", json=scope)).status_code == 201
    await done(service.operator, kyiv.partner, "suspend", **REASON)
    body = {"terms_hash": hash_of(agreement), "partner": kyiv.partner}
    headers = {"If-Match": f'"{agreement["version"]}"'}
    refused = await other.post(f"/v1/agreements/{agreement['id']}/approve", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "partner-not-active")


async def test_tokens_of_a_suspended_partner_read_and_an_archived_one_gets_none(service: PartnersService) -> None:
    city = (await service.register())["id"]
    body = {"partner": city, "name": "Sistema", "scopes": ["read", "write"]}
    made = (await service.operator.post("/v1/clients", json=body)).json()

    async def token(**more: str) -> httpx.Response:
        form = {"grant_type": "client_credentials"} | more
        return await service.anyone.post("/oauth/token", data=form, auth=(made["id"], made["secret"]))

    assert (await token()).json()["scope"] == "read write"
    await done(service.operator, city, "suspend", **REASON)
    assert (await token()).json()["scope"] == "read"
    assert (await token(scope="write")).json()["error"] == "invalid_scope"
    await done(service.operator, city, "resume")
    assert (await token()).json()["scope"] == "read write"
    await done(service.operator, city, "archive", **REASON)
    refused = await token()
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    again = await service.operator.post("/v1/clients", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "partner-not-active")


async def test_the_list_is_narrowed_to_a_state(service: PartnersService) -> None:
    active, gone = (await service.register())["id"], (await service.register())["id"]
    await done(service.operator, gone, "archive", **REASON)
    for state, expected in (("active", [active]), ("archived", [gone]), ("merged", [])):
        listed = (await service.operator.get("/v1/partners", params={"state": state})).json()["items"]
        assert [partner["id"] for partner in listed] == expected
