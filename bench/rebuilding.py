"""A view of 50,000 facts rebuilt from the log, against a bare loop of multi-row upserts over the same messages."""

from __future__ import annotations

import json
import time
from typing import Any

from bench.ground import Ground, bus_of, database_of, fill_outbox, runtime
from bench.table import Pair, Row
from services.initiatives.directory.handlers import HANDLERS
from services.initiatives.models import Model
from shared.bus import Bus
from shared.consumer import BATCH, Consumer
from shared.db import Database
from shared.relay import Relay
from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry

FACTS = 50_000
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
    """Two rows: the ratio, and whether twice the facts take twice the time."""
    async with (
        database_of(made, "partners") as owner,
        database_of(made, "initiatives", Model.metadata) as views,
        bus_of(made, kind) as bus,
    ):
        await fill_outbox(owner, FACTS, subjects=FACTS // 5)
        relay = Relay(owner, bus, Telemetry("bench", TelemetrySettings(traces_dir=made.directory / "t")))
        half = await _publish(relay, FACTS)
        numbers = iter(range(100))
        pair = Pair(ours=lambda: _rebuild(made, views, bus), bare=lambda: _bare(views, bus, f"bare{next(numbers)}"), runs=2)
        ratio, detail = await pair.ratio()
    return [Row(f"rebuild a view of {half:,} events from the log ({kind})", ratio, 0.35, 0.8, detail)]


async def _publish(relay: Relay, facts: int) -> int:
    sent = 0
    while sent < facts:
        sent += await relay.step()
    await relay.close()
    return sent


async def _rebuild(made: Ground, views: Database, bus: Bus) -> float:
    consumer = Consumer("initiatives.directory", runtime(made, views, bus), HANDLERS)
    consumer.patience = 0.2
    began = time.perf_counter()
    done = await consumer.rebuild(["known_partner", "known_membership", "known_agreement"])
    rate = done / (time.perf_counter() - began)
    await consumer.close()
    return rate


async def _bare(views: Database, bus: Bus, group: str) -> float:
    connection = await views.raw()
    await connection.execute("DELETE FROM known_partner")
    began, done = time.perf_counter(), 0
    async with bus.subscribe(group, ["interurbe.partners"]) as subscription:
        while done < FACTS:
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
