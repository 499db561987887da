"""An exchange as a calendar file (RFC 5545, RFC 5546 PUBLISH): the same UID for ever, a SEQUENCE that rises when it moves."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from icalendar import Calendar, Event, Timezone, vCalAddress, vUri
from icalendar.prop import vText

from services.initiatives.exchanges.calendar.models import When
from services.initiatives.exchanges.models import CANCELLED, ics_uid

PRODUCT: Final = "-//Interurbe//Exchanges//EN"
"""PRODID: who made the file."""


def calendar_file(exchange: Any, language: str | None, link: str) -> bytes:
    """The ``text/calendar`` bytes of a row of the exchange view, in ``language`` where there is such a text (else Spanish, else any).

    ``link`` is the address of the exchange in this API. Names institutions only, never a person or a mail address.
    """
    when = When(exchange.starts_at, exchange.ends_at, exchange.timezone)
    spoken, title = _text(exchange.titles, language)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", vText(_one_line(title)))
    calendar.add("x-wr-timezone", exchange.timezone)
    starts, ends = when.local
    if exchange.timezone != "UTC":
        calendar.add_component(_zone(exchange.timezone, starts.year, ends.year))
    calendar.add_component(_event(exchange, (starts, ends), spoken, link))
    return bytes(calendar.to_ical())


@lru_cache(maxsize=1024)
def _zone(timezone: str, first_year: int, last_year: int) -> Timezone:
    """The rules of a zone's clocks in these years only; the whole history takes far longer to make and to read."""
    zone = Timezone.from_tzid(timezone, first_date=date(first_year, 1, 1), last_date=date(last_year + 1, 1, 1))
    for change in zone.walk():
        if change.name != "VTIMEZONE":
            _by_the_old_clocks(change)
    return zone


def _by_the_old_clocks(change: Any) -> None:
    """RFC 5545, 3.6.5 wants the onset as the clocks show it before the change; icalendar gives it after one that puts them forward."""
    forward = change.TZOFFSETTO - change.TZOFFSETFROM
    if forward <= timedelta(0):
        return
    later = [onset - forward for onset, _end in change.rdates]
    change.DTSTART = change.DTSTART - forward
    change.pop("RDATE", None)
    if later:
        change.add("rdate", later)


def _event(exchange: Any, times: tuple[datetime, datetime], spoken: str, link: str) -> Event:
    event = Event()
    event.add("uid", ics_uid(exchange.id))
    event.add("sequence", exchange.ics_sequence)
    event.add("dtstamp", exchange.changed_at)
    event.add("created", exchange.created_at)
    event.add("last-modified", exchange.changed_at)
    event.add("dtstart", times[0])
    event.add("dtend", times[1])
    event.add("status", "CANCELLED" if exchange.state == CANCELLED else "CONFIRMED")
    event.add("summary", exchange.titles[spoken], parameters={"LANGUAGE": spoken})
    description = _description(exchange, spoken)
    if description:
        event.add("description", description)
    if exchange.place:
        event.add("location", exchange.place)
    event.add("url", vUri(exchange.url or link))
    event.add("categories", [exchange.kind, *exchange.topics])
    event.add("organizer", _organizer(exchange, spoken))
    return event


def _description(exchange: Any, spoken: str) -> str:
    parts = [_text(exchange.summary, spoken)[1] if exchange.summary else None, exchange.url, exchange.reason]
    return "\n\n".join(part for part in parts if part)


def _organizer(exchange: Any, spoken: str) -> vCalAddress:
    """The first host, as an institution: its id and its public name, no address of a person."""
    host = exchange.hosts[0]
    organizer = vCalAddress(f"urn:uuid:{(exchange.survivors or {}).get(host, host)}")
    names = (exchange.names or {}).get(host)
    if names:
        organizer.params["CN"] = vText(_one_line(_text(names, spoken)[1]).replace('"', "'"))
    return organizer


def _one_line(text: str) -> str:
    """Names come from other systems too: no line break of theirs may end one of ours."""
    return " ".join(text.split())


def _text(texts: Mapping[str, str], language: str | None) -> tuple[str, str]:
    """The language and text nearest to what was asked: that language, it without its region, Spanish, or the first there is."""
    wanted = (language, language.partition("-")[0]) if language else ()
    spoken = next(tag for tag in (*wanted, "es", *texts) if tag in texts)
    return spoken, texts[spoken]
