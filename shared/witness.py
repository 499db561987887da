"""What the edge tells of a change that is about to be committed, to whoever keeps a record of who did what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.auth import Caller


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to what: ``action`` is the method and the route's template, ``params`` fills it, ``location`` is what came of it."""

    caller: Caller
    action: str
    outcome: str
    params: Mapping[str, str] = field(default_factory=dict)
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One INSERT with ``$1`` …, and its values: the edge adds it to the change's transaction, in a statement it sends anyway."""

    statement: str
    values: tuple[Any, ...]


Witness = Callable[[Deed], Line]
"""Says how a deed is written down: both it and the change are committed, or neither."""
