"""Types of fields by themselves: what each takes, in which form it is kept, and what it refuses in words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AllowInfNan, Field, Strict, TypeAdapter, ValidationError

from shared.http import Day, Flag, Language, Line, Moment, Names, Text, Whole, Written
from shared.http.codes import COUNTRIES, is_registered
from shared.http.fields import LongText
from shared.http.validation import WORDS, explained
from tests.shared.http.shelf import NewBox


def refused(kind: Any, value: object) -> dict[str, Any]:
    """What a caller is told of a value that this type does not take."""
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(kind).validate_python(value)
    (told,) = explained([{**error, "loc": ("body", *error["loc"])} for error in raised.value.errors()])
    return told


TAGS = {
    "es": "es",
    "PT-br": "pt-BR",
    "ZH-hANT": "zh-Hant",
    "zh-Hant-TW": "zh-Hant-TW",
    "es-419": "es-419",
    "pbb": "pbb",
    "ca-valencia": "ca-valencia",
    "de-AT-1996": "de-AT-1996",
    "SL-Rozaj-Biske-1994": "sl-rozaj-biske-1994",
    "qu-Latn-PE": "qu-Latn-PE",
}


@pytest.mark.parametrize(("said", "kept"), TAGS.items())
def test_a_tag_of_registered_parts_is_taken_in_the_usual_case(said: str, kept: str) -> None:
    assert TypeAdapter(Language).validate_python(said) == kept


NO_TAGS = {
    "xx": "language 'xx'",
    "klingon": "",
    "es-Abcd": "script 'Abcd'",
    "es-999": "region '999'",
    "es-XX": "region 'XX'",
    "es-UK": "region 'UK'",
    "ca-valencya": "variant 'valencya'",
    "de-1996-1996": "twice",
    "es-CO-Latn": "",
    "x-private": "",
    "es_CO": "",
    "es-": "",
    "": "",
    "es-qaaa": "script 'Qaaa'",
    "und": "language 'und'",
    "eſ": "",
    "es-٤١٩": "",
}


@pytest.mark.parametrize(("said", "why"), NO_TAGS.items())
def test_a_tag_with_a_part_that_nobody_registered_is_refused_and_names_it(said: str, why: str) -> None:
    told = refused(Language, said)
    assert told["rule"].startswith("must be a known BCP 47 language tag")
    assert why in told["rule"]
    assert told["fix"]


def test_every_country_may_stand_in_a_tag() -> None:
    assert [country for country in COUNTRIES if not is_registered("region", country)] == []


class Signal(StrEnum):
    """What a light shows."""

    RED = "red"
    GREEN = "green"


BLANK = ("", "  ", "\u200b", "\u2060\ufeff", "\u3164", "\u2800 \u200d", "\u00ad\ufe0f", "\U000e0041")


@pytest.mark.parametrize("kind", [Line, Text, LongText])
@pytest.mark.parametrize("text", BLANK)
def test_a_text_of_which_nothing_is_seen_is_refused(kind: Any, text: str) -> None:
    assert "invisible" in refused(kind, text)["rule"]


@pytest.mark.parametrize("text", ["कर्नाटक", "می\u200cخواهم", "Ҫ̧", "ދިވެހި", "👩\u200d👩\u200d👧", "ශ්\u200dරී", "0", "–", "Đắk Lắk"])
def test_a_text_in_whatever_script_is_taken_with_its_marks_and_joiners(text: str) -> None:
    assert TypeAdapter(Line).validate_python(text) == unicodedata.normalize("NFC", text)


RAISING: dict[str, tuple[Any, object]] = {
    "missing": (NewBox, {}),
    "extra_forbidden": (NewBox, {"label": "x", "lable": "y"}),
    "none_required": (None, 5),
    "literal_error": (Literal["city", "network"], "village"),
    "enum": (Signal, "amber"),
    "string_type": (str, 5),
    "string_pattern_mismatch": (Annotated[str, Field(pattern="^[a-z]+$")], "A"),
    "string_too_long": (Line, "x" * 301),
    "string_too_short": (Annotated[str, Field(min_length=2)], "x"),
    "too_long": (Annotated[list[int], Field(max_length=1)], [1, 2]),
    "too_short": (Names, {}),
    "int_type": (Whole, "3"),
    "int_parsing": (int, "abc"),
    "int_parsing_size": (int, "9" * 5000),
    "int_from_float": (int, 1.5),
    "float_type": (Annotated[float, Strict()], "4,5"),
    "float_parsing": (float, "4,5"),
    "finite_number": (Annotated[float, AllowInfNan(False)], float("nan")),
    "greater_than": (Annotated[int, Field(gt=0)], 0),
    "greater_than_equal": (Annotated[int, Field(ge=1)], 0),
    "less_than": (Whole, 2**31),
    "less_than_equal": (Annotated[float, Field(le=90)], 90.5),
    "multiple_of": (Annotated[int, Field(multiple_of=5)], 7),
    "bool_type": (Flag, "yes"),
    "bool_parsing": (bool, "perhaps"),
    "list_type": (list[str], "es"),
    "tuple_type": (tuple[str, ...], "es"),
    "set_type": (set[str], "es"),
    "frozen_set_type": (frozenset[str], "es"),
    "dict_type": (Names, "Medellín"),
    "model_type": (NewBox, "x"),
    "uuid_type": (UUID, 5),
    "uuid_parsing": (UUID, "5"),
    "timezone_aware": (Moment, "2025-03-04T15:00:00"),
    "date_type": (date, []),
    "date_from_datetime_parsing": (Day, "2024-02-30"),
    "date_from_datetime_inexact": (date, "2024-07-12T10:00:00"),
    "datetime_type": (datetime, []),
    "datetime_from_date_parsing": (Moment, "2025-03-99"),
}
RAISED_ELSEWHERE = {"model_attributes_type", "date_parsing", "datetime_parsing"}
"""By FastAPI for a body that is no object, and by pydantic when it reads JSON by itself."""


@pytest.mark.parametrize(("kind", "raising"), RAISING.items())
def test_each_rule_of_pydantic_is_told_with_its_numbers_and_a_fix(kind: str, raising: tuple[Any, object]) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(raising[0]).validate_python(raising[1])
    assert [error["type"] for error in raised.value.errors()] == [kind]
    told = refused(*raising)
    assert (told["in"], told["field"][0]) == ("body", "/")
    assert told["rule"].startswith(("must ", "is "))
    assert told["fix"] not in ("", "Send a value that keeps the rule.")
    assert not re.search(r"[{}]|validation|Input|valid \w+", told["rule"] + told["fix"])


def test_no_rule_is_left_out_of_the_table() -> None:
    assert set(RAISING) | RAISED_ELSEWHERE == set(WORDS)


def test_a_number_says_what_it_may_be_and_a_form_what_it_means() -> None:
    assert refused(Annotated[int, Field(ge=1)], 0)["fix"] == "Send 1 or more."
    assert refused(Annotated[float, Strict()], "4,5")["fix"] == "Send a number with a decimal point and without quotes, like 6.25."
    plate = Annotated[str, Written("^[A-Z]{3}[0-9]{3}$", "must be three capitals and three digits", "ABC123")]
    told = refused(plate, "ABC123\n")
    assert (told["rule"], told["fix"]) == ("must be three capitals and three digits", "Send a text like 'ABC123'.")
    shown = TypeAdapter(plate).json_schema()
    assert shown == {"type": "string", "pattern": "^[A-Z]{3}[0-9]{3}$", "examples": ["ABC123"]}
    assert TypeAdapter(plate).validate_python("ABC123") == "ABC123"


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_time_that_utc_cannot_tell_is_refused(moment: str) -> None:
    told = refused(Moment, moment)
    assert "years 1 to 9999" in told["rule"]
    assert told["fix"]
