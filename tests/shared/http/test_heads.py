"""HEAD on a real connection: what GET would answer, without a body, on a connection that stays, and no word in the log."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from shared.process.serving import Serving
from tests.shared.http.conftest import World

PATHS = (
    *("/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/problems", "/problems/stale", "/page", "/link/secret", "/stream"),
    *("/v1/boxes", "/v1/boxes/1", "/v1/boxes/2", "/v1/boxes/x", "/v1/nothing"),
)
CHANGING = ("x-trace-id", "date", "content-length", "transfer-encoding")
"""What two answers to the same request may tell differently; the length is compared where it is the same page."""


@dataclass
class Line:
    """One connection, on which requests follow each other."""

    world: World
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, method: str, path: str) -> tuple[int, dict[str, str]]:
        """The status and the headers of the answer, with its body (that only GET has) read away."""
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: shelf\r\nAuthorization: Bearer {self.world.token}\r\n\r\n".encode())
        async with asyncio.timeout(60):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            if method == "GET" and "content-length" in headers:
                await self.reader.readexactly(int(headers["content-length"]))
            elif method == "GET":
                await self.reader.readuntil(b"0\r\n\r\n")
        return int(first.split()[1]), headers


async def _stream(_request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one, ", b"two, ", b"three"):
            yield piece

    return StreamingResponse(pieces(), media_type="text/csv")


@pytest.fixture
async def line(world: World) -> AsyncIterator[Line]:
    """A connection to a shelf with one box, that listens on a port of its own."""
    world.app.router.routes.append(Route("/stream", _stream))
    await world.send("POST", "/v1/boxes", json={"label": "x"})
    listening = socket.create_server(("127.0.0.1", 0))
    serving = Serving(world.app, listening)
    running = asyncio.create_task(serving.run())
    made = Line(world, *await asyncio.open_connection("127.0.0.1", listening.getsockname()[1]))
    yield made
    made.writer.close()
    serving.stop()
    await running


async def test_head_is_get_without_a_body_on_one_connection(
    line: Line, caplog: pytest.LogCaptureFixture, logged: list[MutableMapping[str, Any]]
) -> None:
    for path in PATHS:
        status, headers = await line.ask("HEAD", path)
        got, same = await line.ask("GET", path)
        assert (path, status) == (path, got)
        assert {name: value for name, value in headers.items() if name not in CHANGING} == {
            name: value for name, value in same.items() if name not in CHANGING
        }
        assert ("content-length" in headers) == ("content-length" in same), path
    assert not line.reader.at_eof()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert [entry for entry in logged if entry["log_level"] == "error"] == []


async def test_the_metrics_tell_head_from_get(line: Line) -> None:
    await line.ask("HEAD", "/page")
    numbers = line.world.runtime.telemetry.metrics.text().decode()
    assert 'method="HEAD",route="/page",status="200"' in numbers
