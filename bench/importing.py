"""Partners by the file against partners one by one over HTTP, and what a file of 50,000 rows takes of memory."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

import psutil

from bench.ground import Ground
from bench.load import exchange, get, post
from bench.registry import _profile
from bench.serving import partners_service
from bench.table import Pair, Row
from services.partners.importing.columns import told_in_cells
from services.partners.importing.models import MOST_ROWS

ROWS, CLIENTS = 500, 8


@dataclass(slots=True)
class Service:
    """The partners service in one process, and who asks it."""

    port: int
    token: str
    profiles: Iterator[dict[str, object]]

    async def told(self, request: Callable[[], bytes], expected: int) -> dict[str, object]:
        """What it answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        status, body = await exchange(reader, writer, request())
        writer.close()
        assert status == expected, body
        return dict(json.loads(body))

    async def sent(self, content: bytes, more: str = "") -> str:
        """Send a file; its import."""
        head = f"POST /v1/partners/import?force=true{more} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n"
        head += f"Content-Type: text/csv\r\nIdempotency-Key: {uuid4()}\r\nContent-Length: {len(content)}\r\n\r\n"
        return str((await self.told(lambda: head.encode() + content, 202))["id"])

    async def by_file(self) -> float:
        """Rows per second from sending the file until all is done."""
        content, began = table(list(islice(self.profiles, ROWS))), time.perf_counter()
        importing = await self.sent(content)
        while (told := await self.told(get(f"/v1/imports/{importing}", self.token), 200))["state"] != "finished":  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
        assert told["registered"] == ROWS, told
        return ROWS / (time.perf_counter() - began)

    async def one_by_one(self) -> float:
        """Partners per second registered by eight clients, a request for each."""
        waiting = [post("/v1/partners", profile | {"force": True}, self.token) for profile in islice(self.profiles, ROWS)]
        began = time.perf_counter()

        async def client() -> None:
            while waiting:
                await self.told(waiting.pop(), 201)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return ROWS / (time.perf_counter() - began)


async def measure(made: Ground) -> list[Row]:
    """Two rows: how much faster a file is, and how much memory the largest one takes while it is received."""
    async with partners_service(made, modes=("run",)) as (port, _, token, (process,)):
        chance = random.Random(11)
        service = Service(port, token, iter(lambda: told(chance), {}))
        ratio, rates = await Pair(service.by_file, service.one_by_one).ratio()
        held = psutil.Process(process.pid)
        before, began = held.memory_info().rss, time.perf_counter()
        await service.sent(table([told(chance) for _ in range(1_000)] * (MOST_ROWS // 1_000)), "&dry_run=true")
        grown, took = (held.memory_info().rss - before) / 1e6, time.perf_counter() - began
    detail = f"stored in {took:.1f} s; {before / 1e6:.0f} MB before"
    return [
        Row("partners by the file, against POST by 8 clients", ratio, 1.0, 3.0, rates),
        Row("memory that a file of 50,000 rows adds", grown, 40, 20, detail, at_most=True, unit=" MB"),
    ]


def told(chance: random.Random) -> dict[str, object]:
    """What a partner says of itself."""
    return {name: value for name, value in _profile(chance).said().items() if value}


def table(partners: list[dict[str, object]]) -> bytes:
    """A CSV file of them."""
    rows = [{name: cells[0] for name, cells in told_in_cells(partner).items()} for partner in partners]
    text = io.StringIO()
    writer = csv.DictWriter(text, sorted({name for row in rows for name in row}))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
