"""A service's process from start to end: `run` serves and works, `serve` only answers, `work` only relays, consumes and acts on time.

It starts although the database or the bus is away, and says so on /readyz. SIGTERM or SIGINT ends it: no new connection,
requests in flight finish, loops end after their step, telemetry is flushed; a second signal, or 28 s, end it at once.
"""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Awaitable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
import uvloop

from shared.http import IdempotencyCleanup, probe_app
from shared.process.collecting import settle
from shared.process.keeping import Keeper
from shared.process.opening import runtime_of
from shared.process.serving import FINISH_SECONDS, Serving, allow_many_connections, bind
from shared.process.topics import Topics
from shared.process.wakes import Listening, NotifyWake
from shared.telemetry import Telemetry
from shared.upkeep import Upkeep

if TYPE_CHECKING:
    from shared.process.runtime import Runtime, Service
    from shared.settings import Settings

LOOP_SECONDS = 4.0
CLOSE_SECONDS = 2.0
LAST_SECONDS = 28.0
"""After this the process ends whatever still hangs; supervisors kill after 30 s."""

_log = structlog.get_logger("interurbe.process")


class Mode(StrEnum):
    """What a process does."""

    RUN = "run"
    SERVE = "serve"
    WORK = "work"


def live(service: "Service", settings: "Settings", mode: Mode) -> int:
    """Be the process until it is told to stop; the exit code. Raises SettingsError when the settings cannot work."""
    settings.bus_named()
    allow_many_connections()
    listening = _bound(settings, mode)
    telemetry = Telemetry(service.name, settings).install()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Process(service, settings, mode, telemetry).live(listening))


def _bound(settings: "Settings", mode: Mode) -> socket.socket:
    if mode is Mode.WORK:
        return bind(settings.host, settings.worker_port, "INTERURBE_WORKER_PORT")
    return bind(settings.host, settings.port, "INTERURBE_PORT")


class _Process:
    def __init__(self, service: "Service", settings: "Settings", mode: Mode, telemetry: Telemetry) -> None:
        self._service, self._settings, self._mode = service, settings, mode
        self._telemetry = telemetry
        self._runtime = runtime_of(service, settings, telemetry)
        self._asked = asyncio.Event()
        self._failed = False

    async def live(self, listening: socket.socket) -> int:
        asyncio.get_running_loop().set_exception_handler(_unhandled)
        self._heed_signals()
        self._furnish()
        serving = Serving(self._app(), listening)
        keeper = Keeper(self._runtime.loops)
        await _bounded("bus", self._runtime.bus.start(), CLOSE_SECONDS)
        keeper.start()
        http = asyncio.create_task(serving.run(), name="http")
        http.add_done_callback(self._http_ended)
        address = "{}:{}".format(*listening.getsockname()[:2])
        _log.info("started", mode=self._mode.value, address=address, loops=[loop.name for loop in self._runtime.loops], pid=os.getpid())
        settle()
        await self._asked.wait()
        await self._end(serving, http, keeper)
        return 1 if self._failed else 0

    def _furnish(self) -> None:
        """Give the runtime its waker and its loops."""
        runtime = self._runtime
        runtime.loops.append(Upkeep(runtime.database, runtime.bus, self._telemetry))
        if self._mode is not Mode.WORK:
            runtime.loops.append(IdempotencyCleanup(runtime.database))
        if self._mode is Mode.SERVE:
            notify = NotifyWake(runtime.database)
            notify.start()
            runtime.wake = notify
            runtime.closing.append(notify.close)
            return
        relay = _relay(runtime)
        runtime.wake = relay.wake
        runtime.loops.extend([Topics(runtime.bus, self._service.topics, runtime.database), relay])
        if self._mode is Mode.WORK:
            runtime.loops.append(Listening(runtime.database, relay.wake))
        runtime.loops.extend(self._service.loops(runtime))

    def _app(self) -> Any:
        if self._mode is not Mode.WORK:
            return self._service.app(self._runtime)
        return probe_app(self._runtime)

    def _heed_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop, number)

    def _stop(self, number: signal.Signals) -> None:
        if self._asked.is_set():
            _log.warning("told to stop a second time: ending at once", signal=number.name)
            os._exit(1)
        _log.info("told to stop", signal=number.name)
        self._asked.set()

    def _http_ended(self, http: asyncio.Task[None]) -> None:
        if not self._asked.is_set():
            self._failed = True
            _log.error("the server ended unasked", exc_info=None if http.cancelled() else http.exception())
            self._asked.set()

    async def _end(self, serving: Serving, http: asyncio.Task[None], keeper: Keeper) -> None:
        last = threading.Timer(LAST_SECONDS, _give_up)
        last.daemon = True
        last.start()
        serving.stop()
        await asyncio.wait({http}, timeout=FINISH_SECONDS + 1.0)
        late = await keeper.stop(LOOP_SECONDS)
        if late:
            _log.warning("loops did not end in time and were cancelled", loops=late)
        for close in self._runtime.closing:
            await _bounded("closing", close(), CLOSE_SECONDS / 2)
        await _bounded("bus", self._runtime.bus.close(), CLOSE_SECONDS)
        await _bounded("database", self._runtime.database.close(), CLOSE_SECONDS / 2)
        await asyncio.to_thread(self._telemetry.close, CLOSE_SECONDS)
        await self._sweep()
        _log.info("stopped")
        last.cancel()

    async def _sweep(self) -> None:
        """Cancel what is left. What does not let itself be cancelled would hold the end up for ever, so it does not get the chance."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=CLOSE_SECONDS / 2) if tasks else (set(), set())
        if left:
            _log.warning("ended although something hangs", tasks=sorted(task.get_name() for task in left))
            os._exit(1 if self._failed else 0)


def _relay(runtime: "Runtime") -> Any:
    from shared.relay import Relay  # noqa: PLC0415 - a process that only serves has none

    lease, deadline = runtime.settings.relay_lease_seconds, runtime.settings.relay_deadline_seconds
    return Relay(runtime.database, runtime.bus, runtime.telemetry, lease_seconds=lease, deadline_seconds=deadline)


async def _bounded(what: str, doing: Awaitable[None], seconds: float) -> None:
    """Do it, but never wait longer than `seconds`, nor fail because of it: a process starts and ends all the same."""
    task = asyncio.ensure_future(doing)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        _log.warning("took too long and was left behind", what=what, seconds=seconds)
    elif not task.cancelled() and task.exception() is not None:
        _log.warning("failed", what=what, error=repr(task.exception()))


def _unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _log.error("an error nobody awaited", about=context.get("message"), exc_info=context.get("exception"))


def _give_up() -> None:
    _log.error("did not end in time and is ended now", seconds=LAST_SECONDS)
    os._exit(1)
