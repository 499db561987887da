"""What is done for trying out is marked, stays among partners for trying out, and is not in the way of real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws

from services.partners.access.views import KeyRing
from shared.sandbox import in_sandbox
from tests.partners.agreements.conftest import Table, good, refused
from tests.partners.conftest import PartnerClient, PartnersService

MARK = "interurbe-sandbox"
CITY = {"kind": "city", "names": {"es": "Ciudad de Prueba"}, "country": "CO", "timezone": "America/Bogota"}


async def tester(service: PartnersService, **said: Any) -> PartnerClient:
    """A client for trying out, of a partner of the sandbox made for it."""
    return await client_of(service, (await service.register(sandbox=True, **said))["id"])


async def client_of(service: PartnersService, partner: str, scopes: str = "read write sign admin") -> PartnerClient:
    body = {"partner": partner, "name": "prueba", "scopes": scopes.split(), "sandbox": True}
    made = (await service.operator.post("/v1/clients", json=body)).raise_for_status().json()
    assert made["sandbox"] is True
    return await service.enter(made["id"], made["secret"], partner)


@pytest.fixture
async def table(service: PartnersService) -> Table:
    """Two partners of the sandbox, each with a client, and a real stranger."""
    return Table(
        service, await tester(service, kind="tech_centre"), await tester(service, kind="tech_centre"), await service.client_of("city")
    )


async def marks(service: PartnersService, subject: str = "") -> set[str | None]:
    return {fact["headers"].get("ce_sandbox") for fact in await service.facts(subject)}


async def test_a_whole_agreement_of_the_sandbox_is_marked_and_so_is_what_its_dates_bring(table: Table) -> None:
    day = datetime.now(UTC).date()
    terms = table.terms() | {"effective_rule": "fixed_date", "effective_on": (day + timedelta(days=3)).isoformat()}
    agreement = await table.signed(terms=terms, visibility="public")
    await table.service.act(datetime.now(UTC) + timedelta(days=5))
    subject = f"agreement/{agreement['id']}"
    assert (await table.types(agreement))[-1] == "entered_into_force"
    assert await marks(table.service, subject) == {"true"}
    entitled = [fact for fact in await table.service.facts() if ".entitlement." in fact["type"]]
    assert {fact["headers"].get("ce_sandbox") for fact in entitled} == {"true"}


async def test_the_operators_own_draft_between_partners_of_the_sandbox_is_marked(table: Table) -> None:
    drafted = good(await table.service.operator.post("/v1/agreements", json=table.draft_body()), 201)
    assert await marks(table.service, f"agreement/{drafted['id']}") == {"true"}


async def test_what_is_real_carries_no_mark(service: PartnersService) -> None:
    city = await service.client_of("city")
    assert await marks(service) == {None}
    assert MARK not in (await city.get("/v1/partners")).headers


async def test_a_token_says_so_and_every_answer_does_refusals_too(service: PartnersService) -> None:
    client = await tester(service)
    token = client.headers["Authorization"].partition(" ")[2]
    ring: KeyRing = service.app.state.access.ring
    (key,) = [key for key in await ring.published() if key.kid == jws.extract_compact(token.encode()).protected["kid"]]
    assert b'"sandbox":true' in jws.deserialize_compact(token, key, algorithms=["ES256"]).payload.replace(b" ", b"")
    answers = [await client.get("/v1/partners"), await client.post("/v1/keys/rotate"), await client.get("/v1/partners/nobody")]
    assert [(answer.status_code, answer.headers.get(MARK)) for answer in answers] == [(200, "true"), (403, "true"), (422, "true")]


async def test_nothing_joins_the_sandbox_with_what_is_real(service: PartnersService) -> None:
    pretend, real = await tester(service, kind="city_network"), await service.client_of("city_network")
    day = datetime.now(UTC).date().isoformat()
    draft = {
        "kind": "mou",
        "titles": {"es": "x"},
        "parties": [{"partner": pretend.partner}, {"partner": real.partner}],
        "terms": {"lines": [{"line": "knowledge_exchange", "text": {"es": "x"}}]},
    }
    mandate = {"holder": real.partner, "may_sign": True, "valid_from": day}
    for who in (pretend, service.operator):
        for path, body in (
            ("/v1/agreements", draft),
            (f"/v1/networks/{pretend.partner}/members", {"partner": real.partner, "role": "member", "valid_from": day}),
        ):
            refused(await who.post(path, json=body), 422, "sandbox-and-real")
    refused(await pretend.post(f"/v1/partners/{pretend.partner}/mandates", json=mandate), 422, "sandbox-and-real")
    hosted: dict[str, Any] = {"json": {"hosted_by": real.partner}, "headers": {"If-Match": '"1"'}}
    refused(await pretend.patch(f"/v1/partners/{pretend.partner}", **hosted), 422, "sandbox-and-real")
    for guest, host in ((pretend, real), (real, pretend)):
        hosting: dict[str, Any] = {"json": {"host": host.partner}, "headers": {"If-Match": '"1"'}}
        refused(await guest.put(f"/v1/partners/{guest.partner}/hosting", **hosting), 422, "sandbox-and-real")


async def test_a_client_for_trying_out_changes_nothing_real(service: PartnersService) -> None:
    pretend, real = await tester(service, kind="city_network"), await service.client_of("city_network")
    version = {"If-Match": '"1"'}
    body = {"partner": real.partner, "name": "x", "scopes": ["read"], "sandbox": True}
    for answer in (
        await pretend.patch(f"/v1/partners/{real.partner}", json={"website": None}, headers=version),
        await pretend.post(f"/v1/partners/{real.partner}/aliases", json={"text": "x"}, headers=version),
        await pretend.post("/v1/partners", json=CITY | {"sandbox": True}),
        await pretend.post("/v1/clients", json=body),
        await pretend.post("/v1/keys/rotate"),
    ):
        assert answer.status_code == 403, answer.text


async def test_a_client_is_for_trying_out_exactly_when_its_partner_is_and_the_operators_never(service: PartnersService) -> None:
    pretend, real = (await service.register(sandbox=True))["id"], (await service.register())["id"]
    for partner, sandbox in ((pretend, False), (real, True), (None, True)):
        body = {"partner": partner, "name": "x", "scopes": ["read"], "sandbox": sandbox}
        problem = refused(await service.operator.post("/v1/clients", json=body), 422, "invalid")
        assert problem["field"] == "/sandbox"


async def test_partners_for_trying_out_are_found_only_by_those_who_ask_for_them(service: PartnersService) -> None:
    real = await service.register(names={"es": "Ciudad de Prueba"})
    pretend = await service.register(names={"es": "Ciudad de Prueba"}, sandbox=True)
    assert (real["sandbox"], pretend["sandbox"], in_sandbox(pretend["id"])) == (False, True, True)
    asked = ["/v1/partners?limit=50", "/v1/partners?q=prueba", "/v1/partners/search?q=prueba"]
    for who, usual in ((await client_of(service, pretend["id"]), pretend), (service.operator, real)):
        for path in asked:
            for more, found in (("", usual), ("&sandbox=true", pretend), ("&sandbox=false", real)):
                items = (await who.get(path + more)).raise_for_status().json()["items"]
                assert [one["id"] for one in items] == [found["id"]], (path, more)
    assert (await service.operator.get(f"/v1/partners/{pretend['id']}")).json() == pretend


async def test_a_public_agreement_of_the_sandbox_is_public_there_alone(table: Table) -> None:
    agreement = await table.signed(visibility="public")
    path = f"/v1/agreements/{agreement['id']}"
    other = await tester(table.service)
    assert [(await who.get(path)).status_code for who in (table.stranger, other, table.service.operator)] == [404, 200, 200]
    assert (await table.stranger.get("/v1/agreements")).json()["items"] == []


async def test_the_sandbox_takes_no_key_that_a_real_partner_needs(service: PartnersService) -> None:
    pretend, real = await tester(service), await service.client_of("city")
    for who, scheme in ((pretend, "wikidata"), (real, "sandbox.wikidata")):
        change: dict[str, Any] = {"json": {"identifiers": [{"scheme": scheme, "value": "Q48278"}]}, "headers": {"If-Match": '"1"'}}
        problem = refused(await who.patch(f"/v1/partners/{who.partner}", **change), 422, "invalid")
        assert problem["field"] == "/identifiers"
    body = CITY | {"sandbox": True}
    put = [await service.operator.put("/v1/partners/by-external-id/sandbox.ministry/7", json=body) for _ in range(2)]
    assert [(answer.status_code, answer.json()["sandbox"]) for answer in put] == [(201, True), (200, True)]
