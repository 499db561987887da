"""The chain has each entry once and no gap whoever writes and chains at the same time, and an export of it cannot be altered unnoticed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from services.partners.audit.chaining import Chaining
from services.partners.audit.models import Broken, Entry, hash_of, prove
from services.partners.settings import PartnersSettings
from tests.partners.audit.test_audit import chained
from tests.partners.conftest import PartnersService
from tests.partners.test_walk import command


def export_of(count: int) -> list[str]:
    """The lines of a chain of so many entries."""
    lines: list[str] = []
    before: str | None = None
    for n in range(1, count + 1):
        entry = Entry(
            n=n, at="2025-03-04T15:00:00.000000Z", client="a", partner="b", action="POST /v1/partners", subject="/v1/partners/é",
            outcome="201", trace_id=None, prev_hash=before,
        )  # fmt: skip
        before = hash_of(entry)
        lines.append(json.dumps({**entry, "hash": before}))
    return lines


def rewritten(line: str, **said: Any) -> str:
    """The line with another content, and with the hash that would be right for it."""
    entry = {name: value for name, value in json.loads(line).items() if name != "hash"} | said
    return json.dumps(entry | {"hash": hash_of(entry)})  # type: ignore[arg-type]  # made of an Entry


async def test_who_writes_and_who_chains_at_once_leaves_no_gap(service: PartnersService) -> None:
    loops = [Chaining(service.runtime.database) for _ in range(2)]
    await asyncio.gather(*[service.register() for _ in range(20)], *[loop.step() for loop in loops * 5])
    await chained(service)
    lines = (await service.operator.get("/v1/audit/export")).text.splitlines()
    proof = prove(lines)
    assert (proof.entries, proof.first, proof.last) == (20, 1, 20)
    assert len({json.loads(line)["subject"] for line in lines}) == 20


def test_a_whole_export_is_proved_also_from_its_middle() -> None:
    lines = export_of(6)
    assert prove(lines).last == 6
    assert prove(lines[2:]).first == 3
    with pytest.raises(Broken, match="no entry"):
        prove([])


@pytest.mark.parametrize("member", [*Entry.__annotations__, "hash"])
def test_a_changed_member_is_named(member: str) -> None:
    lines = export_of(6)
    lines[3] = json.dumps(json.loads(lines[3]) | {member: 9 if member == "n" else "x"})
    with pytest.raises(Broken, match=r"^Line 4: entry \d+ was changed"):
        prove(lines)


def test_what_is_missing_exchanged_or_forged_is_named() -> None:
    lines = export_of(6)
    cases = [
        ([*lines[:2], *lines[3:]], "Line 3: entry 3 is missing"),
        ([lines[0], lines[2], lines[1]], "Line 2: entry 2 is missing"),
        ([*lines[:3], lines[1]], "Line 4: entry 2 stands after entry 3"),
        ([*lines[:2], rewritten(lines[2], client="b"), *lines[3:]], "Line 4: entry 4 does not follow entry 3"),
        ([*lines[:2], "", *lines[2:]], "Line 3 is not JSON"),
        ([*lines[:2], "{}"], "Line 3 is not an entry"),
        ([rewritten(lines[0], extra=1)], "Line 1 is not an entry"),
        ([rewritten(lines[0], n="1")], "Line 1 is not an entry"),
    ]
    for altered, words in cases:
        with pytest.raises(Broken, match=words):
            prove(altered)


def test_where_one_partner_sees_its_own_numbers_may_be_missing_and_nothing_else() -> None:
    lines = export_of(6)
    own = [lines[0], lines[3], lines[4]]
    assert prove(own, gaps=True).entries == 3
    with pytest.raises(Broken, match="Line 3: entry 5 does not follow entry 4"):
        prove([own[0], rewritten(own[1], client="b"), own[2]], gaps=True)


async def test_the_command_proves_a_file_and_names_what_is_broken(
    service: PartnersService, settings: PartnersSettings, tmp_path: Path
) -> None:
    for _ in range(3):
        await service.register()
    await chained(service)
    file = tmp_path / "audit.ndjson"
    file.write_text((await service.operator.get("/v1/audit/export")).text)
    code, told, _ = await command(settings, "audit-verify", str(file))
    assert (code, told.startswith("3 entries, 1 to 3, ending with ")) == (0, True)
    file.write_text(file.read_text().replace("bootstrap", "somebody", 1))
    code, _, wrong = await command(settings, "audit-verify", str(file))
    assert code == 1
    assert "Line 1: entry 1 was changed" in wrong


def test_an_export_that_was_altered_reordered_or_cut_off_is_not_proved() -> None:
    lines = export_of(6)
    last = json.loads(lines[-1])["hash"]
    cases: list[tuple[list[str], str | None, str]] = [
        ([*lines[:2], lines[2].replace('"a"', '"z"'), *lines[3:]], None, "Line 3: entry 3 was changed"),
        ([*lines[:2], lines[3], lines[2], *lines[4:]], None, "Line 3: entry 3 is missing"),
        (lines[::-1], None, "Line 2: entry 5 stands after entry 6"),
        ([*lines, lines[-1]], None, "Line 7: entry 6 stands after entry 6"),
        ([*lines[:5], lines[5][:40]], None, "Line 6 is not JSON"),
        (lines[:4], last, "the file ends, with entry 4, before it"),
        ([*lines[:5], rewritten(lines[5], outcome="409")], last, f"No entry has the hash {last}"),
    ]
    for altered, holds, words in cases:
        with pytest.raises(Broken, match=words):
            prove(altered, holds=holds)
    assert [prove(lines, holds=holds).last for holds in (None, last, json.loads(lines[2])["hash"])] == [6, 6, 6]


async def test_the_command_notices_that_a_file_was_cut_off(service: PartnersService, settings: PartnersSettings, tmp_path: Path) -> None:
    for _ in range(3):
        await service.register()
    await chained(service)
    lines = (await service.operator.get("/v1/audit/export")).text.splitlines(keepends=True)
    file = tmp_path / "audit.ndjson"
    file.write_text("".join(lines[:2]))
    code, _, wrong = await command(settings, "audit-verify", str(file), "--holds", json.loads(lines[2])["hash"].upper())
    assert (code, "the file ends, with entry 2, before it" in wrong) == (1, True)


async def test_what_is_done_on_the_command_line_is_in_it(service: PartnersService, settings: PartnersSettings) -> None:
    partner = (await service.register())["id"]
    _, told, _ = await command(settings, "client", "create", "--partner", partner, "--name", "Sistema")
    client = told.split()[1]
    await command(settings, "revoke-client", client)
    await chained(service)
    items = (await service.operator.get("/v1/audit")).json()["items"]
    assert [(item["client"], item["action"], item["subject"]) for item in items[1:]] == [
        ("command line", "client create", f"/v1/clients/{client}"),
        ("command line", "revoke-client", f"/v1/clients/{client}"),
    ]
