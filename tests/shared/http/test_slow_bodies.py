"""Bodies that do not end, do not come, or come drop by drop, on a real connection."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.db import new_id
from shared.http.limits import Limits
from shared.process.serving import Serving
from tests.fixtures import tally
from tests.shared.http.conftest import World, close_world, make_tables, make_world

PATIENT, IMPATIENT = Limits(body=100_000), Limits(pause=0.3, body_seconds=0.8, body=100_000)


@dataclass
class Wire:
    """A connection to a shelf that listens, on which bytes are written by hand."""

    world: World
    port: int

    async def open(self, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which the head of a POST was sent."""
        tally.one_more()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = ["POST /v1/boxes HTTP/1.1", "Host: shelf", f"Authorization: Bearer {self.world.token}", f"Idempotency-Key: {new_id()}"]
        writer.write("\r\n".join([*head, "Content-Type: application/json", *headers, "", ""]).encode())
        return reader, writer


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """The status and the document of the answer."""
    async with asyncio.timeout(60):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split()[1]), json.loads(await reader.readexactly(length))


@pytest.fixture
async def wire(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[Wire]:
    """A shelf that listens on a port of its own; impatient only where that is what is shown, so that a busy machine fails no other."""
    world = make_world(database_url, tmp_path, limits=getattr(request, "param", PATIENT))
    await make_tables(world.runtime.database)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = Serving(world.app, listening)
    running = asyncio.create_task(serving.run())
    yield Wire(world, listening.getsockname()[1])
    serving.stop()
    await running
    await close_world(world)


async def test_a_body_without_end_is_refused(wire: Wire) -> None:
    reader, writer = await wire.open("Transfer-Encoding: chunked")
    answered = asyncio.create_task(answer_of(reader))
    while not (await asyncio.wait({answered}, timeout=0.001))[0]:  # lets the answer be read between two pieces
        writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
        try:
            await writer.drain()
        except ConnectionError:
            break
    status, problem = await answered
    assert (status, problem["code"], problem["limit"]) == (413, "too-large", 100_000)
    writer.close()


async def test_a_body_that_was_announced_too_large_is_refused_before_it_comes(wire: Wire) -> None:
    reader, writer = await wire.open("Content-Length: 999999999", "Expect: 100-continue")
    assert (await answer_of(reader))[0] == 413
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("wire", [IMPATIENT], indirect=True, ids=["impatient"])
async def test_a_body_that_stops_is_not_waited_for(wire: Wire) -> None:
    reader, writer = await wire.open("Content-Length: 100")
    writer.write(b'{"label": "x')
    status, problem = await answer_of(reader)
    assert (status, problem["code"]) == (408, "slow-body")
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("wire", [IMPATIENT], indirect=True, ids=["impatient"])
async def test_a_body_drop_by_drop_has_its_time_too(wire: Wire) -> None:
    reader, writer = await wire.open("Content-Length: 10000")
    answered = asyncio.create_task(answer_of(reader))
    while not (await asyncio.wait({answered}, timeout=0.05))[0]:
        writer.write(b" ")
    assert answered.result()[0] == 408
    writer.close()


async def test_a_client_that_hangs_up_changes_nothing(wire: Wire) -> None:
    _, writer = await wire.open("Content-Length: 100")
    writer.write(b'{"label": "x"}')
    writer.close()
    await writer.wait_closed()
    reader, writer = await wire.open("Content-Length: 14")
    writer.write(b'{"label": "y"}')
    assert (await answer_of(reader))[0] == 201
    assert await wire.world.count() == 1
    writer.close()


async def test_pieces_of_a_body_are_put_together(wire: Wire) -> None:
    reader, writer = await wire.open("Transfer-Encoding: chunked")
    for piece in (b'{"la', b'bel": "', "ñ".encode()[:1], "ñ".encode()[1:], b'"}'):
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    status, box = await answer_of(reader)
    assert (status, box["label"]) == (201, "ñ")
    writer.close()
