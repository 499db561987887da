"""Files as spreadsheets and systems write them are read, and what cannot be read is refused with its line, before anything is kept."""

from __future__ import annotations

import asyncio
import io
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from services.partners.importing.models import FileUnreadable
from services.partners.importing.reading import csv_rows
from shared.http import uploads
from tests.partners.conftest import PartnersService
from tests.partners.importing.conftest import PLACE, Files, cities, city, table


async def test_what_spreadsheets_write_is_read(files: Files) -> None:
    semicolons = table([["city", 'Río "Grande"; y más', *city(1)[2:]]], delimiter=";")
    tabs = table([["city", "Línea\nrota", *city(2)[2:]]], delimiter="\t")
    written = {
        "bom": b"\xef\xbb\xbf" + semicolons.encode(),
        "sep": b"sep=\t\r\n" + tabs.encode(),
        "unix": table([city(3)], lineterminator="\n").rstrip().encode() + b"\n\n,,,,\n",
    }
    told = {name: (await files.rows(await files.done(content, "text/csv; charset=UTF-8")))[0] for name, content in written.items()}
    assert {name: (row["outcome"], row["line"]) for name, row in told.items()} == {
        "bom": ("registered", 2),
        "sep": ("refused", 3),
        "unix": ("registered", 2),
    }
    assert told["bom"]["said"][1] == 'Río "Grande"; y más'
    assert (told["sep"]["said"][1], told["sep"]["problem"]["column"]) == ("Línea\nrota", "name.es")


WRONG_COLUMNS = [
    ("kind,name.es,country,timezone,colour", "colour", "Known are: id, version, kind, name.<language>"),
    ("kind,name.es,contry,country,timezone", "contry", "Perhaps 'country' is meant."),
    ("kind,name.es,country,timezone,country", "country", "Keep one"),
    ("kind,name.es,country,timezone,alias.0", "alias.0", "alias.<number>, alias.<number>.lang, alias.<number>.kind"),
    ("kind,country,timezone", "name.<language>", "Add it"),
    ("kind,name.es,country,timezone,,", "number 5", "Remove the column"),
]


async def test_a_column_that_is_wrong_is_named_before_anything_is_kept(files: Files) -> None:
    for header, named, words in WRONG_COLUMNS:
        answer = await files.send(f"{header}\ncity,Cali,CO,America/Bogota,1\n")
        problem = answer.json()
        assert (answer.status_code, problem["field"]) == (422, named)
        assert words in problem["fix"]
    assert (await files.service.operator.get("/v1/imports")).json()["items"] == []


async def test_what_cannot_be_read_is_refused_whole_and_names_the_line(files: Files) -> None:
    two, latin = cities(2).encode(), "city,Bogotá,CO,America/Bogota,9".encode("latin-1")
    for content, line, words in (
        (two + latin, 4, f"byte {len(two) + 10} of the file (0xe1)"),
        (cities(3).encode("utf-16"), 1, "UTF-16"),
        (two + b'city,"Cali,CO,America/Bogota,9\n' + cities(3000).encode(), 4, "more than 65,536 bytes"),
        (two + b"city,Cali" + b"," * 70_000, 4, "more than 65,536 bytes"),
        (two + b'city,"Cali,CO', 4, "no CSV"),
        (two + b'city,"Ca"li,CO,America/Bogota,9', 4, "no CSV"),
        (two + b"city,\x00,CO,America/Bogota,9", 4, "NUL"),
        (two.replace(b"\n", b"\r"), 1, "carriage return (CR) outside quotation marks"),
        (cities(3000).encode().replace(b"\n", b"\r"), 1, "carriage return (CR) outside quotation marks"),
        (two + b"city,Ca\rli,CO,America/Bogota,9\n", 4, "carriage return (CR) outside quotation marks"),
    ):
        answer = await files.send(content)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["line"]) == (400, "file-unreadable", line), problem
        assert words in problem["detail"]
        assert problem["fix"]
        assert "universal" not in answer.text
    assert (await files.service.operator.get("/v1/imports")).json()["items"] == []


def test_a_quotation_mark_that_is_never_closed_takes_no_memory() -> None:
    file = io.BytesIO(b'kind,name.es\ncity,"' + b"x" * 20_000_000)
    _, rows = csv_rows(file)
    tracemalloc.start()
    with pytest.raises(FileUnreadable, match="line 2 has more than 65,536 bytes"):
        next(rows)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


async def test_a_file_in_another_form_is_refused_before_it_is_read(files: Files) -> None:
    for kind in ("application/json", "text/csv; charset=iso-8859-1", "text/plain"):
        answer = await files.send(cities(1), kind)
        assert (answer.status_code, answer.json()["field"]) == (415, "Content-Type"), kind
        assert "text/csv or application/x-ndjson" in answer.json()["fix"]
    packed = await files.service.operator.post(PLACE, content=b"x", headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"})
    assert (packed.status_code, packed.json()["field"]) == (415, "Content-Encoding")


async def test_a_file_without_rows_is_refused(files: Files) -> None:
    for content, kind in ((cities(0), "text/csv"), ("\n \n", "application/x-ndjson")):
        answer = await files.send(content, kind)
        assert (answer.status_code, answer.json()["detail"]) == (422, "The file has no row.")
    assert (await files.send("")).status_code == 422


async def test_more_rows_or_bytes_than_an_import_takes_are_refused_with_the_bound(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (uploads.LARGEST_FILE, uploads._FILES.body) == (64 * 1024 * 1024, 64 * 1024 * 1024)
    many = await files.send("kind,name.es,country,timezone\n" + "city,Cali,CO,America/Bogota\n" * 50_001)
    assert (many.status_code, many.json()["code"], many.json()["limit"]) == (413, "too-many-rows", 50_000)
    assert "Split" in many.json()["fix"]
    headers = {"Content-Type": "text/csv", "Content-Length": str(64 * 1024 * 1024 + 1)}
    large = await files.service.operator.post(PLACE, content=b"x", headers=headers)
    assert (large.status_code, large.json()["limit"]) == (413, 64 * 1024 * 1024)
    assert (await files.service.operator.get("/v1/imports")).json()["items"] == []


async def test_a_file_larger_than_any_other_body_is_taken_bit_by_bit(files: Files) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"kind,name.es,country,timezone,acronym\n"
        for _ in range(3_000):
            yield b"city,Cali,CO,America/Bogota," + b"x" * 500 + b"\n"

    answer = await files.service.operator.post(PLACE, content=pieces(), headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["rows"]) == (202, 3_000)


async def test_an_upload_that_breaks_off_leaves_nothing_and_can_be_sent_again(service: PartnersService, files: Files) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield cities(2).encode()
        raise ConnectionResetError

    key = {"Content-Type": "text/csv", "Idempotency-Key": "cities of March"}
    assert (await service.operator.post(PLACE, content=breaks(), headers=key)).status_code >= 500
    first = await service.operator.post(PLACE, content=cities(2), headers=key)
    again = await service.operator.post(PLACE, content=cities(2), headers=key)
    assert (first.status_code, again.status_code, again.json()["id"]) == (202, 202, first.json()["id"])
    assert again.headers["location"] == first.headers["location"]
    other = await service.operator.post(PLACE, content=cities(3), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert len((await service.operator.get("/v1/imports")).json()["items"]) == 1
    assert service.app.state.spools._held == 0


async def test_one_file_more_than_a_process_takes_at_a_time_is_told_when_to_come_back(files: Files) -> None:
    begun, let_go = asyncio.Semaphore(0), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"kind,"
        begun.release()
        await let_go.wait()
        yield cities(1).encode()[5:]

    async def sent() -> int:
        return (await files.service.operator.post(PLACE, content=slow(), headers={"Content-Type": "text/csv"})).status_code

    held = [asyncio.ensure_future(sent()) for _ in range(uploads.MOST_AT_ONCE)]
    for _ in range(uploads.MOST_AT_ONCE):
        await begun.acquire()
    full = await files.send(cities(1))
    assert (full.status_code, full.headers["retry-after"]) == (503, "10")
    let_go.set()
    assert await asyncio.gather(*held) == [202] * uploads.MOST_AT_ONCE
    assert (await files.send(cities(1))).status_code == 202
