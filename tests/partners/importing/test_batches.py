"""Rows that are taken together end as if they had been taken one by one: refused alone, compared with each other, kept once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from services.partners.importing import working
from services.partners.importing.working import Importing
from tests.partners.importing.conftest import Files, batches_of, cities, city, lines, table

REGISTERED = "org.interurbe.partner.registered.v1"
SUSPECTED = "org.interurbe.partner.duplicate_suspected.v1"
HEADER = ("kind", "name.es", "country", "timezone", "identifier.dane", "locality")


def partner(name: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    said = {"kind": "city", "names": {"es": name}, "country": "CO", "timezone": "America/Bogota"}
    return said | ({"identifiers": [{"scheme": "dane", "value": key}]} if key else {}) | more


MIXED = [
    (partner("Ciudad de Manizales", "1"), "registered", None),
    (partner("Ciudad Manizales", "2"), "suspected_duplicate", "suspected-duplicate"),  # near the one before it
    (partner("Manizalez", "3", force=True), "registered", None),  # misspelt, and forced
    (partner("Tunja", "2"), "registered", None),  # the key of a row that was refused
    (partner("Pasto", "1"), "refused", "repeated-in-file"),
    (partner("Quibdó"), "registered", None),
    (partner("Quibdó"), "refused", "repeated-in-file"),  # says nothing else, so it is that one again
    (partner("Ibagué", "4", locality="Norte", country="C"), "refused", "invalid"),
    (partner("Florencia", "12"), "registered", None),
    (partner("Conocida", "77", locality="Sur"), "updated", None),  # told after the one before it
    (partner("Leticia", "5", hosted_by="01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"), "refused", "unknown-partner"),
    (partner("Mocoa", "6", state="draft"), "registered", None),
    (partner("Mocoa", "7"), "suspected_duplicate", "suspected-duplicate"),
    (partner("Yopal", "8", names={"es": "Yopal", "en": "City of Yopal"}), "registered", None),
    (partner("Manizales", "9", country="MX", timezone="America/Mexico_City"), "registered", None),
    (partner("Manizales", "sandbox", sandbox=True, identifiers=[]), "registered", None),
    (partner("?!", "10"), "refused", "invalid"),
]


@pytest.mark.parametrize("together", [1, 3, 25])
async def test_rows_taken_together_end_as_if_taken_one_by_one(files: Files, together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(50, monkeypatch)
    monkeypatch.setattr(working, "TOGETHER", together)
    known = await files.service.register(**partner("Conocida", "77"))
    host = await files.service.register(**partner("Anfitriona", "78"))
    hosted = (partner("Sogamoso", "11", hosted_by=host["id"]), "registered", None)
    done = await files.done(lines(*(row for row, _, _ in [*MIXED, hosted])), "application/x-ndjson")
    told = await files.rows(done)
    assert [(row["outcome"], (row["problem"] or {}).get("code")) for row in told] == [(end, code) for _, end, code in [*MIXED, hosted]]
    assert [suspect["id"] for suspect in told[1]["problem"]["suspects"]] == [told[0]["partner"]]
    assert [suspect["id"] for suspect in told[12]["problem"]["suspects"]] == [told[11]["partner"]]
    stays = (await files.service.operator.get(f"/v1/partners/{told[17]['partner']}/hostings")).json()["items"]
    assert [stay["host"] for stay in stays] == [host["id"]]
    written = [row["partner"] for row in told if row["outcome"] in ("registered", "updated")]
    facts = [fact for fact in await files.service.facts() if fact["type"] in (REGISTERED, SUSPECTED, "org.interurbe.partner.updated.v1")]
    order = [fact["subject"].partition("/")[2] for fact in facts[2:]]
    draft = told[11]["partner"]
    assert list(dict.fromkeys(order)) == [one for one in written if one != draft]
    (suspected,) = [fact for fact in facts if fact["type"] == SUSPECTED]
    assert suspected["subject"] == f"partner/{told[2]['partner']}"
    assert [one["partner"] for one in suspected["data"]["suspects"]] == [told[0]["partner"]]
    assert await kept(files) == {"history": 2 + len(written), "audit": len(written), "reported": len(told)}
    assert (await files.service.operator.get(f"/v1/partners/{known['id']}")).json()["locality"] == "Sur"


async def kept(files: Files) -> dict[str, int]:
    """How much is kept of what was done: changes, entries of the audit that the import wrote, rows with an outcome."""
    asked = {
        "history": "SELECT count(*) FROM partner_change",
        "audit": "SELECT count(*) FROM audit_entry WHERE action = 'POST /v1/partners/import' AND outcome <> '202'",
        "reported": "SELECT count(*) FROM partner_import_row WHERE outcome IS NOT NULL",
    }
    async with files.service.runtime.database.reader() as reader:
        return {what: int(await reader.scalar(text(how)) or 0) for what, how in asked.items()}


async def test_a_row_that_the_database_refuses_takes_none_of_its_companions_with_it(files: Files) -> None:
    async with files.service.runtime.database.session() as session:
        await session.execute(text("ALTER TABLE partner ADD CHECK (locality <> 'Nowhere')"))
        await session.commit()
    done = await files.done(table([[*city(number), "Nowhere" if number == 2 else "Norte"] for number in range(5)], HEADER))
    rows = await files.rows(done)
    assert [row["outcome"] for row in rows] == ["registered", "registered", "refused", "registered", "registered"]
    assert rows[2]["problem"]["code"] == "internal-error"
    assert await files.count() == 4
    assert await kept(files) == {"history": 4, "audit": 4, "reported": 5}


async def test_a_worker_that_dies_in_the_middle_of_a_batch_leaves_it_whole_to_the_next(files: Files) -> None:
    batch = 10
    place = (await files.send(cities(batch))).headers["location"]
    watching, holding = [await files.service.runtime.database.raw() for _ in range(2)]
    async with holding.transaction():
        await holding.execute("SELECT FROM partner_import_row WHERE n = $1 FOR UPDATE", batch)
        dying = asyncio.create_task(Importing(files.service.runtime).step())
        asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1"
        while (pid := await watching.fetchval(asked, "UPDATE partner_import_row%")) is None:
            assert not dying.done()
        assert await watching.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        with pytest.raises(Exception, match=r"terminat|closed"):
            await dying
    assert (await files.service.operator.get(place)).json()["done"] == await files.count() == 0
    await files.work()
    told = (await files.service.operator.get(place)).json()
    assert (told["state"], told["registered"], await files.count()) == ("finished", batch, batch)
    assert await kept(files) == {"history": batch, "audit": batch, "reported": batch}
    for connection in (watching, holding):
        await connection.close()


async def test_a_batch_ends_after_any_rows_taken_together_when_its_time_is_over(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "LONGEST_SECONDS", -1.0)
    monkeypatch.setattr(working, "TOGETHER", 2)
    place = (await files.send(cities(5))).headers["location"]
    seen = []
    while (told := (await files.service.operator.get(place)).json())["state"] != "finished":
        seen.append(told["done"])
        await Importing(files.service.runtime).step()
    assert (seen, await files.count()) == ([0, 2, 4], 5)


async def test_batches_grow_while_there_is_time(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "LONGEST_SECONDS", 3600.0)
    monkeypatch.setattr(working, "FEWEST", 1)
    await files.send(cities(12))
    loop = Importing(files.service.runtime)
    assert [await loop.step() for _ in range(5)] == [1, 2, 4, 5, 0]


async def test_nobody_is_taken_for_another_row_of_a_try_out(files: Files) -> None:
    rows = [partner("Ciudad de Manizales", "1"), partner("Ciudad Manizales", "2")]
    tried = await files.done(lines(*rows), "application/x-ndjson", dry_run="true")
    assert (tried["registered"], await files.count()) == (2, 0)
    assert (await files.done(lines(*rows), "application/x-ndjson"))["suspected_duplicate"] == 1
