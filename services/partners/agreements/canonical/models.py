"""The canonical form of what is agreed, its hash, the offline verifier, and what differs between two revisions.

The hash covers who agrees, to which terms, in which authentic words, with which attachments, as which revision after which.
Contacts, codes, titles, translations and visibility are outside it.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

import rfc8785

HASH_ALG: Final = "rfc8785-sha256-v1"
"""The recipe's name: SHA-256, in lower-case hex, over the RFC 8785 form of exactly the members of `Content`."""

LONGEST_SHOWN = 200
"""Characters of an old or new value that are shown where two revisions differ."""


class Content(TypedDict):
    """What the hash covers; member names are part of the recipe and never change under the same `HASH_ALG`."""

    agreement_id: str
    number: int
    prev_hash: str | None
    kind: str
    parties: list[str]
    terms: Any
    texts: dict[str, str]
    attachments: list[str]


class Difference(TypedDict):
    """One place where two revisions differ; a side that is missing had nothing there."""

    path: str
    was: NotRequired[Any]
    now: NotRequired[Any]


class NotCanonical(ValueError):
    """These bytes are not the canonical form of a revision; the message says in which way."""


def canonical(content: Content) -> bytes:
    """The one spelling of ``content`` in UTF-8 JSON (RFC 8785); parties and attachment digests count as sets."""
    told: dict[str, Any] = {**content, "parties": sorted(content["parties"]), "attachments": sorted(content["attachments"])}
    return rfc8785.dumps(told)


def hash_of(data: bytes) -> str:
    """The terms_hash of canonical bytes: 64 hexadecimal digits."""
    return sha256(data).hexdigest()


def verify(source: bytes | Path) -> str:
    """The terms_hash of a revision's canonical bytes, or of the file that holds them; needs no network and no database.

    Raises `NotCanonical` when they are anything else than the canonical form of a revision: the hash of other bytes would
    prove nothing.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    try:
        content = json.loads(data, parse_int=float, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"This is not JSON in UTF-8: {error}.") from error
    if not isinstance(content, dict) or set(content) != set(Content.__annotations__):
        raise NotCanonical(f"A revision has exactly the members {', '.join(sorted(Content.__annotations__))}.")
    for name in ("parties", "attachments"):
        if not isinstance(content[name], list) or not all(isinstance(item, str) for item in content[name]):
            raise NotCanonical(f"'{name}' must be a list of texts.")
    if _respelled(content) != data:
        raise NotCanonical("This is not the canonical form (RFC 8785): take the bytes as they were given, without reformatting them.")
    return hash_of(data)


def _respelled(content: Any) -> bytes | None:
    try:
        return canonical(content)
    except (ValueError, RecursionError):  # something JSON allows and RFC 8785 does not, such as half a surrogate pair
        return None


def differences(before: bytes, after: bytes) -> list[Difference]:
    """What changed from one revision's canonical bytes to another's, by path; lines are named by line, commitments by id."""
    old, new = (dict(_leaves("", json.loads(data))) for data in (before, after))
    changed = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    return [_difference(path, old, new) for path in changed if path not in ("number", "prev_hash")]


def _difference(path: str, old: dict[str, Any], new: dict[str, Any]) -> Difference:
    found: Difference = {"path": path}
    if path in old:
        found["was"] = _shown(old[path])
    if path in new:
        found["now"] = _shown(new[path])
    return found


def _shown(value: Any) -> Any:
    return value[:LONGEST_SHOWN] + "…" if isinstance(value, str) and len(value) > LONGEST_SHOWN else value


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, item)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for item in value:
            yield from _leaves(f"{path}[{item.get('id', item.get('line'))}]", item)
    else:
        yield path, value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")
