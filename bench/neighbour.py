"""A neighbour as the product runs it: a process of its own that keeps a view, and notes when each city is in it.

Started by `bench.latency` with the kind of bus, its address, the database's address and a folder; prints `ready` when its partitions are
its own, and, once its input ends, one JSON object of city → seconds of the machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.ground import runtime
from services.initiatives.directory.handlers import HANDLERS, partner_described
from shared.bus import Bus
from shared.bus.kafka import KafkaBus
from shared.bus.postgres import PostgresBus
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope, PartnerRegistered
from shared.handling import whole_batch
from shared.loop import run_loop


class Timed(Consumer):
    """A consumer that notes when a batch is in the view."""

    met: list[str]
    seen: dict[str, float]

    async def step(self) -> int:
        """As the real one; afterwards every city of the batch is in the view."""
        done = await super().step()
        self.seen |= dict.fromkeys(self.met, time.monotonic())
        self.met.clear()
        return done


async def main(kind: str, address: str, database_url: str, directory: str) -> None:
    """Keep the view until the input ends."""
    bus: Bus = KafkaBus(address) if kind == "kafka" else PostgresBus(address)
    database = Database(database_url)
    await bus.start()
    met: list[str] = []
    consumer = Timed("initiatives.directory", runtime(Path(directory), database, bus), HANDLERS | {PartnerRegistered: _noting(met)})  # type: ignore[operator]  # both are dicts
    consumer.met, consumer.seen = met, {}
    stop = asyncio.Event()
    loop = asyncio.create_task(run_loop(consumer, stop))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await loop
    await bus.close()
    await database.close()
    print(json.dumps(consumer.seen), flush=True)


def _noting(met: list[str]) -> Any:
    @whole_batch
    async def noting(session: Any, facts: list[Envelope]) -> None:
        await partner_described(session, facts)
        met.extend(fact.subject_id for fact in facts)

    return noting


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
