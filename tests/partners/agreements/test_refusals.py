"""Bad input is refused with its field, its rule and a fix; nothing is changed by it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.db import new_id
from tests.partners.agreements.conftest import Table, good, hash_of, refused

NOWHERE = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"


async def refused_draft(table: Table, code: str = "invalid", **said: Any) -> dict[str, Any]:
    """The refusal of a draft in which something is wrong; nothing came of it."""
    before = await table.service.facts()
    problem = refused(await table.medellin.post("/v1/agreements", json=table.draft_body(**said)), 422, code)
    assert (await table.medellin.get("/v1/agreements")).json()["items"] == []
    assert await table.service.facts() == before
    return problem


async def test_parties_that_make_no_agreement(table: Table) -> None:
    me, you, witness = table.medellin.partner, table.kyiv.partner, table.stranger.partner
    cases: list[tuple[list[dict[str, Any]], str, str]] = [
        ([], "invalid", "/parties"),
        ([{"partner": me}], "too-few-parties", "/parties"),
        ([{"partner": me}, {"partner": me}], "party-twice", "/parties/1/partner"),
        ([{"partner": me}, {"partner": you}, {"partner": me, "role": "witness"}], "party-twice", "/parties/2/partner"),
        ([{"partner": me}, {"partner": witness, "role": "witness"}], "too-few-parties", "/parties"),
        ([{"partner": me}, {"partner": you, "required": False}], "too-few-parties", "/parties"),
        ([{"partner": me}, {"partner": NOWHERE}], "unknown-partner", "/parties/1/partner"),
        ([{"partner": me}, {"partner": "nobody"}], "invalid", "/parties/1/partner"),
        ([{"partner": me}, {"partner": you, "role": "boss"}], "invalid", "/parties/1/role"),
        ([{"partner": me}, {"partner": you, "respond_by": "2020-01-01"}], "invalid", "/parties/1/respond_by"),
    ]
    for parties, code, field in cases:
        assert (await refused_draft(table, code, parties=parties))["field"] == field


async def test_an_agreement_of_others_is_not_the_callers_to_draft(table: Table) -> None:
    problem = refused(await table.stranger.post("/v1/agreements", json=table.draft_body()), 403, "not-a-party")
    assert problem["field"] == "/parties"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"titles": {}}, "/titles"),
        ({"titles": {"xx-nonsense-tag": "T"}}, "/titles/xx-nonsense-tag"),
        ({"titles": {"es": "dos\nlíneas"}}, "/titles/es"),
        ({"titles": {"es": "  "}}, "/titles/es"),
        ({"kind": "treaty"}, "/kind"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"visibility": "owner"}, "/visibility"),
        ({"colour": "red"}, "/colour"),
        ({"terms": None}, "/terms"),
        ({"terms": []}, "/terms"),
        ({"texts": {"es": {"status": "authentic"}}}, "/texts/es/body"),
        ({"texts": {"es": {"status": "missing", "body": "x"}}}, "/texts/es/body"),
        ({"texts": {"es": {"status": "signed", "body": "x"}}}, "/texts/es/status"),
        ({"attachments": [{"title": "A", "media_type": "pdf", "sha256": "0" * 64, "size": 1}]}, "/attachments/0/media_type"),
        ({"attachments": [{"title": "A", "media_type": "a/b", "sha256": "0" * 63, "size": 1}]}, "/attachments/0/sha256"),
        ({"attachments": [{"title": "A", "media_type": "a/b", "sha256": "0" * 64, "size": 1}] * 2}, "/attachments"),
    ],
)
async def test_frames_texts_and_attachments_that_cannot_be(table: Table, said: dict[str, Any], field: str) -> None:
    assert (await refused_draft(table, **said))["field"] == field


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"lines": []}, "/terms/lines"),
        ({"effective_rule": "fixed_date"}, "/terms/effective_on"),
        ({"effective_on": "2026-01-01"}, "/terms/effective_on"),
        ({"effective_rule": "fixed_date", "effective_on": "2026-02-30"}, "/terms/effective_on"),
        ({"effective_rule": "fixed_date", "effective_on": "2026-01-01", "expires_on": "2026-01-01"}, "/terms/expires_on"),
        ({"expires_on": "tomorrow"}, "/terms/expires_on"),
        ({"expires_on": 1767225600}, "/terms/expires_on"),
        ({"notice_period_days": -1}, "/terms/notice_period_days"),
        ({"notice_period_days": "90"}, "/terms/notice_period_days"),
        ({"renewal": "perhaps"}, "/terms/renewal"),
        ({"governing_languages": ["es", "es"]}, "/terms/governing_languages"),
        ({"governing_languages": ["klingon"]}, "/terms/governing_languages/0"),
    ],
)
async def test_terms_that_cannot_be(table: Table, said: dict[str, Any], field: str) -> None:
    assert (await refused_draft(table, terms=table.terms() | said))["field"] == field


@pytest.mark.parametrize(
    ("said", "code", "member"),
    [
        ({"giver": NOWHERE}, "invalid", "giver"),
        ({"receiver": NOWHERE}, "invalid", "receiver"),
        ({"id": NOWHERE}, "unknown-commitment", "id"),
        ({"quantity": 0}, "invalid", "quantity"),
        ({"quantity": -1}, "invalid", "quantity"),
        ({"quantity": True}, "invalid", "quantity"),
        ({"quantity": "2"}, "invalid", "quantity"),
        ({"quantity": 1e300}, "invalid", "quantity"),
        ({"to_be_defined": True}, "invalid", "quantity"),
        ({"quantity": None, "unit": "workshops"}, "invalid", "unit"),
        ({"due": "2025-13-01"}, "invalid", "due"),
        ({"statement": {}}, "invalid", "statement"),
        ({"statement": {"es": "bell \x07"}}, "invalid", "statement/es"),
    ],
)
async def test_commitments_that_cannot_be(table: Table, said: dict[str, Any], code: str, member: str) -> None:
    problem = await refused_draft(table, code, terms=table.terms(**said))
    assert problem["field"] == f"/terms/lines/0/commitments/0/{member}"


async def test_a_party_cannot_promise_itself_something_nor_a_line_stand_twice(table: Table) -> None:
    problem = await refused_draft(table, terms=table.terms(giver=table.medellin.partner))
    assert problem["field"] == "/terms/lines/0/commitments/0/receiver"
    twice = table.terms()
    twice["lines"] *= 2
    assert (await refused_draft(table, terms=twice))["field"] == "/terms/lines"


async def test_terms_too_long_to_tell_others_are_refused(table: Table) -> None:
    long = table.terms()
    long["lines"][0]["text"] = dict.fromkeys(("es", "en", "pt", "de", "uk", "ko"), "x" * 19_000)
    problem = await refused_draft(table, terms=long)
    assert problem["field"] == "/terms"
    texts = {"es": {"body": "x" * 190_000, "status": "authentic"}}
    good(await table.medellin.post("/v1/agreements", json=table.draft_body(texts=texts)), 201)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"kind": ', 400), (b'{"kind": NaN}', 400), (b'{"kind": "a", "kind": "b"}', 400), (b"\xff", 400), (b"[" * 1000, 400),
        (b'{"titles": {"es": "\\u0000"}}', 422), (b'{"titles": {"es": "\\ud800"}}', 422), (b" " * 10_000_000, 413),
    ],
)  # fmt: skip
async def test_bodies_that_cannot_be_read(table: Table, body: bytes, status: int) -> None:
    answer = await table.medellin.post("/v1/agreements", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["fix"]


async def test_every_change_says_which_version_it_is_about(table: Table) -> None:
    agreement = await table.proposed()
    consent = {"terms_hash": hash_of(agreement)}
    for verb, body in (("approve", consent), ("abandon", {"reason": "x"}), ("revisions", {"terms": table.terms(quantity=3)})):
        url = f"/v1/agreements/{agreement['id']}/{verb}"
        refused(await table.medellin.post(url, json=body), 428, "precondition-required")
        refused(await table.medellin.post(url, json=body, headers={"If-Match": '"1"'}), 412, "stale")
        refused(await table.medellin.post(url, json=body, headers={"If-Match": "*"}), 400, "if-match-malformed")
    assert good(await table.medellin.get(f"/v1/agreements/{agreement['id']}")) == agreement


async def test_a_scope_is_needed_for_each_thing(table: Table) -> None:
    agreement = await table.proposed()
    writer = await table.service.client_for(table.medellin.partner, "read write")
    reader = await table.service.client_for(table.medellin.partner, "read")
    refused(await table.attempt(writer, agreement, "approve", terms_hash=hash_of(agreement)), 403, "insufficient-scope")
    refused(await table.attempt(writer, agreement, "sign", terms_hash=hash_of(agreement)), 403, "insufficient-scope")
    refused(await reader.post("/v1/agreements", json=table.draft_body()), 403, "insufficient-scope")
    refused(await table.attempt(reader, agreement, "abandon", reason="x"), 403, "insufficient-scope")


async def test_ids_that_are_none_and_ids_of_nothing(table: Table) -> None:
    refused(await table.medellin.get("/v1/agreements/nonsense"), 422, "invalid")
    refused(await table.medellin.get(f"/v1/agreements/{new_id()}"), 404, "not-found")
    problem = refused(await table.attempt(table.medellin, {"id": new_id(), "version": 1}, "propose"), 404, "not-found")
    assert "agreements" in problem["fix"]
