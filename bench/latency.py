"""From the owner's commit to the neighbour's view, at a steady 200 facts a second."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import DeclarativeBase

from bench.ground import Ground, bus_of, database_of, profile, runtime
from bench.table import Row, percentiles
from services.initiatives.directory.handlers import HANDLERS, partner_described
from services.initiatives.models import Model
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope, Event, PartnerRegistered, Visibility
from shared.handling import whole_batch
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


@dataclass(slots=True)
class Clock:
    """When each city was committed, and when the view had it."""

    committed: dict[str, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    met: list[str] = field(default_factory=list)


class Timed(Consumer):
    """A consumer that notes when a batch is in the view."""

    clock: Clock

    async def step(self) -> int:
        """As the real one; afterwards every city of the batch is in the view."""
        done = await super().step()
        now = time.perf_counter()
        self.clock.waits += [now - self.clock.committed[city] for city in self.clock.met if city in self.clock.committed]
        self.clock.met.clear()
        return done


async def measure(made: Ground, kind: str) -> list[Row]:
    """Two rows: p50 and p99 in milliseconds."""
    async with (
        database_of(made, "partners", Own.metadata) as owner,
        database_of(made, "initiatives", Model.metadata) as views,
        bus_of(made, kind) as bus,
    ):
        clock, stop = Clock(), asyncio.Event()
        held = runtime(made, owner, bus)
        relay = Relay(owner, bus, held.telemetry)
        consumer = Timed("initiatives.directory", runtime(made, views, bus), HANDLERS | {PartnerRegistered: _noting(clock)})  # type: ignore[operator]  # both are dicts
        consumer.clock = clock
        loops = [asyncio.create_task(run_loop(loop, stop)) for loop in (relay, consumer)]
        await _write(owner, relay, clock, 1)
        clock.waits.clear()
        await _write(owner, relay, clock, SECONDS)
        await _caught_up(clock)
        stop.set()
        await asyncio.gather(*loops)
    p50, p99 = percentiles(clock.waits)
    what = f"commit → neighbour's view, {RATE}/s for {SECONDS} s ({kind})"
    detail = f"{len(clock.waits):,} facts"
    return [
        Row(f"{what}, p50", p50, 15, 10, detail, at_most=True, unit=" ms"),
        Row(f"{what}, p99", p99, 100, 50, detail, at_most=True, unit=" ms"),
    ]


def _noting(clock: Clock) -> Any:
    @whole_batch
    async def noting(session: Any, facts: list[Envelope]) -> None:
        await partner_described(session, facts)
        clock.met += [fact.subject_id for fact in facts]

    return noting


async def _write(owner: Database, relay: Relay, clock: Clock, seconds: int) -> None:
    began = time.perf_counter()

    async def writer(place: int) -> None:
        for number in range(place, RATE * seconds, WRITERS):
            wait = began + number / RATE - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            await _commit(owner, relay, clock, number)

    await asyncio.gather(*(writer(place) for place in range(WRITERS)))


async def _commit(owner: Database, relay: Relay, clock: Clock, number: int) -> None:
    async with owner.session() as session:
        city = City()
        await record(session, city, PartnerRegistered(partner=city.id, profile=profile(number)), now=datetime.now(UTC))
        await session.commit()
        clock.committed[city.id] = time.perf_counter()
        relay.wake.set()


async def _caught_up(clock: Clock) -> None:
    for _ in range(200):
        if len(clock.waits) >= RATE * SECONDS:
            return
        await asyncio.sleep(0.1)
