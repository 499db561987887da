"""Agreements are listed newest first, filtered, page by page; revisions and their bytes are read by number."""

from __future__ import annotations

import base64
import hashlib

from services.partners.agreements.revisions.schemas import RevisionOut
from tests.partners.agreements.conftest import Table, hash_of, refused


async def test_a_list_is_filtered_by_party_state_kind_and_line(table: Table) -> None:
    projects = table.terms()
    projects["lines"][0]["line"] = "joint_projects"
    first = await table.draft()
    second = await table.proposed(kind="mou", terms=projects)
    wanted = {
        "": [second, first],
        "state=draft": [first],
        "kind=mou": [second],
        "line=joint_projects": [second],
        "line=joint_projects&kind=alliance": [],
        f"party={table.kyiv.partner}": [second, first],
        f"party={table.stranger.partner}": [],
    }
    for query, found in wanted.items():
        answer = await table.medellin.get(f"/v1/agreements?{query}")
        assert answer.json() == {"items": found, "next": None}, query


async def test_a_list_is_read_page_by_page(table: Table) -> None:
    made = [(await table.draft())["id"] for _ in range(5)]
    seen: list[str] = []
    answer = await table.medellin.get("/v1/agreements?limit=2")
    while True:
        seen += [item["id"] for item in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        link = answer.headers["link"].partition(">")[0].removeprefix("<")
        answer = await table.medellin.get(link)
    assert seen == made[::-1]
    assert "link" not in answer.headers


async def test_a_filter_that_is_none_is_refused(table: Table) -> None:
    for query in ("state=lost", "kind=treaty", "line=e", "party=x", "colour=red", "limit=0", "limit=1000"):
        refused(await table.medellin.get(f"/v1/agreements?{query}"), 422, "invalid")
    refused(await table.medellin.get("/v1/agreements?after=nonsense"), 400, "bad-cursor")


async def test_a_revision_holds_its_full_texts_and_its_bytes_prove_its_hash(table: Table) -> None:
    texts = {"es": {"body": "Texto auténtico.", "status": "authentic"}, "en": {"body": "Translation.", "status": "translation"}}
    agreement = await table.draft(texts=texts | {"uk": {"status": "missing"}})
    assert agreement["current_revision"]["texts"] == {"es": "authentic", "en": "translation", "uk": "missing"}
    way = f"/v1/agreements/{agreement['id']}/revisions/1"
    revision = RevisionOut.model_validate((await table.medellin.get(way)).json())
    assert revision.texts["es"].body == "Texto auténtico."
    answer = await table.medellin.get(f"{way}/canonical")
    digest = hashlib.sha256(answer.content)
    assert digest.hexdigest() == hash_of(agreement) == revision.terms_hash
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == f'"{hash_of(agreement)}"'
    assert answer.json()["texts"] == {"es": "Texto auténtico."}


async def test_revisions_that_cannot_be_are_not_found(table: Table) -> None:
    agreement = await table.draft()
    refused(await table.medellin.get(f"/v1/agreements/{agreement['id']}/revisions/2"), 404, "not-found")
    for number in ("0", "-1", "x", "99999999999999999999"):
        refused(await table.medellin.get(f"/v1/agreements/{agreement['id']}/revisions/{number}"), 422, "invalid")


async def test_every_script_comes_back_as_it_was_sent(table: Table) -> None:
    words = {
        "es": "Niñez, señal, Bogotá", "uk": "Угода про співпрацю з містом Київ", "ar": "مذكرة تفاهم (Diia) ٢٠٢٤", "he": "מזכר הבנות",
        "ko": "스마트도시 협약", "zh-Hant": "智慧城市備忘錄", "hi": "समझौता ज्ञापन", "th": "บันทึกความเข้าใจ",
        "en": "🤝 👩🏽\u200d💻 line one\nline two\ttab",
    }  # fmt: skip
    terms = table.terms(statement=words)
    agreement = await table.draft(texts={tag: {"body": body, "status": "authentic"} for tag, body in words.items()}, terms=terms)
    way = f"/v1/agreements/{agreement['id']}/revisions/1"
    revision = (await table.medellin.get(way)).json()
    assert {tag: text["body"] for tag, text in revision["texts"].items()} == words
    assert revision["terms"]["lines"][0]["commitments"][0]["statement"] == words
    assert (await table.medellin.get(f"{way}/canonical")).json()["texts"] == words


async def test_decomposed_letters_are_stored_composed(table: Table) -> None:
    agreement = await table.draft(titles={"es": "Alianza de Medelli\u0301n"})
    assert agreement["titles"] == {"es": "Alianza de Medell\u00edn"}
    body = {"es": {"body": "Cafe\u0301", "status": "authentic"}}
    texts = (await table.medellin.get(f"/v1/agreements/{(await table.draft(texts=body))['id']}/revisions/1/canonical")).json()["texts"]
    assert texts == {"es": "Caf\u00e9"}
