"""What may happen to a published version: optional fields may be added, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

WORDING = {"title", "description", "examples", "$schema", "$id"}
"""Keywords that say something to people and nothing to a validator."""


def breaks(frozen: Schema, current: Schema) -> list[str]:
    """Everything in which `current` is no longer the `frozen` version, each with its place; empty when compatible."""
    return list(_differences(frozen, current, "data"))


def _differences(frozen: Any, current: Any, place: str) -> Iterator[str]:
    if isinstance(frozen, Mapping) and isinstance(current, Mapping):
        for keyword in sorted((set(frozen) | set(current)) - WORDING):
            yield from _keyword(keyword, frozen.get(keyword), current.get(keyword), place)
    elif frozen != current:
        yield f"{place}: was {frozen!r}, is {current!r}"


def _keyword(keyword: str, frozen: Any, current: Any, place: str) -> Iterator[str]:
    match keyword:
        case "properties" | "$defs":
            # A new property is an optional field unless "required" names it, and then that keyword differs.
            for name, old in (frozen or {}).items():
                if name not in (current or {}):
                    yield f"{place}: {name!r} is gone"
                else:
                    yield from _differences(old, current[name], f"{place}/{name}")
        case "required":
            if set(frozen or ()) != set(current or ()):
                yield f"{place}: required was {sorted(frozen or ())}, is {sorted(current or ())}"
        case _:
            yield from _differences(frozen, current, f"{place}.{keyword}")
