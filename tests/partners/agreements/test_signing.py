"""A party signs for itself, once, what it has seen; every refusal says what is possible instead."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.partners.agreements.record.models import ALLOWED, State
from tests.partners.agreements.conftest import Table, good, hash_of, refused

VERBS = {
    "propose": "propose",
    "revise": "revisions",
    "approve": "approve",
    "request a signature": "request-signature",
    "sign": "sign",
    "abandon": "abandon",
}


def body_of(table: Table, agreement: dict[str, Any], verb: str) -> dict[str, Any]:
    """A good body for the verb."""
    bodies: dict[str, dict[str, Any]] = {"revise": {"terms": table.terms(quantity=77)}, "abandon": {"reason": "x"}}
    return bodies.get(verb, {"terms_hash": hash_of(agreement)} if verb in ("approve", "sign") else {})


async def reach(table: Table, state: State) -> dict[str, Any]:
    """An agreement in this state."""
    day = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    later = table.terms() | {"effective_rule": "fixed_date", "effective_on": day}
    ways = {
        State.DRAFT: table.draft, State.NEGOTIATING: table.proposed, State.AGREED: table.agreed, State.SIGNING: table.signing,
        State.SIGNED: lambda: table.signed(terms=later), State.IN_FORCE: table.signed,
    }  # fmt: skip
    if state in ways:
        return dict(await ways[state]())
    return await table.act(table.medellin, await table.draft(), "abandon", reason="x")


@pytest.mark.parametrize("state", [state for state in State if state != State.EXPIRED])
async def test_the_table_of_its_life_holds_in_every_state(table: Table, state: State) -> None:
    agreement = await reach(table, state)
    assert agreement["state"] == state
    for verb, way in VERBS.items():
        answer = await table.attempt(table.medellin, agreement, way, **body_of(table, agreement, verb))
        if verb in ALLOWED[state]:
            assert answer.status_code < 300 or answer.json()["code"] == "already-approved", (verb, answer.text)
            agreement = await reach(table, state)
        elif answer.json()["code"] not in ("already-approved", "already-signed"):
            problem = refused(answer, 409, "wrong-state")
            assert (problem["state"], problem["allowed"]) == (state, list(ALLOWED[state]))


async def test_signing_twice_is_refused_and_the_signature_stands(table: Table) -> None:
    agreement = await table.act(table.kyiv, signing := await table.signing(), "sign", terms_hash=hash_of(signing), method="otp")
    again = await table.attempt(table.kyiv, agreement, "sign", terms_hash=hash_of(agreement))
    refused(again, 409, "already-signed")
    refused(await table.attempt(table.kyiv, signing, "sign", terms_hash=hash_of(agreement)), 409, "already-signed")
    after = await table.act(table.medellin, agreement, "sign", terms_hash=hash_of(agreement))
    assert (after["state"], after["parties"][1]["method"]) == ("in_force", "otp")
    refused(await table.attempt(table.kyiv, after, "sign", terms_hash=hash_of(agreement)), 409, "already-signed")
    assert (await table.types(agreement)).count("party_signed") == 2


async def test_approving_twice_is_refused_and_the_approval_stands(table: Table) -> None:
    agreement = await table.proposed()
    approved = await table.act(table.kyiv, agreement, "approve", terms_hash=hash_of(agreement))
    refused(await table.attempt(table.kyiv, approved, "approve", terms_hash=hash_of(agreement)), 409, "already-approved")
    assert good(await table.kyiv.get(f"/v1/agreements/{agreement['id']}")) == approved


async def test_the_same_request_sent_again_gets_the_same_answer(table: Table) -> None:
    agreement = await table.signing()
    headers = {"If-Match": f'"{agreement["version"]}"', "Idempotency-Key": "sign-once"}
    url, body = f"/v1/agreements/{agreement['id']}/sign", {"terms_hash": hash_of(agreement)}
    first, second = [await table.kyiv.post(url, json=body, headers=headers) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert (await table.types(agreement)).count("party_signed") == 1


async def test_nobody_signs_for_another(table: Table) -> None:
    agreement = await table.signing()
    for verb in ("sign", "approve"):
        body = {"terms_hash": hash_of(agreement), "partner": table.kyiv.partner}
        refused(await table.attempt(table.medellin, agreement, verb, **body), 403, "not-for-another")
    refused(await table.attempt(table.stranger, agreement, "sign", terms_hash=hash_of(agreement)), 404, "not-found")
    after = await table.attempt(table.medellin, agreement, "sign", terms_hash=hash_of(agreement), partner=table.medellin.partner)
    assert good(after)["parties"][1]["consent"] == "approved"


async def test_signing_other_terms_than_the_current_ones_is_refused(table: Table) -> None:
    agreement = await table.signing()
    problem = refused(await table.attempt(table.kyiv, agreement, "sign", terms_hash="0" * 64), 409, "stale-terms")
    assert problem["terms_hash"] == hash_of(agreement)
    refused(await table.attempt(table.kyiv, agreement, "sign", terms_hash="abc"), 422, "invalid")
    refused(await table.attempt(table.kyiv, agreement, "sign", terms_hash=hash_of(agreement), method="fax"), 422, "invalid")


async def test_both_sign_at_once_and_both_count(table: Table) -> None:
    agreement = await table.signing()
    answers = await asyncio.gather(
        *(table.attempt(client, agreement, "sign", terms_hash=hash_of(agreement)) for client in (table.medellin, table.kyiv))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    late = (table.medellin, table.kyiv)[next(place for place, answer in enumerate(answers) if answer.status_code == 412)]
    now = good(await late.get(f"/v1/agreements/{agreement['id']}"))
    assert (await table.act(late, now, "sign", terms_hash=hash_of(now)))["state"] == "in_force"
    assert (await table.types(agreement))[-4:] == ["party_signed", "party_signed", "signed", "entered_into_force"]


async def test_witnesses_neither_sign_nor_act(table: Table) -> None:
    parties = [{"partner": table.medellin.partner}, {"partner": table.kyiv.partner}, {"partner": table.stranger.partner, "role": "witness"}]
    agreement = await table.signing(parties=parties)
    refused(await table.attempt(table.stranger, agreement, "sign", terms_hash=hash_of(agreement)), 403, "not-your-role")
    refused(await table.attempt(table.stranger, agreement, "abandon", reason="x"), 403, "not-your-role")


async def test_terms_that_are_over_are_not_signed(table: Table) -> None:
    agreement = await table.agreed(terms=table.terms() | {"expires_on": "2025-01-01"})
    refused(await table.attempt(table.medellin, agreement, "request-signature"), 409, "terms-over")


async def test_a_deadline_is_told_and_cannot_be_past(table: Table) -> None:
    agreement = await table.agreed()
    refused(await table.attempt(table.medellin, agreement, "request-signature", deadline="2025-01-01"), 422, "invalid")
    after = await table.act(table.medellin, agreement, "request-signature", deadline="2099-12-31")
    assert after["signature_deadline"] == "2099-12-31"
    assert (await table.service.facts(f"agreement/{agreement['id']}"))[-1]["data"]["deadline"] == "2099-12-31"


async def test_a_governing_language_without_its_text_blocks_the_signature(table: Table) -> None:
    texts = {"es": {"body": "Texto.", "status": "authentic"}, "uk": {"status": "missing"}}
    agreement = await table.agreed(texts=texts, terms=table.terms() | {"governing_languages": ["es", "uk"]})
    problem = refused(await table.attempt(table.medellin, agreement, "request-signature"), 409, "signature-blocked")
    assert [blocker["path"] for blocker in problem["blockers"]] == ["texts.uk"]
