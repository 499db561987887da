"""A million facts in the outbox: the relay drains them without growing, and requests hardly notice.

The service runs as `serve` and `work`, two processes as in docker-compose.yml; 50 drafts a second are posted before and during the drain.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import psutil
from sqlalchemy import text

from bench.ground import Ground
from bench.load import exchange, post
from bench.serving import partners_service
from bench.table import Row
from deploy.embedded.demo.agreements import alliances
from shared.db import Database

FACTS, SUBJECTS = 1_000_000, 20_000
POSTS_A_SECOND, CONNECTIONS, SECONDS = 50, 8, 15.0
LONGEST = 400.0
_COPIED = text("""
INSERT INTO outbox (id, subject, sequence, topic, key, type, headers, payload)
SELECT gen_random_uuid(), 'partner/copy' || n % CAST(:subjects AS int), n / :subjects + 1, topic,
  'partner/copy' || n % :subjects, type,
  (replace(headers::text, '"' || sequence || '"]', '"' || n / :subjects + 1 || '"]'))::json, payload
FROM (SELECT * FROM outbox WHERE topic = 'interurbe.partners' LIMIT 1) AS one,
  generate_series(CAST(:first AS int), CAST(:last AS int)) AS n ORDER BY n
""")


async def measure(made: Ground, kind: str) -> list[Row]:
    """Two rows: how much larger the worker is at the end of the drain than near its beginning, and what POST's p95 becomes."""
    assert made.broker is not None or kind == "postgres"
    kafka = made.broker.bootstrap if made.broker is not None and kind == "kafka" else None
    database = Database(made.cluster.url("partners"))
    async with _running(made, kafka) as (port, worker, request):
        await _posted(port, request, 3.0)
        calm = await _posted(port, request, SECONDS)
        worker.suspend()
        try:
            await _fill(database)
            await asyncio.to_thread(made.cluster.sql, "CHECKPOINT")
        finally:
            worker.resume()
        busy = await _posted(port, request, SECONDS)
        left, began = await _waiting(database), time.monotonic()
        sizes = await _watched(database, worker)
        drained = (FACTS - left) / SECONDS, left / (time.monotonic() - began)
    await database.close()
    assert left, "the backlog was gone before the requests were measured"
    return _rows(kind, sizes, calm, busy, drained)


def _rows(kind: str, sizes: list[float], calm: float, busy: float, drained: tuple[float, float]) -> list[Row]:
    tenth = max(1, len(sizes) // 10)
    early, late = statistics.median(sizes[tenth : 2 * tenth]), statistics.median(sizes[-tenth:])
    what, at = f"a backlog of {FACTS:,} ({kind})", f"at {POSTS_A_SECOND}/s"
    return [
        Row(f"{what}: worker's memory, last tenth of the drain over its second tenth", late / early, 1.05, 1.02,
            f"{early:.0f} MB, then {late:.0f} MB; drained at {drained[1]:,.0f}/s with nobody writing", at_most=True),
        Row(f"{what}: POST p95 while it drains over p95 without", busy / calm, 1.5, 1.2,
            f"{busy * 1000:.1f} ms against {calm * 1000:.1f} ms {at}; drained at {drained[0]:,.0f}/s meanwhile", at_most=True),
    ]  # fmt: skip


@asynccontextmanager
async def _running(made: Ground, kafka: str | None) -> AsyncIterator[tuple[int, psutil.Process, Callable[[], bytes]]]:
    async with partners_service(made, kafka=kafka, modes=("serve", "work")) as (port, told, token, processes):
        draft = alliances(told)[0][1]
        yield port, psutil.Process(processes[1].pid), post("/v1/agreements", draft, token)


async def _posted(port: int, request: Callable[[], bytes], seconds: float) -> float:
    """p95 in seconds of requests that leave at a steady rate, whatever the answers take; waiting for a free connection counts."""
    began, numbers, took = time.perf_counter(), count(), []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (due := next(numbers) / POSTS_A_SECOND) < seconds:
            await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
            status, body = await exchange(reader, writer, request())
            assert status == 201, json.loads(body)
            took.append(time.perf_counter() - began - due)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return sorted(took)[int(len(took) * 0.95)]


async def _fill(database: Database) -> None:
    """The backlog, 50,000 to a statement; and PostgreSQL's own work over before anything is measured."""
    for first in range(0, FACTS, 50_000):
        async with database.engine.begin() as connection:
            await connection.execute(_COPIED, {"subjects": SUBJECTS, "first": first, "last": first + 49_999})
    async with database.reader() as reader:
        await reader.exec_driver_sql("VACUUM ANALYZE outbox")


async def _watched(database: Database, worker: psutil.Process) -> list[float]:
    """Resident memory in MB, five times a second until nothing waits."""
    sizes: list[float] = []
    async with asyncio.timeout(LONGEST):
        while True:
            sizes += [await _resident(worker) for _ in range(10)]
            if await _nothing_waits(database):
                return sizes


async def _resident(worker: psutil.Process) -> float:
    await asyncio.sleep(0.2)
    return float(worker.memory_info().rss) / 1e6


async def _waiting(database: Database) -> int:
    async with database.reader() as reader:
        return int((await reader.execute(text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))).scalar_one())


async def _nothing_waits(database: Database) -> bool:
    async with database.reader() as reader:
        found = await reader.execute(text("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"))
        return found.first() is None
