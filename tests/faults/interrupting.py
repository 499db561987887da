"""Cancelling work at each place where it waits, one after another: what a stop, a deadline or a lost connection may do at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class UpTo:
    """The work, awaited up to the `at`-th time it waits: there its task is cancelled. `cancelled` says whether it came to that."""

    def __init__(self, work: Coroutine[Any, Any, object], at: int) -> None:
        self._work, self._at = work, at
        self._waits = 0

    @property
    def cancelled(self) -> bool:
        """Whether the work waited so many times."""
        return self._waits >= self._at

    def __await__(self) -> Generator[Any, None, None]:
        thrown: BaseException | None = None
        while True:
            try:
                waits_for = self._work.send(None) if thrown is None else self._work.throw(thrown)
            except StopIteration:
                return
            self._count()
            thrown = None
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation above all: it is the work's
                thrown = error

    def _count(self) -> None:
        self._waits += 1
        if self._waits == self._at:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()


async def interrupted(work: Coroutine[Any, Any, object], at: int) -> bool:
    """Whether the work was cancelled where it waited for the `at`-th time; it must end by that, and not go on as if nothing was."""

    async def alone() -> None:
        await part

    part = UpTo(work, at)
    task = asyncio.create_task(alone())
    await asyncio.wait([task])
    if task.cancelled():
        return True
    task.result()
    assert not part.cancelled, f"the cancellation at wait {at} was swallowed"
    return False
