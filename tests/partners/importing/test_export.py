"""What an export gives an import takes back, and nothing changes."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from services.partners.importing.columns import columns_of, in_order, said_by, told_in_cells
from services.partners.registry.schemas import NewPartner
from tests.partners.importing.conftest import Files, cities, city

PLACE = "/v1/partners/export"
WORDS = some.text(some.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u2028\u2029"), min_size=1, max_size=30)
BEGUN = some.sampled_from(["", "=", "+", "-", "@", "'", "''=", "'-", "＝"])
LINES = some.builds("".join, some.tuples(BEGUN, WORDS)).filter(str.strip).map(str.strip)
TAGS = some.sampled_from(["es", "en", "uk", "pt-BR", "zh-Hant"])
ALIASES: some.SearchStrategy[Any] = some.fixed_dictionaries(
    {"text": LINES, "lang": some.none() | TAGS, "kind": some.sampled_from(["short", "other"])}
)
KEYS: some.SearchStrategy[Any] = some.fixed_dictionaries({"scheme": some.sampled_from(["dane", "ruta-n", "a.b"]), "value": LINES})
PARTNERS: some.SearchStrategy[Any] = some.fixed_dictionaries(
    {
        "kind": some.sampled_from(["city", "ngo"]),
        "names": some.dictionaries(TAGS, LINES, min_size=1),
        "country": some.just("CO"),
        "timezone": some.just("America/Bogota"),
    },
    optional={
        "acronym": LINES,
        "aliases": some.lists(ALIASES, max_size=12, min_size=1, unique_by=lambda one: one["text"]),
        "identifiers": some.lists(KEYS, min_size=1, max_size=4, unique_by=lambda one: (one["scheme"], one["value"])),
        "languages": some.lists(TAGS, unique=True, min_size=1),
        "locality": LINES,
        "website": some.just("https://example.org/a?b=1"),
    },
)


@settings(max_examples=60)
@given(some.lists(PARTNERS, min_size=1, max_size=4))
def test_whatever_a_partner_says_of_itself_its_cells_say_too(partners: list[dict[str, Any]]) -> None:
    cells = [told_in_cells(partner) for partner in partners]
    header = [
        name for name in in_order({name for row in cells for name in row}) for _ in range(max(len(row.get(name, [])) for row in cells))
    ]
    columns = columns_of(header)
    for partner, row in zip(partners, cells, strict=True):
        left = {name: list(values) for name, values in row.items()}
        text = io.StringIO()
        csv.writer(text).writerow([left[name].pop(0) if left.get(name) else "" for name in header])
        said = said_by(columns, next(csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)))
        assert ordered(said) == ordered(partner)
        assert not any(cell[:1] in "=+-@" for values in row.values() for cell in values)


def ordered(said: dict[str, Any]) -> dict[str, Any]:
    """The same with keys in one order: theirs says nothing."""
    keys = sorted(said.get("identifiers", []), key=lambda one: (one["scheme"], one["value"]))
    aliases = [{name: value for name, value in one.items() if value is not None} for one in said.get("aliases", [])]
    return said | {"identifiers": keys, "aliases": aliases}


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_an_export_is_taken_back_unchanged(files: Files, form: str) -> None:
    @settings(max_examples=4, suppress_health_check=list(HealthCheck))
    @given(some.lists(PARTNERS, min_size=3, max_size=6))
    def fill(partners: list[dict[str, Any]]) -> None:
        made.extend(partners)

    made: list[dict[str, Any]] = []
    fill()
    for partner in made:
        await files.service.operator.post("/v1/partners", json=partner | {"force": True})
    exported = await files.service.operator.get(PLACE, params={"format": form})
    assert exported.status_code == 200
    facts = len(await files.service.facts())
    done = await files.done(exported.content, exported.headers["content-type"])
    assert (done["unchanged"], done["rows"]) == (await files.count(), await files.count()), await files.rows(done, outcome="refused")
    assert len(await files.service.facts()) == facts
    assert (await files.service.operator.get(PLACE, params={"format": form})).content == exported.content


async def test_the_filters_of_the_list_and_the_header_accept_choose_what_a_file_holds(files: Files) -> None:
    await files.done(cities(2))
    await files.service.register("ngo", names={"en": "Cities"}, country="GB", timezone="Europe/London")
    both = await files.service.operator.get(PLACE, headers={"Accept": "application/x-ndjson"}, params={"country": "CO"})
    assert [json.loads(line)["names"]["es"] for line in both.text.splitlines()] == [city(0)[1], city(1)[1]]
    one = await files.service.operator.get(PLACE, params={"kind": "ngo"})
    assert one.text.splitlines()[0] == "id,version,kind,name.en,country,timezone,languages"
    assert "attachment" in one.headers["content-disposition"]
    none = await files.service.operator.get(PLACE, params={"country": "UA"})
    assert none.text == "id,version,kind,country,timezone\r\n"
    wrong = await files.service.operator.get(PLACE, params={"limit": "7"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "?limit")
    assert files.service.app.state.spools._held == 0


async def test_who_was_merged_is_in_the_file_as_the_other_alone(files: Files) -> None:
    old, into = await files.service.register("ngo"), await files.service.register("ngo")
    merge = {"into": into["id"], "reason": "Es la misma."}
    merged = await files.service.operator.post(f"/v1/partners/{old['id']}/merge", json=merge, headers={"If-Match": '"1"'})
    assert merged.status_code == 201, merged.text
    told = await files.service.operator.get(PLACE, params={"kind": "ngo", "format": "ndjson"})
    assert [json.loads(line)["id"] for line in told.text.splitlines()] == [into["id"]]


async def test_what_changed_since_it_was_exported_is_not_overwritten(files: Files) -> None:
    known = await files.service.register(names={"es": "Manizales"}, locality="Caldas")
    exported = (await files.service.operator.get(PLACE)).text
    await files.service.operator.patch(f"/v1/partners/{known['id']}", json={"locality": "Norte"}, headers={"If-Match": '"1"'})
    done = await files.done(exported.replace("Manizales", "Manizales nueva"))
    (row,) = await files.rows(done)
    assert (row["problem"]["code"], row["problem"]["version"]) == ("stale", 2)


async def test_a_file_is_a_picture_of_one_moment_however_many_pages_it_takes(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.partners.importing import routes  # noqa: PLC0415 - only this test makes its pages small

    monkeypatch.setattr(routes, "_PAGE", 2)
    await files.done(cities(5))
    exported = (await files.service.operator.get(PLACE)).text
    assert len(exported.splitlines()) == 6


def test_every_field_of_a_partner_has_a_column() -> None:
    from services.partners.importing.columns import FIELDS  # noqa: PLC0415 - what is asked is what is there

    assert {field.name for field in FIELDS.values()} == {*NewPartner.model_fields, "id", "version"}
