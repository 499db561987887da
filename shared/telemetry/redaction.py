"""What must never be in a log line: secrets, tokens, people's addresses and what is on record of them."""

from collections.abc import Mapping
from re import IGNORECASE
from re import compile as pattern
from typing import Any

HIDDEN = "[redacted]"
DEEPEST = 6

_SECRET_NAME = pattern(r"authorization|passw|secret|token|e[-_]?mail|recipient|cookie|api[-_]?key|private[-_]?key", IGNORECASE)
_PLAIN_NAMES = frozenset({"message_id"})
_URL_PASSWORD = pattern(r"(\w+://[^\s:/@]*:)[^\s@]+@")
_BEARER = pattern(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", IGNORECASE)
_JWT = pattern(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_QUERY_SECRET = pattern(r"([?&](?:token|secret|key|code|password)=)[^&\s\"']+", IGNORECASE)
_ROW = pattern(r"(Failing row contains |query argument \$\d+: ).*")
_ADDRESS = pattern(r"[^\s@<>\"'(),;:=\[\]/]+@[^\s@<>\"'(),;:=\[\]/]+\.[^\s@<>\"'(),;:=\[\]/.]+")


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which values of telling names are hidden, and passwords, tokens and addresses within texts."""
    return {name: _value(name, value, 0) for name, value in fields.items()}


def _value(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _value(str(key), one, depth + 1) for key, one in value.items()} if depth < DEEPEST else "…"
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(name, one, depth + 1) for one in value] if depth < DEEPEST else "…"
    return str(value) if name in _PLAIN_NAMES else clean(str(value))


def clean(text: str) -> str:
    """The text without passwords of URLs, bearer tokens, secrets in query strings, mail addresses, and rows that a database refused."""
    text = _ROW.sub(rf"\1{HIDDEN}", text)
    text = _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _QUERY_SECRET.sub(rf"\1{HIDDEN}", _JWT.sub(HIDDEN, text))
    return _ADDRESS.sub("[address]", text) if "@" in text else text
