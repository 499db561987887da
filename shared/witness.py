"""What the edge tells of a change that is about to be committed, to whoever keeps a record of who did what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from shared.auth import Caller


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to what: ``action`` is the method and the route's template, ``params`` fills it, ``location`` is what came of it."""

    caller: Caller
    action: str
    outcome: str
    params: Mapping[str, str] = field(default_factory=dict)
    location: str | None = None


Witness = Callable[[Session, Deed], None]
"""Writes a deed into the transaction of the change itself: both are committed, or neither."""
