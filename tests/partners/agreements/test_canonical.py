"""The same content has one spelling and one hash everywhere; anything else is told from it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.partners.agreements.canonical as room
from services.partners.agreements.canonical.models import HASH_ALG, Content, NotCanonical, canonical, differences, hash_of, verify

VECTORS: dict[str, Any] = json.loads((Path(room.__file__).parent / "vectors.json").read_bytes())
BASE = cast(Content, VECTORS["vectors"][0]["content"])

texts = st.text(st.characters(codec="utf-8"), max_size=30)
hashes = st.integers(0, 2**256 - 1).map("{:064x}".format)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz_", min_size=1, max_size=8), inner, max_size=4),
    max_leaves=20,
)
contents = st.fixed_dictionaries(
    {
        "agreement_id": st.uuids().map(str),
        "number": st.integers(1, 1000),
        "prev_hash": st.none() | hashes,
        "kind": st.sampled_from(["mou", "alliance"]),
        "parties": st.lists(st.uuids().map(str), min_size=2, max_size=5),
        "terms": values,
        "texts": st.dictionaries(st.sampled_from(["es", "en", "uk", "ar"]), texts),
        "attachments": st.lists(hashes, max_size=3),
    },
).map(lambda made: cast(Content, made))


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: str(vector["name"]))
def test_the_published_vectors(vector: dict[str, Any]) -> None:
    assert VECTORS["hash_alg"] == HASH_ALG
    data = vector["canonical"].encode()
    assert canonical(vector["content"]) == data
    assert hashlib.sha256(data).hexdigest() == vector["terms_hash"] == verify(data)


@given(contents)
def test_canonical_bytes_are_what_a_plain_sorted_writer_gives(content: Content) -> None:
    sets: dict[str, Any] = {**content, "parties": sorted(content["parties"]), "attachments": sorted(content["attachments"])}
    plain = json.dumps(sets, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert canonical(content) == plain
    assert verify(plain) == hash_of(plain)


@given(contents, st.randoms())
def test_neither_the_order_of_members_nor_spacing_changes_the_hash(content: Content, random: Any) -> None:
    names = list(content)
    random.shuffle(names)
    shuffled = cast(Content, {name: content[name] for name in names})  # type: ignore[literal-required]  # names of its own
    respaced = json.loads(json.dumps(shuffled, indent=3))
    assert canonical(respaced) == canonical(content)


@given(contents, st.sampled_from(["es", "en"]), texts)
def test_one_other_character_of_an_authentic_text_is_another_hash(content: Content, language: str, text: str) -> None:
    one, other = ({**content["texts"], language: words} for words in (text, text + "."))
    before, after = (canonical(cast(Content, {**content, "texts": words})) for words in (one, other))
    assert hash_of(before) != hash_of(after)
    assert [change["path"] for change in differences(before, after)] == [f"texts.{language}"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_survives_the_offline_verifier(number: float) -> None:
    data = canonical(cast(Content, {**BASE, "terms": {"quantity": number}}))
    assert verify(data) == hash_of(data)
    assert float(json.loads(data)["terms"]["quantity"]) == number


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xfe", b"[]", b"{}", b'"text"', b"NaN", b'{"agreement_id":1}', json.dumps(BASE, indent=1).encode(),
        canonical(BASE) + b"\n", canonical(BASE).replace(b'"mou"', b'"mou","kind":"mou"'),
        canonical(BASE).replace(b'"mou"', b'"\\u006dou"'),
        canonical(BASE).replace(b'"number":1', b'"number":1.0'), canonical(BASE).replace(b'"number":1', b'"number":NaN'),
        canonical(BASE).replace(b'"mou"', b'"\\ud800"'), canonical(BASE).replace(b'"terms":{', b'"other":{'), b"[" * 100_000,
        canonical(BASE).replace(b'"attachments":[]', b'"attachments":[1]'), canonical(BASE).decode().encode("utf-16"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_revision_prove_nothing(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        verify(data)


def test_a_file_is_verified_without_a_database(tmp_path: Path) -> None:
    file = tmp_path / "revision.json"
    file.write_bytes(canonical(BASE))
    assert verify(file) == VECTORS["vectors"][0]["terms_hash"]


def test_what_changed_is_named_by_line_and_commitment() -> None:
    def terms(quantity: int) -> dict[str, Any]:
        return {"lines": [{"line": "joint_projects", "commitments": [{"id": "c1", "quantity": quantity}]}]}

    before, after = (canonical(cast(Content, {**BASE, "number": number, "terms": terms(number)})) for number in (1, 2))
    assert differences(before, after) == [{"path": "terms.lines[joint_projects].commitments[c1].quantity", "was": 1, "now": 2}]


def test_long_texts_are_shown_by_their_beginning() -> None:
    before, after = (canonical(cast(Content, {**BASE, "texts": {"es": words * 1000}})) for words in ("a", "b"))
    assert len(differences(before, after)[0]["was"]) == 201
