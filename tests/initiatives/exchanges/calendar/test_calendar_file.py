"""The calendar file of an exchange, as other people's readers understand it."""

import io
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from dateutil.tz import tzical  # type: ignore[import-untyped]  # a reader of its own, which ships no types
from icalendar import Calendar

from services.initiatives.exchanges.calendar.views import _zone, calendar_file
from shared.db import new_id
from tests.initiatives.conftest import ADDRESS, InitiativesService
from tests.initiatives.exchanges.plans import cast_of, next_year

LINK = f"{ADDRESS}/v1/exchanges/1"
HOST = new_id()


def row(**changes: Any) -> SimpleNamespace:
    """A row of the exchange view."""
    said: dict[str, Any] = {
        "id": new_id(), "kind": "workshop", "titles": {"en": "Open data; a, b", "es": "Datos abiertos"}, "summary": None,
        "starts_at": datetime(2027, 3, 4, 14, tzinfo=UTC), "ends_at": datetime(2027, 3, 4, 17, tzinfo=UTC), "timezone": "America/Bogota",
        "place": None, "url": None, "hosts": [HOST], "topics": ["open-data"], "state": "scheduled", "reason": None, "ics_sequence": 0,
        "survivors": None,
        "names": {HOST: {"es": 'Ruta "N"'}}, "created_at": datetime(2026, 1, 1, tzinfo=UTC), "changed_at": datetime(2026, 1, 2, tzinfo=UTC),
    }  # fmt: skip
    return SimpleNamespace(**said | changes)


def read(file: bytes) -> tuple[Any, Any]:
    """The calendar and its one event, as icalendar reads them; lines are checked to be those of RFC 5545."""
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    assert b"\n" not in file.replace(b"\r\n", b"")
    calendar = Calendar.from_ical(file)
    [event] = calendar.walk("VEVENT")
    assert not event.errors
    return calendar, event


async def test_the_file_of_an_exchange_and_of_its_life(service: InitiativesService) -> None:
    cast_ = await cast_of(service)
    exchange = await cast_.scheduled(url="https://example.org/datos")
    client = service.client_of(cast_.city)
    first = await client.get(exchange["calendar"])
    assert (first.status_code, first.headers["content-type"]) == (200, "text/calendar; charset=utf-8; method=PUBLISH")
    calendar, event = read(first.content)
    assert (calendar["METHOD"], calendar["VERSION"], calendar["X-WR-TIMEZONE"]) == ("PUBLISH", "2.0", "America/Bogota")
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (exchange["ics_uid"], 0, "CONFIRMED")
    assert event["SUMMARY"] == "Taller de datos abiertos"
    assert event["DTSTART"].dt.astimezone(UTC) == datetime(next_year(), 3, 4, 14, tzinfo=UTC)
    assert (event["DTSTART"].params["TZID"], event["ORGANIZER"].params["CN"]) == ("America/Bogota", "Asocapitales")
    assert str(event["ORGANIZER"]) == f"urn:uuid:{cast_.host}"
    assert b"mailto" not in first.content.lower()
    assert b"ATTENDEE" not in first.content
    gone = (await cast_.change(exchange, "cancel", reason="Sin sede.")).json()
    _, after = read((await client.get(exchange["calendar"])).content)
    assert (after["UID"], after["SEQUENCE"], after["STATUS"]) == (exchange["ics_uid"], 1, "CANCELLED")
    assert "Sin sede." in after["DESCRIPTION"]
    assert gone["ics_sequence"] == 1


async def test_a_file_that_did_not_change_is_not_sent_again(service: InitiativesService) -> None:
    cast_ = await cast_of(service)
    exchange = await cast_.scheduled()
    client = service.client_of(cast_.city)
    first = await client.get(exchange["calendar"])
    again = await client.get(exchange["calendar"], headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    english = await client.get(exchange["calendar"], params={"lang": "en"}, headers={"If-None-Match": first.headers["ETag"]})
    assert (english.status_code, read(english.content)[1]["SUMMARY"]) == (200, "Open data workshop")
    other = await client.get(exchange["calendar"], params={"lang": "ko"})
    assert other.headers["ETag"] == first.headers["ETag"]
    wrong = await client.get(exchange["calendar"], params={"lang": "klingon"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "?lang")


@pytest.mark.parametrize(
    ("timezone", "starts", "ends"),
    [
        ("Europe/Berlin", datetime(2027, 3, 28, 0, 30), datetime(2027, 3, 28, 1, 0)),  # noqa: DTZ001 - UTC, made aware below
        ("Europe/Berlin", datetime(2027, 10, 30, 8), datetime(2027, 10, 31, 9)),  # noqa: DTZ001 - the same
        ("Asia/Seoul", datetime(2026, 12, 31, 20), datetime(2027, 1, 2, 9)),  # noqa: DTZ001 - the same
        ("Europe/Dublin", datetime(2027, 7, 1, 8), datetime(2028, 1, 10, 9)),  # noqa: DTZ001 - the same
        ("America/Santiago", datetime(2027, 4, 4, 2, 30), datetime(2027, 9, 5, 5)),  # noqa: DTZ001 - the same
        ("UTC", datetime(2027, 7, 1, 8), datetime(2027, 7, 1, 9)),  # noqa: DTZ001 - the same
    ],
)
def test_a_reader_with_no_time_zones_of_its_own_finds_the_same_instants(timezone: str, starts: datetime, ends: datetime) -> None:
    meant = (starts.replace(tzinfo=UTC), ends.replace(tzinfo=UTC))
    file = calendar_file(row(timezone=timezone, starts_at=meant[0], ends_at=meant[1]), None, LINK).decode()
    _, event = read(file.encode())
    assert tuple(event[name].dt.astimezone(UTC) for name in ("DTSTART", "DTEND")) == meant
    if timezone != "UTC":
        zone = tzical(io.StringIO(file)).get(timezone)
        assert zone is not None
        clocks = [event[name].dt.replace(tzinfo=zone) for name in ("DTSTART", "DTEND")]
        assert tuple(clock.astimezone(UTC) for clock in clocks) == meant


def test_the_rules_of_a_zone_are_cut_to_the_years_and_told_by_the_old_clocks() -> None:
    written = _zone("Europe/Berlin", 2027, 2027).to_ical().decode()
    assert written.count("BEGIN:DAYLIGHT") == 1
    assert "DTSTART:20270328T020000" in written
    assert "DTSTART:20271031T030000" in written
    assert "2028" not in written.replace("COMMENT:This timezone only works from 2027-01-01 to 2028-01-01.", "")
    assert _zone("Europe/Berlin", 2027, 2027) is _zone("Europe/Berlin", 2027, 2027)


def test_texts_of_partners_cannot_write_lines_of_their_own() -> None:
    poison = "Taller\r\nATTENDEE:mailto:a@example.org\nEND:VEVENT"
    names = {HOST: {"es": 'Ruta"\r\nX-EVIL:1;Y=":2'}}
    file = calendar_file(row(titles={"es": poison}, place=poison, summary={"es": poison}, topics=[poison], names=names), None, LINK)
    calendar, event = read(file)
    lines = file.replace(b"\r\n ", b"").split(b"\r\n")
    assert not [line for line in lines if line.startswith((b"ATTENDEE", b"X-EVIL"))]
    assert len(calendar.walk("VEVENT")) == 1
    assert str(event["LOCATION"]).replace("\r\n", "\n") == poison.replace("\r\n", "\n")


def test_a_host_whose_name_is_not_known_yet_is_told_by_its_id() -> None:
    _, event = read(calendar_file(row(names=None), None, LINK))
    assert event["ORGANIZER"].params.get("CN") is None
    assert (str(event["ORGANIZER"]), event["URL"]) == (f"urn:uuid:{HOST}", LINK)
