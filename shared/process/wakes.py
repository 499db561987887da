"""A commit in one process wakes the relay in another: NOTIFY after the commit, from a connection of its own.

Never inside the business transaction, where a NOTIFY takes a lock on the whole database at commit. A notification may be
lost; the relay's poll behind it finds the row all the same.
"""

import asyncio
from typing import Any

import asyncpg
import structlog

from shared.db import Database
from shared.loop import Wake

CHANNEL = "interurbe_outbox"
PAUSE_SECONDS = 0.005
PATIENCE_SECONDS = 5.0

_log = structlog.get_logger("interurbe.process")
_TROUBLES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class NotifyWake:
    """The waker of a process that only serves: at most one NOTIFY per `PAUSE_SECONDS`, whatever the number of commits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked = asyncio.Event()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._task: asyncio.Task[None] | None = None

    def set(self) -> None:
        """Note that there is something to relay."""
        self._asked.set()

    def start(self) -> None:
        """Begin to pass it on."""
        self._task = asyncio.create_task(self._run(), name="notify")

    async def _run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._notify()
            except asyncio.CancelledError:
                self._asked.set()  # nobody knows whether it was heard
                raise
            except _TROUBLES as error:
                _log.warning("the relay could not be woken and will find out by itself", error=f"{type(error).__name__}: {error}")
                self._drop()
                await asyncio.sleep(PATIENCE_SECONDS)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _notify(self) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.raw()
        await self._connection.execute(f"NOTIFY {CHANNEL}", timeout=PATIENCE_SECONDS)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Pass on what was noted last, and let go of the connection."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=PATIENCE_SECONDS)  # the connection is its own until then
        try:
            if self._asked.is_set():
                await self._notify()
        except _TROUBLES as error:
            _log.info("the relay was not woken once more", error=f"{type(error).__name__}: {error}")
        finally:
            self._drop()


class Listening:
    """The other end, in the process that works: hears the NOTIFY and wakes the relay."""

    name = "wake-up"
    poll_seconds = 10.0

    def __init__(self, database: Database, relay: Wake) -> None:
        self.wake = Wake()
        self._database = database
        self._relay = relay
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def step(self) -> int:
        """Listen, or make sure that the connection still lives: a dead network says nothing by itself."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._database.raw()
                self._connection.add_termination_listener(self._lost)
                await self._connection.add_listener(CHANNEL, self._heard)
                self._relay.set()
            await self._connection.execute("SELECT 1", timeout=PATIENCE_SECONDS)
        except _TROUBLES:
            self._drop()
            raise
        return 0

    def _heard(self, *_what: Any) -> None:
        self._relay.set()

    def _lost(self, _connection: Any) -> None:
        self.wake.set()

    def trouble(self) -> str | None:
        """Never any: the relay polls as well."""
        return None

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.remove_termination_listener(self._lost)
            connection.terminate()

    async def close(self) -> None:
        """Let go of the connection."""
        self._drop()
