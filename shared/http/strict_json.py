"""JSON as RFC 8259 and I-JSON (RFC 7493) mean it: no NaN, no doubled keys, no NUL, nothing too deep or too many."""

import json
import math
import re
from collections import Counter
from typing import Any, Final, NoReturn

from shared.http.refusals import TooComplex
from shared.http.validation import pointer
from shared.refusals import Invalid, Malformed

DEEPEST: Final = 32
MOST_VALUES: Final = 20_000
LARGEST_WHOLE: Final = 2**53 - 1

_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
_SUSPECT: Final = re.compile(rb"\\u|(?:^|[:\[,])\s*-?[0-9.]*(?:[0-9]{16}|[0-9][eE])")
"""Escapes, and numbers that may not be kept exactly; a number follows a sign of structure, the digits of an id do not."""


class _Doubled(ValueError):
    pass


class _NotFinite(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Doubled(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return members


def _constant(word: str) -> NoReturn:
    raise _NotFinite(word)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)


def parse(body: bytes) -> Any:
    """The value that ``body`` holds; raises Malformed, TooComplex or Invalid naming place, rule and fix."""
    _measure(body)
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as problem:
        words = f"The body is not UTF-8: byte {problem.start} fits no character."
        raise Malformed(words, field="/", fix="Send JSON encoded in UTF-8.") from None
    except json.JSONDecodeError as problem:
        words = f"The body is not JSON: {problem.msg.lower()} at line {problem.lineno}, column {problem.colno}."
        raise Malformed(words, field="/", fix="Correct the JSON there.", position=problem.pos) from None
    except _Doubled as problem:
        words = f"The member '{_short(problem)}' appears twice in one object."
        raise Malformed(words, field=_short(problem), fix="Send each member once.") from None
    except _NotFinite as problem:
        raise Malformed(f"{problem} is not a JSON number.", field="/", fix="Send a finite number, or null where it is allowed.") from None
    except ValueError:
        raise Malformed("A number in the body has too many digits.", field="/", fix="Send numbers between -(2^53-1) and 2^53-1.") from None
    if _SUSPECT.search(body) is not None:
        _examine(value, ())
    return value


def _short(problem: Exception) -> str:
    return str(problem)[:100].encode("utf-8", "replace").decode()


def _measure(body: bytes) -> None:
    """Refuse what is nested too deeply or has too many values, before a parser recurses into it."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= DEEPEST and opened + body.count(b",") <= MOST_VALUES:
        return
    depth = values = 0
    for token in _TOKENS.finditer(body):
        sign = body[token.start()]
        if sign in b"[{":
            depth += 1
            values += 1
        elif sign in b"]}":
            depth -= 1
        elif sign in b",":
            values += 1
        if depth > DEEPEST:
            raise TooComplex(f"The JSON is nested more than {DEEPEST} levels deep.", field="/", fix=f"Nest at most {DEEPEST} levels.")
        if values > MOST_VALUES:
            raise TooComplex(f"The JSON holds more than {MOST_VALUES} values.", field="/", fix="Send less at once.")


def _examine(value: Any, path: tuple[str | int, ...]) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            _examine_text(name, (*path, name))
            _examine(member, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _examine(item, (*path, place))
    elif isinstance(value, str):
        _examine_text(value, path)
    elif type(value) in (int, float):
        _examine_number(value, path)


def _examine_text(text: str, path: tuple[str | int, ...]) -> None:
    if "\x00" in text:
        raise _broken(path, "must not hold the character NUL", "Remove \\u0000 from the text.")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise _broken(path, "must not hold half a surrogate pair", "Send the whole character, or leave it out.")


def _examine_number(number: Any, path: tuple[str | int, ...]) -> None:
    exact = math.isfinite(number) if isinstance(number, float) else abs(number) <= LARGEST_WHOLE
    if not exact:
        raise _broken(path, "must be a number that any JSON reader keeps exactly", "Send a number between -(2^53-1) and 2^53-1.")


def _broken(path: tuple[str | int, ...], rule: str, fix: str) -> Invalid:
    field = pointer([str(step).encode("utf-8", "replace").decode().replace("\x00", "?") for step in path])
    return Invalid(f"{field} {rule}.", field=field, fix=fix, errors=[{"in": "body", "field": field, "rule": rule, "fix": fix}])
