"""An agreement lives from its draft to the day it binds, and every step is told once and in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.partners.agreements.record.schemas import AgreementOut
from tests.partners.agreements.conftest import Table, good, hash_of

WHOLE_LIFE = [
    "drafted",
    "proposed",
    "party_invited",
    "party_invited",
    "party_approved",
    "party_approved",
    "terms_agreed",
    "signature_requested",
    "party_signed",
    "party_signed",
    "signed",
    "entered_into_force",
]


async def test_two_parties_draft_propose_approve_and_sign(table: Table) -> None:
    agreement = await table.signed(visibility="public")
    assert agreement["state"] == "in_force"
    today = datetime.now(ZoneInfo("America/Bogota")).date().isoformat()
    assert agreement["signed_on"] == agreement["effective_on"] == today
    assert [party["consent"] for party in agreement["parties"]] == ["signed", "signed"]
    assert await table.types(agreement) == WHOLE_LIFE


async def test_what_is_read_is_what_was_answered_and_as_described(table: Table) -> None:
    made = await table.medellin.post("/v1/agreements", json=table.draft_body())
    agreement = good(made, 201)
    read = await table.medellin.get(made.headers["location"])
    assert read.content == made.content
    assert read.headers["etag"] == made.headers["etag"] == '"1"'
    AgreementOut.model_validate(agreement)
    signed = await table.signed()
    assert good(await table.kyiv.get(f"/v1/agreements/{signed['id']}")) == signed
    AgreementOut.model_validate(signed)


async def test_the_signed_fact_says_enough_to_act_on(table: Table) -> None:
    agreement = await table.signed(visibility="public")
    facts = await table.service.facts(f"agreement/{agreement['id']}")
    signed = next(fact for fact in facts if fact["type"].endswith(".signed.v1"))
    data = signed["data"]
    assert data["about"]["code"].startswith("ALLIANCE-")
    assert [party["names"] for party in data["about"]["parties"]] == [party["names"] for party in agreement["parties"]]
    commitment = data["lines"][0]["commitments"][0]
    assert commitment == agreement["current_revision"]["terms"]["lines"][0]["commitments"][0] | {"quantity": 2.0}
    assert signed["headers"]["ce_visibility"] == "public"
    assert set(signed["headers"]["ce_audience"].split(",")) == {table.medellin.partner, table.kyiv.partner}


async def test_it_enters_into_force_on_its_day_in_its_own_zone(table: Table) -> None:
    zone = ZoneInfo("Asia/Seoul")
    day = datetime.now(zone).date() + timedelta(days=3)
    terms = table.terms() | {"effective_rule": "fixed_date", "effective_on": day.isoformat()}
    agreement = await table.signed(terms=terms, timezone="Asia/Seoul")
    assert agreement["state"] == "signed"
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    assert await table.service.act(midnight - timedelta(seconds=1)) == 0
    assert await table.service.act(midnight) == 1
    after = good(await table.medellin.get(f"/v1/agreements/{agreement['id']}"))
    assert after["state"] == "in_force"
    assert after["version"] == agreement["version"] + 1
    assert (await table.types(agreement))[-2:] == ["signed", "entered_into_force"]
    await table.service.act(midnight + timedelta(days=1))
    assert (await table.types(agreement)).count("entered_into_force") == 1


async def test_it_catches_up_after_a_long_sleep(table: Table) -> None:
    day = datetime.now(ZoneInfo("America/Bogota")).date() + timedelta(days=2)
    agreement = await table.signed(terms=table.terms() | {"effective_rule": "fixed_date", "effective_on": day.isoformat()})
    later = datetime.now(UTC) + timedelta(days=700)
    assert await table.service.act(later) >= 1
    facts = await table.service.facts(f"agreement/{agreement['id']}")
    assert facts[-1]["data"]["effective_on"] == day.isoformat()


async def test_terms_that_ended_during_the_sleep_never_enter_into_force(table: Table) -> None:
    day = datetime.now(ZoneInfo("America/Bogota")).date() + timedelta(days=2)
    ends = (day + timedelta(days=10)).isoformat()
    terms = table.terms() | {"effective_rule": "fixed_date", "effective_on": day.isoformat(), "expires_on": ends}
    agreement = await table.signed(terms=terms)
    await table.service.act(datetime.now(UTC) + timedelta(days=700))
    assert good(await table.medellin.get(f"/v1/agreements/{agreement['id']}"))["state"] == "expired"
    assert (await table.types(agreement))[-1] == "signed"


async def test_a_fixed_day_that_is_past_binds_at_once(table: Table) -> None:
    terms = table.terms() | {"effective_rule": "fixed_date", "effective_on": "2025-01-01"}
    agreement = await table.signed(terms=terms)
    assert (agreement["state"], agreement["effective_on"]) == ("in_force", "2025-01-01")


async def test_observers_and_witnesses_are_not_waited_for(table: Table) -> None:
    parties = [
        {"partner": table.medellin.partner},
        {"partner": table.kyiv.partner},
        {"partner": table.stranger.partner, "role": "witness"},
    ]
    agreement = await table.signed(parties=parties)
    assert agreement["state"] == "in_force"
    assert [party["consent"] for party in agreement["parties"]] == ["signed", "signed", "invited"]


async def test_an_agreement_is_abandoned_with_its_reason(table: Table) -> None:
    agreement = await table.signing()
    after = await table.act(table.kyiv, agreement, "abandon", reason="Sin presupuesto para 2026.")
    assert (after["state"], after["abandoned_because"]) == ("abandoned", "Sin presupuesto para 2026.")
    fact = (await table.service.facts(f"agreement/{agreement['id']}"))[-1]
    assert (fact["data"]["from_state"], fact["data"]["abandoned_by"]) == ("signing", table.kyiv.partner)


async def test_a_party_that_was_renamed_is_told_under_its_new_name(table: Table) -> None:
    agreement = await table.proposed()
    partner = await table.kyiv.get(f"/v1/partners/{table.kyiv.partner}")
    changed = await table.kyiv.patch(
        f"/v1/partners/{table.kyiv.partner}", json={"names": {"en": "C4IR Kyiv"}}, headers={"If-Match": partner.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    after = await table.act(table.kyiv, agreement, "approve", terms_hash=hash_of(agreement))
    assert after["parties"][1]["names"] == {"en": "C4IR Kyiv"}
    assert hash_of(after) == hash_of(agreement)
