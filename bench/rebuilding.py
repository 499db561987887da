"""A view of 50,000 facts rebuilt from the log, against a bare loop of multi-row upserts over the same messages; and a reader far behind."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from bench.ground import Ground, bus_of, database_of, fill_outbox, runtime
from bench.table import Pair, Row
from services.initiatives.directory.handlers import HANDLERS
from services.initiatives.directory.models import VIEWS
from services.initiatives.models import Model
from shared.bus import Bus
from shared.consumer import BATCH, Consumer
from shared.db import Database
from shared.relay import Relay
from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry

HALF, BEHIND, RUNS = 25_000, 100_000, 3
_BARE = """
INSERT INTO known_partner (id, kind, names, acronym, country, locality, timezone, languages, website, hosted_by, heard_at)
SELECT g.id, g.kind, g.names, g.acronym, g.country, g.locality, g.timezone, g.languages, g.website, g.hosted_by, g.heard_at
FROM jsonb_to_recordset($1::jsonb) AS g(id uuid, kind text, names jsonb, acronym text, country text, locality text, timezone text,
  languages text[], website text, hosted_by uuid, heard_at timestamptz)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, names = excluded.names, acronym = excluded.acronym, country = excluded.country,
  locality = excluded.locality, timezone = excluded.timezone, languages = excluded.languages, website = excluded.website,
  hosted_by = excluded.hosted_by, heard_at = excluded.heard_at
"""


async def measure(made: Ground, kind: str) -> list[Row]:
    """Three rows: the ratio, whether twice the facts take twice the time, and whether one 100,000 behind catches up as fast."""
    async with (
        database_of(made, "partners") as owner,
        database_of(made, "initiatives", Model.metadata) as views,
        bus_of(made, kind) as bus,
    ):
        await _publish(made, owner, bus, HALF)
        half = statistics.median([await _rebuild(made, views, bus) for _ in range(RUNS)])
        await _publish(made, owner, bus, HALF)
        numbers = iter(range(100))
        pair = Pair(ours=lambda: _rebuild(made, views, bus), bare=lambda: _bare(views, bus, f"bare{next(numbers)}"), runs=RUNS)
        ratio, detail = await pair.ratio()
        whole = statistics.median(pair.ours_rates)
        behind, anew = [], []
        for _ in range(RUNS):
            await _publish(made, owner, bus, BEHIND)
            behind.append(await _caught_up(made, views, bus))
            anew.append(await _rebuild(made, views, bus))
        caught_up, rebuilt = statistics.median(behind), statistics.median(anew)
    return [
        Row(f"rebuild a view of {2 * HALF:,} events from the log ({kind})", ratio, 0.35, 0.8, detail),
        Row(f"rebuild: rate at {2 * HALF:,} over rate at {HALF:,} ({kind})", whole / half, 0.9, 1.0, f"{whole:,.0f}/s, {half:,.0f}/s"),
        Row(f"a consumer {BEHIND:,} behind: its rate over the rebuild's ({kind})", caught_up / rebuilt, 0.9, 1.0,
            f"{caught_up:,.0f}/s against {rebuilt:,.0f}/s"),
    ]  # fmt: skip


async def _publish(made: Ground, owner: Database, bus: Bus, facts: int) -> None:
    """So many more facts in the log, five of each new partner."""
    await fill_outbox(owner, facts, subjects=facts // 5)
    relay = Relay(owner, bus, Telemetry("bench", TelemetrySettings(traces_dir=made.directory / "t")))
    sent = 0
    while sent < facts:
        sent += await relay.step()
    await relay.close()


async def _caught_up(made: Ground, views: Database, bus: Bus) -> float:
    consumer = _consumer(made, views, bus)
    began, done = time.perf_counter(), 0
    while done < BEHIND:
        done += await consumer.step()
    rate = done / (time.perf_counter() - began)
    await consumer.close()
    return rate


def _consumer(made: Ground, views: Database, bus: Bus) -> Consumer:
    consumer = Consumer("initiatives.directory", runtime(made.directory, views, bus), HANDLERS, VIEWS)
    consumer.patience = 0.2
    return consumer


async def _rebuild(made: Ground, views: Database, bus: Bus) -> float:
    consumer = _consumer(made, views, bus)
    began = time.perf_counter()
    done = await consumer.rebuild()
    rate = done / (time.perf_counter() - began)
    await consumer.close()
    return rate


async def _bare(views: Database, bus: Bus, group: str) -> float:
    connection = await views.raw()
    await connection.execute("DELETE FROM known_partner")
    began, done = time.perf_counter(), 0
    async with bus.subscribe(group, ["interurbe.partners"]) as subscription:
        while done < 2 * HALF:
            batches = await subscription.poll(limit=BATCH, timeout=0.2)
            messages = [message for batch in batches.values() for message in batch]
            if not messages:
                continue
            rows = {row["id"]: row for row in map(_row, messages)}
            await connection.execute(_BARE, json.dumps(list(rows.values())))
            await subscription.commit({tp: batch[-1].offset + 1 for tp, batch in batches.items()})
            done += len(messages)
    rate = done / (time.perf_counter() - began)
    await connection.close()
    return rate


def _row(message: Any) -> dict[str, Any]:
    said = json.loads(message.value)
    profile = said["profile"]
    wanted = ("kind", "names", "acronym", "country", "locality", "timezone", "languages", "website", "hosted_by")
    return {"id": said["partner"], "heard_at": dict(message.headers)["ce_time"].decode()} | {name: profile.get(name) for name in wanted}
