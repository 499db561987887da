"""HTTP in this process: uvicorn inside our own event loop, stopped by us and never by its own signal handlers."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from shared.settings_errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

FINISH_SECONDS = 18
"""How long requests in flight may take to finish after a stop was asked for."""

KEEP_ALIVE_SECONDS = 65
"""Longer than the 60 s after which usual proxies close an idle connection, so that they are the ones who do."""


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
            http="httptools",
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
