"""How names, lists, days and hours are written in a language: what every message is put together from."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_percent

from shared import languages
from shared.events.partners import Names

TO = "\N{EN DASH}"
_INVISIBLE = ("Cc", "Zl", "Zp")
_SOUNDS_I = re.compile(r"h?[ií](?![aeo])", re.IGNORECASE)


def text_in(texts: Names, language: str) -> str:
    """The text in ``language``, or the next one that there is (`languages.text_in`); on one line."""
    return one_line(languages.text_in(texts, language))


def one_line(text: str) -> str:
    """The text without line breaks or other control characters, so that it can stand in a header."""
    return " ".join("".join(" " if unicodedata.category(sign) in _INVISIBLE else sign for sign in text).split())


def listed(texts: Iterable[str], language: str) -> str:
    """The texts as a list in a sentence: ``Kyiv, Berlín y Medellín``; Spanish says ``e`` before an i."""
    each = list(texts)
    together = format_list(each, locale=language)
    if language == "es" and len(each) > 1 and _SOUNDS_I.match(each[-1]):
        return f"{together[: -len(each[-1]) - 3]} e {each[-1]}"
    return together


def day(when: date, language: str) -> str:
    """A day with its month in words: ``12 de julio de 2024``."""
    return format_date(when, "long", locale=language)


def between(start: datetime, end: datetime, timezone: str, language: str) -> str:
    """From when to when by the clocks of the place, which is named: ``jueves, 12 de marzo de 2026, 09:00 … (hora de Bogotá, …)``."""
    zone = ZoneInfo(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.date() == last.date():
        hours = f"{_date(first, language)}, {_clock(first)}{TO}{_clock(last)}"
    else:
        hours = f"{_date(first, language)}, {_clock(first)} {TO} {_date(last, language)}, {_clock(last)}"
    return f"{hours} ({_clock_of(first, timezone, language)})"


def moment(when: datetime, timezone: str, language: str) -> str:
    """A moment by the clocks of a zone, which is named: ``jueves, 12 de marzo de 2026, 09:00 (hora de Bogotá, UTC-05:00)``."""
    there = when.astimezone(ZoneInfo(timezone))
    return f"{_date(there, language)}, {_clock(there)} ({_clock_of(there, timezone, language)})"


def percent(share: float, language: str) -> str:
    """A share of one in whole percent, rounded down, so that only what is the same is 100 %."""
    return format_percent(int(share * 100) / 100, locale=language)


def city(timezone: str, language: str) -> str:
    """The place a time zone is named after, in ``language`` where it has a name of its own there: ``America/Bogota`` → ``Bogotá``."""
    known = Locale.parse(language).time_zones.get(timezone) or {}
    return str(known.get("city") or timezone.rpartition("/")[2].replace("_", " "))


def _date(when: datetime, language: str) -> str:
    return format_date(when, "full", locale=language)


def _clock(when: datetime) -> str:
    return format_time(when, "HH:mm", locale="en")


def _clock_of(when: datetime, timezone: str, language: str) -> str:
    offset = f"UTC{when.isoformat()[-6:]}" if when.utcoffset() else "UTC"
    if "/" not in timezone:
        return offset
    place = city(timezone, language)
    return f"hora de {place}, {offset}" if language == "es" else f"{place} time, {offset}"
