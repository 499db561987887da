"""An agreement of the past comes on record as signed then, shown by its evidence, recorded today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.partners.agreements.conftest import Table, good, refused

EVIDENCE = [{"title": "Memorando firmado", "media_type": "application/pdf", "sha256": "A" * 64, "size": 182044}]


def past(table: Table, **said: Any) -> dict[str, Any]:
    """The memorandum of 12 July 2024, as one of its parties tells of it."""
    body = table.draft_body(kind="mou", titles={"es": "Memorando de entendimiento"}, visibility="public")
    return body | {"signed_on": "2024-07-12", "evidence": EVIDENCE} | said


async def test_the_memorandum_of_2024_is_in_force_at_once(table: Table) -> None:
    made = await table.medellin.post("/v1/agreements/historic", json=past(table))
    agreement = good(made, 201)
    assert made.headers["location"] == f"/v1/agreements/{agreement['id']}"
    assert (agreement["state"], agreement["historic"], agreement["signed_on"]) == ("in_force", True, "2024-07-12")
    assert agreement["effective_on"] == "2024-07-12"
    assert agreement["created_at"].startswith(datetime.now(UTC).date().isoformat())
    assert agreement["evidence"][0]["sha256"] == "a" * 64
    assert await table.types(agreement) == ["signed", "entered_into_force"]
    signed = (await table.service.facts(f"agreement/{agreement['id']}"))[0]
    assert (signed["data"]["historic"], signed["data"]["signed_on"], signed["data"]["evidence"]) == (True, "2024-07-12", ["a" * 64])
    assert signed["data"]["recorded_at"].startswith(datetime.now(UTC).date().isoformat())
    assert good(await table.stranger.get(made.headers["location"])) == agreement
    assert (await table.stranger.get(f"{made.headers['location']}/revisions/1/canonical")).status_code == 200


async def test_each_party_may_have_signed_on_its_own_day(table: Table) -> None:
    parties = [{"partner": table.medellin.partner, "signed_on": "2024-07-10"}, {"partner": table.kyiv.partner}]
    agreement = good(await table.medellin.post("/v1/agreements/historic", json=past(table, parties=parties)), 201)
    assert [party["signed_on"] for party in agreement["parties"]] == ["2024-07-10", "2024-07-12"]
    assert {party["consent"] for party in agreement["parties"]} == {"signed"}


async def test_it_may_still_have_to_enter_into_force(table: Table) -> None:
    day = datetime.now(ZoneInfo("America/Bogota")).date() + timedelta(days=3)
    terms = table.terms() | {"effective_rule": "fixed_date", "effective_on": day.isoformat()}
    agreement = good(await table.medellin.post("/v1/agreements/historic", json=past(table, terms=terms)), 201)
    assert agreement["state"] == "signed"
    await table.service.act(datetime.now(UTC) + timedelta(days=4))
    assert await table.types(agreement) == ["signed", "entered_into_force"]


async def test_one_that_has_ended_is_recorded_as_such(table: Table) -> None:
    terms = table.terms() | {"expires_on": "2025-07-12"}
    agreement = good(await table.medellin.post("/v1/agreements/historic", json=past(table, terms=terms)), 201)
    assert (agreement["state"], agreement["expires_on"]) == ("expired", "2025-07-12")
    assert await table.types(agreement) == ["signed"]


async def test_only_a_party_or_the_operator_records_it(table: Table) -> None:
    refused(await table.stranger.post("/v1/agreements/historic", json=past(table)), 403, "not-a-party")
    reader = await table.service.client_for(table.medellin.partner, "read")
    refused(await reader.post("/v1/agreements/historic", json=past(table)), 403, "insufficient-scope")
    assert (await table.service.operator.post("/v1/agreements/historic", json=past(table))).status_code == 201


async def test_what_cannot_have_been_is_refused(table: Table) -> None:
    tomorrow = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()
    me, you = table.medellin.partner, table.kyiv.partner
    witness = {"partner": table.stranger.partner, "role": "witness", "signed_on": "2024-07-01"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"signed_on": tomorrow}, "/signed_on"),
        ({"signed_on": "2024-02-30"}, "/signed_on"),
        ({"evidence": []}, "/evidence"),
        ({"evidence": EVIDENCE * 2}, "/evidence"),
        ({"terms": table.terms() | {"expires_on": "2024-07-12"}}, "/terms/expires_on"),
        ({"parties": [{"partner": me, "signed_on": "2024-07-13"}, {"partner": you}]}, "/parties/0/signed_on"),
        ({"parties": [{"partner": me}, {"partner": you}, witness]}, "/parties/2/signed_on"),
    ]  # fmt: skip
    for said, field in wrong:
        problem = refused(await table.medellin.post("/v1/agreements/historic", json=past(table, **said)), 422, "invalid")
        assert problem["field"] == field, problem
    assert (await table.medellin.get("/v1/agreements")).json()["items"] == []


async def test_a_sixty_year_old_treaty_is_history_too(table: Table) -> None:
    agreement = good(await table.medellin.post("/v1/agreements/historic", json=past(table, signed_on=date(1965, 3, 1).isoformat())), 201)
    assert agreement["effective_on"] == "1965-03-01"
