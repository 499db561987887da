"""What runs beside the requests: loops that do what is due, sleep until they are woken, and never die in silence."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Protocol

import structlog

_log = structlog.get_logger("interurbe.loop")

LONGEST_PAUSE = 5.0
"""Seconds a loop waits at the most after failing again and again: what it waits for may be back long before."""


class Wake:
    """A signal between whoever changed something and the loop that acts on it; signals while awake are not lost."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.rung_at = float("-inf")
        """When it was last set, by `time.monotonic`."""

    def set(self) -> None:
        """Wake whoever waits, now or next."""
        self.rung_at = time.monotonic()
        self._event.set()

    async def wait(self, timeout: float) -> None:
        """Return when woken, or after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()


class Loop(Protocol):
    """Work that is done in steps, each complete in itself."""

    name: str
    poll_seconds: float
    wake: Wake

    async def step(self) -> int:
        """Do what can be done now; how many things were done, 0 when there was nothing."""

    def trouble(self) -> str | None:
        """None when healthy, else what is wrong, in words for an operator."""

    async def close(self) -> None:
        """Let go of connections and leases."""


async def run_loop(loop: Loop, stop: asyncio.Event) -> None:
    """Step until there is nothing to do, wait, and go on until ``stop``; a step that fails is logged and tried again later."""
    failures = 0
    try:
        while not stop.is_set():
            try:
                done = await loop.step()
                failures = 0
            except Exception as error:  # noqa: BLE001 - the one place that keeps a loop alive whatever a step meets
                failures += 1
                trace = {"exc_info": True} if failures == 1 else {}
                _log.error("step failed", loop=loop.name, failures=failures, error=repr(error)[:500], **trace)
                done = 0
            if done == 0 and not stop.is_set():
                await _pause(loop, stop, failures)
    finally:
        await loop.close()


async def _pause(loop: Loop, stop: asyncio.Event, failures: int) -> None:
    if failures:
        await _until(stop, min(LONGEST_PAUSE, 0.1 * 2**failures) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        return
    woken = asyncio.ensure_future(loop.wake.wait(loop.poll_seconds))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({woken, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        woken.cancel()
        stopped.cancel()


async def _until(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
