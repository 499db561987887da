"""A proxy between two programs that does to their connection what networks do: delay, swallow, reset, refuse, cut off an answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)

Match = Callable[[bytes], bool]


class Link:
    """One connection through the proxy: the client's half and the server's."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.cut_answer = False

    def reset(self) -> None:
        """Both sides get a RST."""
        for writer in (self.client, self.server):
            found = writer.get_extra_info("socket")
            if found is not None:
                with suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


class FaultProxy:
    """Listens at 127.0.0.1:`port` and hands on to 127.0.0.1:`to`; change its attributes while it runs. Use it in `async with`.

    `latency` (seconds, each way), `black_hole` (bytes vanish, connections stay), `refusing` (new connections are reset) and
    `trickle` (bytes at a time towards the client, each after `latency`) hold until changed. `cut(match)` loses the answer to
    the next request that matches, and resets that connection; with `every=n` to each n-th. `requests`, `cuts`, `accepted`
    count; `open` says how many connections there are.
    """

    def __init__(self, to: int, *, port: int = 0) -> None:
        self.to, self.port = to, port
        self.latency, self.trickle = 0.0, 0
        self.black_hole = self.refusing = False
        self.requests = self.cuts = self.accepted = 0
        self.noticed = asyncio.Event()
        self._match: Match | None = None
        self._every, self._left = 1, 0
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def open(self) -> int:
        """Connections now."""
        return len(self._links)

    def cut(self, match: Match, *, times: int = 1, every: int = 1) -> None:
        """Lose the answers to requests that match: each `every`-th, `times` times."""
        self._match, self._left, self._every = match, times, every

    def reset(self) -> None:
        """Cut every connection with a RST."""
        for link in list(self._links):
            link.reset()

    def down(self) -> None:
        """As a server that is not there: connections are reset, new ones refused."""
        self.refusing = True
        self.reset()

    def up(self) -> None:
        """Everything goes through again."""
        self.refusing = self.black_hole = False
        self.latency, self.trickle = 0.0, 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refusing:
            writer.transport.abort()
            return
        try:
            answers, server = await asyncio.open_connection(HOST, self.to)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, server)
        self._links.add(link)
        try:
            halves = [asyncio.ensure_future(self._requests(reader, link)), asyncio.ensure_future(self._answers(answers, link))]
            await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            for half in halves:
                half.cancel()
            await asyncio.gather(*halves, return_exceptions=True)
        finally:
            self._links.discard(link)
            writer.close()
            server.close()

    async def _requests(self, reader: asyncio.StreamReader, link: Link) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._delay()
                if self.black_hole:
                    continue
                if self._match is not None and self._match(data):
                    self._count(link)
                link.server.write(data)
                await link.server.drain()

    def _count(self, link: Link) -> None:
        self.requests += 1
        self.noticed.set()
        if self._left and self.requests % self._every == 0:
            self._left -= 1
            link.cut_answer = True

    async def _answers(self, reader: asyncio.StreamReader, link: Link) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if link.cut_answer:
                    self.cuts += 1
                    link.reset()
                    return
                for start in range(0, len(data), self.trickle or CHUNK):
                    await self._delay()
                    if not self.black_hole:
                        link.client.write(data[start : start + (self.trickle or CHUNK)])
                        await link.client.drain()

    async def _delay(self) -> None:
        if self.latency:
            arrived = asyncio.Event()
            asyncio.get_running_loop().call_later(self.latency, arrived.set)
            await arrived.wait()


def of_kafka(api: int) -> Match:
    """Matches a Kafka request of this kind (0 Produce, 1 Fetch, 8 OffsetCommit, 12 Heartbeat …)."""
    wanted = api.to_bytes(2, "big")
    return lambda data: data[4:6] == wanted


def saying(words: bytes) -> Match:
    """Matches a request with these bytes in it."""
    return lambda data: words in data
