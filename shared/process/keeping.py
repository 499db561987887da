"""The loops of a process as tasks that are never silently gone: one that ends without being asked to is logged and started again."""

import asyncio
from collections.abc import Sequence

import structlog

from shared.loop import Loop, run_loop

AGAIN_SECONDS = 1.0

_log = structlog.get_logger("interurbe.process")


class Keeper:
    """Runs `loops` until `stop`."""

    def __init__(self, loops: Sequence[Loop]) -> None:
        self._loops = loops
        self._stop = asyncio.Event()
        self._watching: list[asyncio.Task[None]] = []
        self._working: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Start every loop, each watched by a task of its own."""
        self._watching = [asyncio.create_task(self._watch(loop), name=f"watch {loop.name}") for loop in self._loops]

    async def _watch(self, loop: Loop) -> None:
        while not self._stop.is_set():
            work = self._working[loop.name] = asyncio.create_task(run_loop(loop, self._stop), name=loop.name)
            await asyncio.wait({work})
            if self._stop.is_set():
                return
            failure = None if work.cancelled() else work.exception()
            _log.error("a loop ended unasked and is started again", loop=loop.name, cancelled=work.cancelled(), exc_info=failure)
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(AGAIN_SECONDS):
                await self._stop.wait()
        except TimeoutError:
            return

    async def stop(self, patience: float) -> list[str]:
        """Ask every loop to end after its current step; the names of those that had to be cancelled after `patience` seconds."""
        self._stop.set()
        for loop in self._loops:
            loop.wake.set()
        tasks = {name: task for name, task in self._working.items() if not task.done()}
        if not tasks:
            return []
        _, late = await asyncio.wait(tasks.values(), timeout=patience)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.0)
        return sorted(name for name, task in tasks.items() if task in late)
