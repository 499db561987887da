"""How a room says what it does when something happened elsewhere: one function per fact, and a dictionary of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import Envelope, Event

Handler = Callable[[AsyncSession, Envelope], Awaitable[None]]
"""Acts on one fact; touches its session and nothing else."""

BatchHandler = Callable[[AsyncSession, list[Envelope]], Awaitable[None]]
"""Acts on many facts of one type, each of another subject."""

Handlers = Mapping[type[Event], Handler | BatchHandler]

_Batch = TypeVar("_Batch", bound=BatchHandler)


def whole_batch(handler: _Batch) -> _Batch:
    """Mark a handler that takes a list of facts at once: of one type, at most one of each subject, in any order across subjects."""
    handler.whole_batch = True  # type: ignore[attr-defined]  # a mark on a function, read by takes_batches
    return handler


def takes_batches(handler: Handler | BatchHandler) -> bool:
    """Whether the handler was marked with `whole_batch`."""
    return getattr(handler, "whole_batch", False)
