"""Types of request fields: each accepts one well-defined form and says what to do when it gets another."""

import re
import unicodedata
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.http.codes import COUNTRIES, is_registered

_TAG = re.compile(
    r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?((?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)", re.IGNORECASE | re.ASCII
)
"""A language, then a script, a region and variants, each of which may be left out (RFC 5646, without private use and extensions)."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters other than tab and line breaks, separators of lines, and halves of surrogate pairs."""
_UNLINED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a line may not hold: control characters, breaks, what turns the direction of writing, halves of surrogate pairs."""
_NOTHING_SEEN = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)
"""Blanks, and what Unicode says is not to be shown: joiners, fillers, selectors of variants; inside a word they have their use."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+", re.IGNORECASE)


class StrictModel(BaseModel):
    """A request body: unknown members are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def broken(kind: str, rule: str, fix: str) -> PydanticCustomError:
    """The error of a field: which ``rule`` it breaks and the ``fix``; raise it in a validator of your own."""
    return PydanticCustomError("rule_broken", "{rule}", {"rule": rule, "fix": fix, "kind": kind})


@dataclass(frozen=True, slots=True)
class Written:
    """A text of the form ``pattern``: ``Annotated[str, Written(pattern, "must be …", "example")]``; ``rule`` is its meaning in words."""

    pattern: str
    rule: str
    example: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the text, followed by the check."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The description of the text, with its form and the example."""
        return {**handler(schema), "pattern": self.pattern, "examples": [self.example]}

    def _checked(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise broken("form", self.rule, f"Send a text like '{self.example}'.")
        return text


@lru_cache(maxsize=1024)
def _language(text: str) -> str:
    found = _TAG.fullmatch(text)
    if found is None:
        raise _unknown_tag("")
    language, script, region = found[1].lower(), (found[2] or "").title(), (found[3] or "").upper()
    variants = found[4].lower().split("-")[1:]
    parts = [("language", language), ("script", script), ("region", region), *(("variant", variant) for variant in variants)]
    for kind, part in parts:
        if part and not is_registered(kind, part):
            raise _unknown_tag(f"; no {kind} '{part}' is registered")
    if len(set(variants)) < len(variants):
        raise _unknown_tag("; a variant stands in it twice")
    return "-".join(part for _, part in parts if part)


def _unknown_tag(why: str) -> PydanticCustomError:
    fix = "Send a tag like 'es', 'pt-BR', 'zh-Hant', 'es-419' or 'ca-valencia'."
    return broken("language", f"must be a known BCP 47 language tag{why}", fix)


def _country(text: str) -> str:
    if text not in COUNTRIES:
        raise broken("country", "must be a two-letter country code of ISO 3166-1, in capitals", "Send a code like 'CO', 'KR' or 'UA'.")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(name for name in zoneinfo.available_timezones() if name not in ("localtime", "Factory"))


def _time_zone(text: str) -> str:
    if text not in _zones():
        raise broken("time zone", "must be a time zone of the IANA database", "Send a name like 'America/Bogota' or 'Europe/Kyiv'.")
    return text


def _id(text: str) -> str:
    lower = text.lower()
    if _UUID.fullmatch(lower) is None:
        raise broken("id", "must be an id as this API gives them (a UUID)", "Send the id exactly as you read it.")
    return lower


def _text(text: str) -> str:
    if _UNPRINTABLE.search(text) is not None:
        raise broken("text", "must not hold control characters", "Remove invisible control characters from the text.")
    return _tidy(text.replace("\r\n", "\n").replace("\r", "\n"))


def _line(text: str) -> str:
    if _UNLINED.search(text) is not None:
        raise broken("line", "must be one line without control characters", "Remove line breaks, tabs and invisible characters.")
    return _tidy(text)


def _tidy(text: str) -> str:
    tidy = (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()
    if _NOTHING_SEEN.fullmatch(tidy):
        raise broken("text", "must not be empty, nor only blanks and invisible characters", "Write something, or leave the member out.")
    return tidy


def _each_once(texts: Any) -> Any:
    if isinstance(texts, dict) and len({str(tag).lower() for tag in texts}) < len(texts):
        raise broken("languages", "must not name a language twice", "Send one text for each language.")
    return texts


def _url(text: str) -> str:
    fix = "Send an address like 'https://example.org/page', without a user name."
    try:
        parts = urlsplit(text)
        plain = parts.scheme == "https" and parts.username is None and parts.password is None and (parts.port or 443) > 0
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        raise broken("url", "must be an https address", fix) from None
    if not plain or _HOST.fullmatch(host) is None or " " in text or _UNLINED.search(text) is not None:
        raise broken("url", "must be an https address", fix)
    return text


def _email(text: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - one service does not install it

    fix = "Send an address like 'name@example.org'."
    if _UNLINED.search(text) is not None or any(sign in '<>"\\' for sign in text):
        raise broken("email", "must be one mail address without line breaks, quotes or brackets", fix)
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise broken("email", "must be a mail address", fix) from None


def _written_day(value: Any) -> Any:
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise broken("day", "must be a date written YYYY-MM-DD", "Send a date like '2024-07-12'.")
    return value


def _written_moment(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise broken("moment", "must be a date and time with its offset from UTC", "Send a time like '2025-03-04T15:00:00-05:00'.")
    return value


def _moment_of_utc(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError:  # PostgreSQL could keep it, nothing here could read it
        rule = "must be a time that is in the years 1 to 9999 in UTC, too"
        raise broken("moment", rule, "Send a time like '2025-03-04T15:00:00-05:00'.") from None
    return moment


Language = Annotated[str, AfterValidator(_language), Field(examples=["es"], description="A BCP 47 language tag.")]
Country = Annotated[str, AfterValidator(_country), Field(examples=["CO"], description="ISO 3166-1, two capital letters.")]
TimeZone = Annotated[str, AfterValidator(_time_zone), Field(examples=["America/Bogota"], description="A time zone of the IANA database.")]
Id = Annotated[str, AfterValidator(_id), Field(examples=["01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"], description="A UUID given by this API.")]
Line = Annotated[str, StringConstraints(max_length=300), AfterValidator(_line), Field(examples=["Asocapitales"])]
"""A text on one line, such as a name; at most 300 characters, NFC."""
Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_text), Field(examples=["Buenas prácticas de datos abiertos."])]
"""A text of several lines; at most 20,000 characters, NFC, line breaks as LF."""
LongText = Annotated[str, StringConstraints(max_length=200_000), AfterValidator(_text), Field(examples=["Memorando de entendimiento …"])]
"""A document's full text; at most 200,000 characters, NFC, line breaks as LF."""
Names = Annotated[dict[Language, Line], BeforeValidator(_each_once), Field(min_length=1, max_length=40, examples=[{"es": "Asocapitales"}])]
"""One-line texts by language: at least one."""
LangMap = Annotated[
    dict[Language, Text], BeforeValidator(_each_once), Field(min_length=1, max_length=40, examples=[{"es": "Intercambio de prácticas."}])
]
"""Longer texts by language: at least one."""
Url = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_url), Field(examples=["https://example.org/page"])]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email), Field(examples=["name@example.org"])]
Day = Annotated[date, BeforeValidator(_written_day), Field(examples=["2024-07-12"])]
"""A calendar day, written YYYY-MM-DD."""
Moment = Annotated[
    AwareDatetime, BeforeValidator(_written_moment), AfterValidator(_moment_of_utc), Field(examples=["2025-03-04T15:00:00-05:00"])
]
"""A point in time, written with its offset from UTC."""
Whole = Annotated[int, Strict(), Field(ge=-(2**31), lt=2**31, examples=[3])]
"""A whole number that is written as one."""
Flag = Annotated[bool, Strict(), Field(examples=[True])]
"""True or false, and nothing like it."""
