"""From the owner's commit to the neighbour's view, at a steady 200 facts a second."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase

from bench.ground import Ground, bus_of, database_of, profile, runtime
from bench.table import Row, percentiles
from services.initiatives.models import Model
from shared.db import Database
from shared.events import Event, PartnerRegistered, Visibility
from shared.loop import run_loop
from shared.outbox import Aggregate, Reach, record
from shared.relay import Relay

RATE, SECONDS, WRITERS = 200, 20, 8


class Own(DeclarativeBase):
    """The benchmark's own tables."""


class City(Aggregate, Own):
    """A city that registers itself."""

    __tablename__ = "bench_city"
    SUBJECT = "partner"

    def reach(self, fact: Event) -> Reach:
        """Anyone may know."""
        return Reach(Visibility.PUBLIC)


async def measure(made: Ground, kind: str) -> list[Row]:
    """Two rows: p50 and p99 in milliseconds. Owner and neighbour are processes of their own, as in the product."""
    async with (
        database_of(made, "partners", Own.metadata) as owner,
        database_of(made, "initiatives", Model.metadata) as views,
        bus_of(made, kind) as bus,
    ):
        stop = asyncio.Event()
        relay = Relay(owner, bus, runtime(made.directory, owner, bus).telemetry)
        loop = asyncio.create_task(run_loop(relay, stop))
        neighbour = await _neighbour(made, kind)
        await _write(owner, relay, 1)
        await _all_seen(views, RATE)
        committed = await _write(owner, relay, SECONDS)
        await _all_seen(views, RATE * (SECONDS + 1))
        told, _ = await neighbour.communicate(b"")
        stop.set()
        await loop
    seen = json.loads(told)
    p50, p99 = percentiles([seen[city] - at for city, at in committed.items()])
    what = f"commit → neighbour's view, {RATE}/s for {SECONDS} s ({kind})"
    detail = f"{len(committed):,} facts"
    return [
        Row(f"{what}, p50", p50, 15, 10, detail, at_most=True, unit=" ms"),
        Row(f"{what}, p99", p99, 100, 50, detail, at_most=True, unit=" ms"),
    ]


async def _neighbour(made: Ground, kind: str) -> asyncio.subprocess.Process:
    address = made.broker.bootstrap if made.broker is not None and kind == "kafka" else made.cluster.url("log", "log")
    command = (
        sys.executable,
        "-m",
        "bench.neighbour",
        kind,
        address,
        made.cluster.url("initiatives", "initiatives"),
        str(made.directory),
    )
    started = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=64 * 1024 * 1024
    )
    assert started.stdout is not None
    await started.stdout.readline()
    return started


async def _write(owner: Database, relay: Relay, seconds: int) -> dict[str, float]:
    """When each city was committed."""
    began = time.perf_counter()
    committed: dict[str, float] = {}

    async def writer(place: int) -> None:
        for number in range(place, RATE * seconds, WRITERS):
            wait = began + number / RATE - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            committed[await _commit(owner, relay, number)] = time.monotonic()

    await asyncio.gather(*(writer(place) for place in range(WRITERS)))
    return committed


async def _commit(owner: Database, relay: Relay, number: int) -> str:
    async with owner.session() as session:
        city = City()
        await record(session, city, PartnerRegistered(partner=city.id, profile=profile(number)), now=datetime.now(UTC))
        await session.commit()
        relay.wake.set()
    return city.id


async def _all_seen(views: Database, cities: int) -> None:
    for _ in range(300):
        async with views.session() as session:
            if await session.scalar(text("SELECT count(*) FROM known_partner")) >= cities:
                return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"the neighbour did not see {cities} cities within 30 s")
