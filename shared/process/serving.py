"""HTTP in this process: uvicorn inside our own event loop, stopped by us and never by its own signal handlers."""

import asyncio
import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.settings_errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

FINISH_SECONDS = 18
"""How long requests in flight may take to finish after a stop was asked for."""

KEEP_ALIVE_SECONDS = 65
"""Longer than the 60 s after which usual proxies close an idle connection, so that they are the ones who do."""

HEAD_SECONDS = 20.0
"""How long the head of a request may take to come, from its first byte, or from the connection for the first one."""

MOST_FILES = 65_536
"""Connections and files at a time, where the system lets us have so many: shells and supervisors begin with 1,024."""


def bind(host: str, port: int, variable: str) -> socket.socket:
    """A listening address, taken before anything else is started; raises SettingsError naming `variable` when it is not free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.set_inheritable(False)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError([(variable, f"is {port}, but another program listens on {host}:{port}", "a free port")]) from None
        raise SettingsError([("INTERURBE_HOST", f"is {host}: {error.strerror or error}", "an address of this machine")]) from None
    return listening


def allow_many_connections() -> None:
    """Raise the soft limit of open files, so that a thousand idle clients do not keep the next one out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Connection(HttpToolsProtocol):
    """One that is closed when the head of a request does not come in time; uvicorn waits for ever, also for one byte after another."""

    _in_head = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_head = False
        self._await_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head != (self._deadline is not None):
            self._await_head()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up) if self._in_head else None

    def _give_up(self) -> None:
        if getattr(self.cycle, "response_complete", True):
            self.timeout_keep_alive_handler()
        else:  # the request before it is still being worked on
            self._await_head()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's business."""
        yield


class Serving:
    """An ASGI application on a bound socket: `run` until `stop`, which lets requests in flight finish."""

    def __init__(self, app: "Callable[..., Any]", listening: socket.socket) -> None:
        self._listening = listening
        config = uvicorn.Config(
            app,
            loop="none",
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=FINISH_SECONDS,
        )
        self._server = _Server(config)

    async def run(self) -> None:
        """Serve until `stop`; then return when the last answer has left, or FINISH_SECONDS later."""
        await self._server.serve(sockets=[self._listening])

    def stop(self) -> None:
        """Take no new connection, and end `run`."""
        self._server.should_exit = True
