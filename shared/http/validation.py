"""Pydantic's errors in words of ours: where, which rule, what to do."""

import re
from collections.abc import Sequence
from typing import Any, Final

_SECRET: Final = re.compile(r"secret|password|token|key|authorization", re.IGNORECASE)
_LONGEST_VALUE: Final = 100
_PLACES: Final = {"query": "?", "path": "path/", "header": "", "cookie": ""}

_A_DAY: Final = ("must be a date that exists", "Send a date like 2024-07-12.")
_A_TIME: Final = ("must be a time that exists", "Send a time like 2025-03-04T15:00:00-05:00.")
_AN_ID: Final = ("must be a UUID", "Send the id exactly as you read it, like 01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f.")
_A_LIST: Final = ("must be a list", "Send a list in square brackets.")

WORDS: Final = {
    "missing": ("is required", "Add it."),
    "extra_forbidden": ("is not a member of this", "Remove it, or correct its spelling."),
    "none_required": ("must be null", "Send null, or leave it out."),
    "literal_error": ("must be {expected}", "Send {expected}."),
    "enum": ("must be {expected}", "Send {expected}."),
    "string_type": ("must be a text", "Send a text in quotes."),
    "string_pattern_mismatch": ("must match the pattern {pattern}", "Send a text of the form {pattern} (a regular expression)."),
    "string_too_long": ("must have at most {max_length} characters", "Shorten it to {max_length} characters."),
    "string_too_short": ("must have at least {min_length} characters", "Send at least {min_length} characters."),
    "too_long": ("must hold at most {max_length}", "Send at most {max_length}."),
    "too_short": ("must hold at least {min_length}", "Send at least {min_length}."),
    "int_type": ("must be a whole number", "Send a whole number without quotes, like 3."),
    "int_parsing": ("must be a whole number", "Send a whole number in digits, like 3."),
    "int_parsing_size": ("must be a whole number of fewer digits", "Send a smaller number, like 3."),
    "int_from_float": ("must be a whole number", "Send a whole number without a fraction, like 3."),
    "float_type": ("must be a number", "Send a number with a decimal point and without quotes, like 6.25."),
    "float_parsing": ("must be a number", "Send a number with a decimal point, like 6.25."),
    "finite_number": ("must be a finite number", "Send a number like 6.25."),
    "greater_than": ("must be greater than {gt}", "Send a number greater than {gt}."),
    "greater_than_equal": ("must be at least {ge}", "Send {ge} or more."),
    "less_than": ("must be less than {lt}", "Send a number less than {lt}."),
    "less_than_equal": ("must be at most {le}", "Send {le} or less."),
    "multiple_of": ("must be a multiple of {multiple_of}", "Send a multiple of {multiple_of}."),
    "bool_type": ("must be true or false", "Send true or false without quotes."),
    "bool_parsing": ("must be true or false", "Send true or false."),
    "list_type": _A_LIST,
    "tuple_type": _A_LIST,
    "set_type": _A_LIST,
    "frozen_set_type": _A_LIST,
    "dict_type": ("must be an object", "Send an object in curly brackets."),
    "model_attributes_type": ("must be an object", "Send a JSON object with Content-Type: application/json."),
    "model_type": ("must be an object", "Send a JSON object."),
    "uuid_type": _AN_ID,
    "uuid_parsing": _AN_ID,
    "timezone_aware": ("must say its offset from UTC", "Add the offset, for example 2025-03-04T15:00:00-05:00."),
    "date_type": _A_DAY,
    "date_parsing": _A_DAY,
    "date_from_datetime_parsing": _A_DAY,
    "date_from_datetime_inexact": ("must be a date without a time", "Send a date like 2024-07-12."),
    "datetime_type": _A_TIME,
    "datetime_parsing": _A_TIME,
    "datetime_from_date_parsing": _A_TIME,
}
"""What breaks a rule of pydantic's: the rule and the fix in words of ours, in which the rule's own numbers and texts are filled in."""


def explained(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """One entry per error: ``in`` (body, query, path, header), ``field`` (a JSON pointer in a body), ``rule``, ``fix`` and ``value``."""
    wrong_inside = {tuple(error["loc"][:-1]) for error in errors if error.get("loc")}
    # A list whose items are wrong counts none of them: that it would be too short is not so.
    return [_explained(error) for error in errors if not (error["type"] == "too_short" and tuple(error["loc"]) in wrong_inside)]


def pointer(path: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a place in a document; the whole document is ``/``."""
    return "/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _explained(error: Any) -> dict[str, Any]:
    place, *path = error.get("loc", ("body",))
    rule, fix = _words(error)
    entry = {"in": str(place), "field": _field(str(place), path), "rule": rule, "fix": fix}
    value = error.get("input")
    if _may_be_shown(error, path, value):
        entry["value"] = value
    return entry


def _field(place: str, path: Sequence[str | int]) -> str:
    if place == "body":
        return pointer([step for step in path if step != "[key]"])
    return _PLACES.get(place, "") + "/".join(str(step) for step in path)


def _words(error: Any) -> tuple[str, str]:
    context = error.get("ctx") or {}
    if error["type"] == "rule_broken":
        return str(context["rule"]), str(context["fix"])
    known = WORDS.get(error["type"])
    if known is not None:
        rule, fix = known
        return rule.format_map(context), fix.format_map(context)
    rule = re.sub(r"^(Input|Value error, |String|List|Dictionary) ?", "", str(error.get("msg", ""))).strip()
    rule = rule[:1].lower() + rule[1:] if rule else "is not as it must be"
    return rule, "Send a value that keeps the rule."


def _may_be_shown(error: Any, path: Sequence[str | int], value: Any) -> bool:
    if error["type"] == "missing" or any(_SECRET.search(str(step)) for step in path):
        return False
    if isinstance(value, str):
        return len(value) <= _LONGEST_VALUE
    return value is None or isinstance(value, bool | int | float)
