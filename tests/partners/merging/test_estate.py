"""Mandates, contacts, clients, names, identifiers and guests follow a merge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.auth import Caller
from tests.partners.agreements.conftest import refused
from tests.partners.conftest import PartnerClient, client_on
from tests.partners.contacts.test_contacts import PERSON
from tests.partners.merging.conftest import Two

MAY = {"may_approve": True, "may_sign": False, "valid_from": "2025-01-01"}
SCOPES = frozenset({"read", "write", "sign"})


async def mandate(by: PartnerClient, holder: PartnerClient) -> dict[str, Any]:
    answer = await by.post(f"/v1/partners/{by.partner}/mandates", json=MAY | {"holder": holder.partner})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_the_survivor_is_known_by_the_names_and_keys_of_the_old_record(two: Two) -> None:
    await two.merged()
    survivor = await two.read(f"/v1/partners/{two.survivor.partner}")
    assert survivor["names"]["en"] == "GGTC Kyiv"
    assert survivor["aliases"] == [
        {"text": "C4IR Kyiv", "lang": "en", "kind": "former"},
        {"text": "C4IR de Kiev", "lang": "es", "kind": "former"},
    ]
    assert survivor["identifiers"] == [{"scheme": "wef", "value": "c4ir-kyiv"}]
    fact = (await two.service.facts(f"partner/{two.survivor.partner}"))[-1]
    assert (fact["type"], fact["data"]["changed"]) == ("org.interurbe.partner.updated.v1", ["aliases", "identifiers"])
    (_, fact) = await two.service.facts(f"partner/{two.old.partner}")
    assert fact["data"]["into"] == two.survivor.partner
    found = await two.read("/v1/partners/search?q=C4IR Kyiv")
    assert [item["id"] for item in found["items"]] == [two.survivor.partner]
    profile = {"kind": "tech_centre", "names": {"en": "C4IR Kyiv"}, "country": "UA", "timezone": "Europe/Kyiv"}
    suspects = refused(await two.service.operator.post("/v1/partners", json=profile), 409, "suspected-duplicate")["suspects"]
    assert [one["id"] for one in suspects] == [two.survivor.partner]


async def test_guests_are_hosted_by_the_survivor_and_nobody_by_itself(two: Two) -> None:
    guest = await two.service.register("tech_centre", hosted_by=two.old.partner)
    place = f"/v1/partners/{two.survivor.partner}"
    answer = await two.service.operator.patch(place, json={"hosted_by": two.old.partner}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    merge = await two.merged()
    assert (await two.read(f"/v1/partners/{guest['id']}"))["hosted_by"] == two.survivor.partner
    assert (await two.read(place))["hosted_by"] is None
    assert merge["moved"]["guests"] == 1
    assert (await two.types(f"partner/{guest['id']}"))[-1] == "partner.updated"


async def test_contacts_are_named_by_the_survivor(two: Two) -> None:
    contact = (await two.old.post(f"/v1/partners/{two.old.partner}/contacts", json=PERSON)).json()
    await two.merged()
    (after,) = (await two.survivor.get(f"/v1/partners/{two.survivor.partner}/contacts")).json()["items"]
    assert after == contact | {"partner": two.survivor.partner, "version": 2}


async def test_mandates_pass_on_both_sides_and_one_of_which_the_survivor_has_the_like_ends(two: Two) -> None:
    given, held = await mandate(two.old, two.table.stranger), await mandate(two.table.stranger, two.old)
    like, between = await mandate(two.old, two.table.medellin), await mandate(two.old, two.survivor)
    own = await mandate(two.survivor, two.table.medellin)
    merge = await two.merged()
    assert (await two.read(f"/v1/mandates/{given['id']}"))["partner"] == two.survivor.partner
    assert (await two.read(f"/v1/mandates/{held['id']}"))["holder"] == two.survivor.partner
    assert (await two.read(f"/v1/mandates/{own['id']}")) == own
    for one in (like, between):
        after = await two.read(f"/v1/mandates/{one['id']}")
        assert (after["state"], after["partner"]) == ("revoked", two.old.partner)
        assert (await two.types(f"mandate/{one['id']}"))[-1] == "mandate.revoked"
    assert sorted(merge["left"]["mandates"]) == sorted([like["id"], between["id"]])


async def test_a_client_speaks_for_the_survivor_with_the_secret_it_has_and_a_new_token(two: Two) -> None:
    body = {"partner": two.old.partner, "name": "Sistema de Kiev", "scopes": ["read", "write"]}
    made = (await two.service.operator.post("/v1/clients", json=body)).json()
    client = await two.service.enter(made["id"], made["secret"])
    await two.merged()
    await two.service.app.state.access.revoked.step()  # as a process learns of it that did not merge them
    problem = refused(await client.get("/v1/partners"), 401, "token-revoked")
    assert "Get a new access token" in problem["fix"]
    assert (await two.read(f"/v1/clients/{made['id']}"))["partner"] == two.survivor.partner
    (fact,) = await two.service.facts(f"client/{made['id']}")
    assert (fact["type"], fact["data"]["client"]) == ("org.interurbe.client.revoked.v1", made["id"])
    again = await two.service.anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(made["id"], made["secret"]))
    assert again.status_code == 200, again.text
    newer = await speaking(two, made["id"], two.survivor.partner)
    named = await newer.post(f"/v1/partners/{two.survivor.partner}/contacts", json=PERSON)
    assert named.status_code == 201, named.text


async def speaking(two: Two, client: str, partner: str) -> PartnerClient:
    """The client with a token of the next second: whole seconds cannot tell a token of before the merge from one after it."""
    access = two.service.app.state.access
    token = access.issuer.issue(await access.ring.signing_key(), Caller(client, partner, SCOPES), datetime.now(UTC) + timedelta(seconds=1))
    opened = client_on(two.service.app, {"Authorization": f"Bearer {token}"})
    two.service.opened.append(opened)
    return opened


async def test_a_client_that_was_revoked_stays_so(two: Two) -> None:
    body = {"partner": two.old.partner, "name": "Sistema viejo", "scopes": ["read"]}
    made = (await two.service.operator.post("/v1/clients", json=body)).json()
    assert (await two.service.operator.post(f"/v1/clients/{made['id']}/revoke")).status_code == 200
    await two.merged()
    assert len(await two.service.facts(f"client/{made['id']}")) == 1
    answer = await two.service.anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(made["id"], made["secret"]))
    assert answer.status_code == 401
