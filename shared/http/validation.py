"""Pydantic's errors in words of ours: where, which rule, what to do."""

import re
from collections.abc import Sequence
from typing import Any, Final

_SECRET: Final = re.compile(r"secret|password|token|key|authorization", re.IGNORECASE)
_LONGEST_VALUE: Final = 100
_PLACES: Final = {"query": "?", "path": "path/", "header": "", "cookie": ""}

_FIXES: Final = {
    "missing": ("is required", "Add it."),
    "extra_forbidden": ("is not a member of this", "Remove it, or correct its spelling."),
    "string_type": ("must be a text", "Send a text in quotes."),
    "int_type": ("must be a whole number", "Send a whole number without quotes."),
    "int_from_float": ("must be a whole number", "Send a whole number without a fraction."),
    "bool_type": ("must be true or false", "Send true or false without quotes."),
    "list_type": ("must be a list", "Send a list in square brackets."),
    "tuple_type": ("must be a list", "Send a list in square brackets."),
    "dict_type": ("must be an object", "Send an object in curly brackets."),
    "model_attributes_type": ("must be an object", "Send a JSON object with Content-Type: application/json."),
    "model_type": ("must be an object", "Send a JSON object."),
    "timezone_aware": ("must say its offset from UTC", "Add the offset, for example 2025-03-04T15:00:00-05:00."),
    "date_from_datetime_parsing": ("must be a date that exists", "Send a date like 2024-07-12."),
    "date_parsing": ("must be a date that exists", "Send a date like 2024-07-12."),
    "datetime_from_date_parsing": ("must be a time that exists", "Send a time like 2025-03-04T15:00:00-05:00."),
    "datetime_parsing": ("must be a time that exists", "Send a time like 2025-03-04T15:00:00-05:00."),
}


def explained(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """One entry per error: ``in`` (body, query, path, header), ``field`` (a JSON pointer in a body), ``rule``, ``fix`` and ``value``."""
    return [_explained(error) for error in errors]


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
    known = _FIXES.get(error["type"])
    if known is not None:
        return known
    rule = re.sub(r"^(Input|Value error, |String|List|Dictionary) ?", "", str(error.get("msg", ""))).strip()
    rule = rule[:1].lower() + rule[1:] if rule else "is not as it must be"
    return rule, _advice(context)


def _advice(context: dict[str, Any]) -> str:
    if "expected" in context:
        return f"Send {context['expected']}."
    for name, words in (("max_length", "at most {} long"), ("min_length", "at least {} long"), ("le", "at most {}"), ("ge", "at least {}")):
        if name in context:
            return f"Send something {words.format(context[name])}."
    return "Send a value that keeps the rule."


def _may_be_shown(error: Any, path: Sequence[str | int], value: Any) -> bool:
    if error["type"] == "missing" or any(_SECRET.search(str(step)) for step in path):
        return False
    if isinstance(value, str):
        return len(value) <= _LONGEST_VALUE
    return value is None or isinstance(value, bool | int | float)
