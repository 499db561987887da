"""A load of keep-alive connections on plain sockets, so that the client costs as little as a Python client can."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

CLIENTS = 32


@dataclass(slots=True)
class Outcome:
    """What came back: how many a second, and how many of each status."""

    rate: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    last: bytes = b""


async def drive(port: int, request: Callable[[], bytes], seconds: float = 4.0) -> Outcome:
    """Send requests from 32 connections for so many seconds."""
    outcome, stop = Outcome(), time.perf_counter() + seconds
    began = time.perf_counter()
    await asyncio.gather(*(_connection(port, request, stop, outcome) for _ in range(CLIENTS)))
    outcome.rate = sum(outcome.statuses.values()) / (time.perf_counter() - began)
    return outcome


async def _connection(port: int, request: Callable[[], bytes], stop: float, outcome: Outcome) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < stop:
        status, outcome.last = await exchange(reader, writer, request())
        outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
    writer.close()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    """Send one request and read its answer: status and body."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    place = head.lower().index(b"content-length:")
    body = await reader.readexactly(int(head[place + 15 : head.index(b"\r\n", place)]))
    return int(head[9:12]), body


def post(path: str, body: dict[str, Any], token: str) -> Callable[[], bytes]:
    """POST requests with an Idempotency-Key of their own."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
    return lambda: f"{head}Idempotency-Key: {uuid4()}\r\n\r\n".encode() + raw


def get(path: str, token: str) -> Callable[[], bytes]:
    """GET requests."""
    raw = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    return lambda: raw
