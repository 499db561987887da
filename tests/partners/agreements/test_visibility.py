"""A draft is its writer's alone, a negotiation its parties', and what is signed is seen as far as the parties want."""

from __future__ import annotations

from typing import Any

import pytest

from shared.db import new_id
from tests.partners.agreements.conftest import Table, good, hash_of, refused
from tests.partners.conftest import PartnerClient


async def sees(client: PartnerClient, agreement: dict[str, Any]) -> bool:
    """Whether the agreement can be read; it is in the list exactly when it can."""
    read = await client.get(f"/v1/agreements/{agreement['id']}")
    listed = await client.get("/v1/agreements")
    assert listed.status_code == 200, listed.text
    found = any(item["id"] == agreement["id"] for item in listed.json()["items"])
    assert found == (read.status_code == 200)
    return found


async def test_a_draft_is_seen_by_its_writer_and_the_operator_alone(table: Table) -> None:
    draft = await table.draft(visibility="public")
    seen = [await sees(client, draft) for client in (table.medellin, table.kyiv, table.stranger, table.service.operator)]
    assert seen == [True, False, False, True]
    fact = (await table.service.facts(f"agreement/{draft['id']}"))[0]
    assert (fact["headers"]["ce_visibility"], fact["headers"]["ce_audience"]) == ("owner", table.medellin.partner)


async def test_until_it_is_signed_only_its_parties_see_it(table: Table) -> None:
    agreement = await table.signing(visibility="public")
    assert [await sees(client, agreement) for client in (table.medellin, table.kyiv, table.stranger)] == [True, True, False]
    for fact in (await table.service.facts(f"agreement/{agreement['id']}"))[1:]:
        assert fact["headers"]["ce_visibility"] == "parties"
        assert set(fact["headers"]["ce_audience"].split(",")) == {table.medellin.partner, table.kyiv.partner}


@pytest.mark.parametrize(("visibility", "seen"), [("parties", False), ("public", True), ("network", False)])
async def test_once_signed_its_own_visibility_counts(table: Table, visibility: str, seen: bool) -> None:
    agreement = await table.signed(visibility=visibility)
    assert await sees(table.stranger, agreement) is seen
    told = {fact["type"]: fact["headers"]["ce_visibility"] for fact in await table.service.facts(f"agreement/{agreement['id']}")}
    assert told["org.interurbe.agreement.signed.v1"] == told["org.interurbe.agreement.entered_into_force.v1"] == visibility
    assert told["org.interurbe.agreement.party_signed.v1"] == "parties"


async def test_members_of_a_network_that_signed_see_what_is_for_networks(table: Table) -> None:
    network = await table.service.client_of("city_network")
    await table.service.operator.post(
        f"/v1/networks/{network.partner}/members", json={"partner": table.stranger.partner, "valid_from": "2020-01-01"}
    )
    former = await table.service.client_of("city")
    joined = {"partner": former.partner, "valid_from": "2020-01-01", "valid_to": "2021-01-01"}
    await table.service.operator.post(f"/v1/networks/{network.partner}/members", json=joined)
    parties = [{"partner": table.medellin.partner}, {"partner": network.partner}]
    terms = table.terms(giver=network.partner)
    agreement = await table.draft(parties=parties, terms=terms, visibility="network")
    agreement = await table.act(table.medellin, agreement, "propose")
    for client in (table.medellin, network):
        agreement = await table.act(client, agreement, "approve", terms_hash=hash_of(agreement))
    agreement = await table.act(network, agreement, "request-signature")
    assert not await sees(table.stranger, agreement)
    for client in (table.medellin, network):
        agreement = await table.act(client, agreement, "sign", terms_hash=hash_of(agreement))
    assert [await sees(client, agreement) for client in (table.stranger, former, table.kyiv)] == [True, False, False]


async def test_what_is_hidden_and_what_does_not_exist_are_answered_alike(table: Table) -> None:
    draft, unknown = await table.draft(code="SECRET-1"), {"id": new_id(), "version": 1}
    ways = ("", "/revisions/1", "/revisions/1/canonical")
    for client in (table.stranger, table.kyiv):
        for way in ways:
            hidden, missing = [(await client.get(f"/v1/agreements/{it['id']}{way}")) for it in (draft, unknown)]
            assert told(hidden) == told(missing)
        for verb, body in acts(draft):
            hidden, missing = [await table.attempt(client, it, verb, **body) for it in (draft, unknown)]
            assert hidden.status_code == 404, (verb, hidden.text)
            assert told(hidden) == told(missing)
            assert "SECRET-1" not in hidden.text


def acts(agreement: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    consent = {"terms_hash": hash_of(agreement)}
    body = {"terms": agreement["current_revision"]["terms"]}
    return [
        ("propose", {}),
        ("approve", consent),
        ("sign", consent),
        ("abandon", {"reason": "x"}),
        ("revisions", body),
        ("request-signature", {}),
    ]


def told(answer: Any) -> dict[str, Any]:
    """A problem document without what differs from request to request."""
    return {name: value for name, value in answer.json().items() if name not in ("trace_id", "instance")}


async def test_outsiders_read_what_was_signed_and_never_what_led_there(table: Table) -> None:
    agreement = await table.proposed(visibility="public")
    agreement = good(await table.attempt(table.kyiv, agreement, "revisions", terms=table.terms(quantity=5)), 201)
    for verb, way in (("approve", "request-signature"), ("sign", "")):
        for client in (table.medellin, table.kyiv):
            agreement = await table.act(client, agreement, verb, terms_hash=hash_of(agreement))
        agreement = await table.act(table.medellin, agreement, way) if way else agreement
    codes = [(await table.stranger.get(f"/v1/agreements/{agreement['id']}/revisions/{number}")).status_code for number in (1, 2, 3)]
    assert codes == [404, 200, 404]
    assert [(await table.kyiv.get(f"/v1/agreements/{agreement['id']}/revisions/{number}")).status_code for number in (1, 2)] == [200, 200]
    refused(await table.attempt(table.stranger, agreement, "abandon", reason="x"), 403, "not-a-party")


async def test_an_abandoned_draft_stays_its_writers(table: Table) -> None:
    draft = await table.draft()
    after = await table.act(table.medellin, draft, "abandon", reason="Duplicado.")
    assert not await sees(table.kyiv, after)
    facts = await table.service.facts(f"agreement/{draft['id']}")
    assert [fact["headers"]["ce_visibility"] for fact in facts] == ["owner", "owner"]


async def test_the_operator_drafts_and_proposes_for_others_and_never_consents(table: Table) -> None:
    made = await table.service.operator.post("/v1/agreements", json=table.draft_body())
    agreement = good(made, 201)
    assert not await sees(table.medellin, agreement)
    agreement = await table.act(table.service.operator, agreement, "propose")
    assert await sees(table.medellin, agreement)
    operator = await table.service.client_for(None, "read write sign admin")
    refused(await table.attempt(operator, agreement, "approve", terms_hash=hash_of(agreement)), 403, "not-a-party")
