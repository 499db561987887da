"""Types of fields by themselves: what each takes, in which form it is kept, and what it refuses in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http import Language
from shared.http.codes import COUNTRIES, is_registered
from shared.http.validation import explained


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
