"""An import can be watched, stopped anywhere, gone on with, cancelled and forgotten: every row is done once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from services.partners.importing import working
from services.partners.importing.models import MOST_UNDER_WAY, PartnerImport
from services.partners.importing.working import Importing
from services.partners.registry.models import Partner
from shared.events import PartnerRegistered
from tests.partners.importing.conftest import Files, batches_of, cities, city, table


async def test_progress_is_told_batch_by_batch_and_another_process_goes_on_where_one_stopped(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches_of(2, monkeypatch)
    place = (await files.send(cities(5))).headers["location"]
    seen = []
    while (told := (await files.service.operator.get(place)).json())["state"] != "finished":
        seen.append((told["state"], told["done"], told["registered"]))
        await Importing(files.service.runtime).step()
    assert seen == [("waiting", 0, 0), ("working", 2, 2), ("working", 4, 4)]
    assert (told["done"], told["registered"], await files.count()) == (5, 5, 5)


async def test_a_batch_that_is_killed_before_its_commit_is_done_again_and_only_once(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(2, monkeypatch)
    place = (await files.send(cities(4))).headers["location"]
    await Importing(files.service.runtime).step()

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as dying:
        dying.setattr(working, "settle", killed)
        with pytest.raises(asyncio.CancelledError):
            await Importing(files.service.runtime).step()
    assert (await files.service.operator.get(place)).json()["done"] == 2
    await files.work()
    told = (await files.service.operator.get(place)).json()
    assert (told["state"], told["registered"], await files.count()) == ("finished", 4, 4)


async def test_two_workers_at_once_double_nothing(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(3, monkeypatch)
    sent = [await files.send(cities(10)), await files.send(cities(10, start=5))]
    await asyncio.gather(*(files.work() for _ in range(3)))
    told = [(await files.service.operator.get(one.headers["location"])).json() for one in sent]
    assert [one["done"] for one in told] == [10, 10]
    assert sum(one["registered"] for one in told) == await files.count() == 15
    assert sum(one["unchanged"] for one in told) == 5


async def test_imports_take_turns(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(1, monkeypatch)
    sent = [await files.send(cities(3)), await files.send(cities(1, start=3))]
    for _ in range(2):
        await Importing(files.service.runtime).step()
    told = [(await files.service.operator.get(one.headers["location"])).json() for one in sent]
    assert [(one["state"], one["done"]) for one in told] == [("working", 1), ("finished", 1)]


async def test_a_row_repeats_one_of_an_earlier_batch(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(1, monkeypatch)
    done = await files.done(table([city(1), city(2), city(1)]))
    assert [row["outcome"] for row in await files.rows(done)] == ["registered", "registered", "refused"]


async def test_a_defect_in_one_row_is_told_and_holds_nothing_up(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Partner.introduced

    def wrong(partner: Partner) -> PartnerRegistered:
        if partner.external_ids[0].value == "00001":
            raise ZeroDivisionError("secret words")
        return right(partner)

    monkeypatch.setattr(Partner, "introduced", wrong)
    done = await files.done(cities(3))
    (row,) = await files.rows(done, outcome="refused")
    assert (done["registered"], row["line"], row["problem"]["code"]) == (2, 3, "internal-error")
    assert "secret" not in str(row)


async def test_a_dry_run_says_what_would_become_of_each_row_and_keeps_nothing(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(2, monkeypatch)
    header = ("kind", "name.es", "country", "timezone", "identifier.dane", "locality")
    await files.done(table([[*city(1), "Norte"], [*city(2), "Norte"]], header))
    facts = len(await files.service.facts())
    rows = [[*city(1), "Norte"], [*city(2), "Sur"], [*city(3), ""], [*city(4)[:4], "00003", ""], [*city(3)[:4], "9", ""], [*city(6), ""]]
    done = await files.done(table([*rows, ["city", "Cali", "XX", "?", "8", ""]], header), dry_run="true")
    told = await files.rows(done)
    outcomes = ["unchanged", "updated", "registered", "refused", "suspected_duplicate", "registered", "refused"]
    assert [row["outcome"] for row in told] == outcomes
    assert (told[3]["problem"]["code"], told[4]["problem"]["suspects"]) == ("repeated-in-file", [{"line": 4}])
    assert (done["dry_run"], told[2]["partner"], len(await files.service.facts())) == (True, None, facts)
    earnest = await files.done(table(rows, header))
    assert [row["outcome"] for row in await files.rows(earnest)] == outcomes[:-1]


async def test_what_is_cancelled_keeps_what_was_done_and_does_no_more(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(2, monkeypatch)
    place = (await files.send(cities(5))).headers["location"]
    await Importing(files.service.runtime).step()
    for _ in range(2):
        cancelled = await files.service.operator.post(f"{place}/cancel")
        assert (cancelled.status_code, cancelled.json()["state"], cancelled.json()["done"]) == (200, "cancelled", 2)
    await files.work()
    assert [row["outcome"] for row in await files.rows(cancelled.json())] == ["registered", "registered", None, None, None]
    ended = await files.done(cities(2))
    late = await files.service.operator.post(f"/v1/imports/{ended['id']}/cancel")
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "import-ended", "finished")


async def test_rows_are_forgotten_after_thirty_days_and_the_counts_stay(files: Files) -> None:
    done = await files.done(cities(2))
    now = datetime.now(UTC)
    await files.service.act(now + timedelta(days=29))
    assert len(await files.rows(done)) == 2
    assert await files.service.act(now + timedelta(days=31)) >= 1
    gone = await files.service.operator.get(f"/v1/imports/{done['id']}/rows")
    assert (gone.status_code, gone.json()["code"]) == (410, "rows-forgotten")
    assert (await files.service.operator.get(f"/v1/imports/{done['id']}")).json() == done


async def test_a_client_has_only_so_many_imports_under_way(files: Files) -> None:
    for _ in range(MOST_UNDER_WAY):
        assert (await files.send(cities(1))).status_code == 202
    more = await files.send(cities(1))
    assert (more.status_code, more.json()["code"]) == (409, "too-many-imports")
    await files.work()
    assert (await files.send(cities(1))).status_code == 202


async def test_imports_and_their_rows_are_listed_a_page_at_a_time(files: Files) -> None:
    done = [await files.done(cities(3)), await files.done(cities(1))]
    page = (await files.service.operator.get("/v1/imports", params={"limit": 1})).json()
    assert [one["id"] for one in page["items"]] == [done[1]["id"]]
    page = (await files.service.operator.get("/v1/imports", params={"after": page["next"]})).json()
    assert ([one["id"] for one in page["items"]], page["next"]) == ([done[0]["id"]], None)
    place = f"/v1/imports/{done[0]['id']}/rows"
    page = (await files.service.operator.get(place, params={"limit": 2})).json()
    assert [row["n"] for row in page["items"]] == [1, 2]
    page = (await files.service.operator.get(place, params={"after": page["next"]})).json()
    assert ([row["n"] for row in page["items"]], page["next"]) == ([3], None)


@pytest.mark.parametrize("kind", ["text/csv", "application/x-ndjson"])
async def test_refused_rows_come_back_in_their_form_and_go_in_again_when_mended(files: Files, kind: str) -> None:
    if kind == "text/csv":
        content = table([city(1), ["city", "'=Cali", "Colombia", "America/Bogota", "76001"]])
    else:
        good = '{"kind":"city","names":{"es":"Pasto"},"country":"CO","timezone":"America/Bogota"}\n'
        content = good + good.replace("Pasto", "=Cali").replace('"CO"', '"Colombia"')
    done = await files.done(content, kind)
    report = await files.service.operator.get(f"/v1/imports/{done['id']}/refused")
    assert (report.status_code, report.headers["content-type"].partition(";")[0]) == (200, kind)
    assert "two-letter country code" in report.text
    assert "Pasto" not in report.text
    mended = await files.done(report.text.replace('"Colombia"', '"CO"').replace(",Colombia,", ",CO,"), kind)
    (row,) = await files.rows(mended)
    assert row["outcome"] == "registered"
    assert (await files.service.operator.get(f"/v1/partners/{row['partner']}")).json()["names"] == {"es": "=Cali"}


async def test_an_import_that_cannot_go_on_is_told_and_lets_the_others_go_first(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, other = (await files.send(cities(1))).headers["location"], (await files.send(cities(1, start=1))).headers["location"]
    loop = Importing(files.service.runtime)

    async def wrong(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(working, "desk_for", wrong)
        with pytest.raises(ZeroDivisionError):
            await loop.step()
    assert stuck.rpartition("/")[2] in str(loop.trouble())
    await loop.step()
    assert [(await files.service.operator.get(place)).json()["done"] for place in (stuck, other)] == [0, 1]
    assert loop.trouble() is None
    await files.work()
    assert (await files.service.operator.get(stuck)).json()["state"] == "finished"


async def test_a_column_that_a_later_release_does_not_know_ends_the_import_with_its_name(files: Files) -> None:
    place = (await files.send(cities(1))).headers["location"]
    async with files.service.runtime.database.session() as session:
        await session.execute(update(PartnerImport).values(columns=["kind", "colour"]))
        await session.commit()
    await files.work()
    told = (await files.service.operator.get(place)).json()
    assert (told["state"], told["done"]) == ("cancelled", 0)
    assert "colour is not a column" in told["ended_because"]
