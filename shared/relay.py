"""The relay: carries unpublished facts from the outbox to the bus, oldest first, and never forgets one.

One relay per database is active (`shared.lease`). It reads by the "not yet published" flag, not by a cursor, so a row that
commits late is not lost; it sends a whole batch, awaits every acknowledgement under its own deadline, and marks the batch
with one statement that names its fence. While one batch is on its way the next is read and the last is marked.
A row that is refused for good is parked and blocks its own subject only.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import structlog

from shared.bus import Bus, BusError, HeldBack, Record
from shared.crash import crash_here
from shared.db import Database
from shared.lease import Lease
from shared.loop import Wake
from shared.telemetry import Telemetry
from shared.telemetry.messaging import Sent, sent_spans

_log = structlog.get_logger("interurbe.relay")

BATCH = 1000
ROUNDS = 20
_MARGIN = 1.0
"""Seconds before the end of the lease by which every acknowledgement must be in."""

_READ = """
SELECT seq, subject, sequence, topic, key, type, headers, payload, created_at, attempts FROM outbox o
WHERE published_at IS NULL AND parked_at IS NULL AND seq >= $1 AND seq <> ALL($2) AND subject <> ALL($3)
  AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.parked_at IS NOT NULL AND p.subject = o.subject)
ORDER BY seq LIMIT $4
"""
_MARK = """
UPDATE outbox SET published_at = clock_timestamp() WHERE seq = ANY($1)
  AND EXISTS (SELECT 1 FROM relay_lease WHERE name = $2 AND holder = $3 AND fence = $4)
"""
_FAIL = """
UPDATE outbox SET attempts = attempts + 1, last_error = $2, parked_at = CASE WHEN $3 THEN clock_timestamp() END
WHERE seq = ANY($1) AND published_at IS NULL AND EXISTS (SELECT 1 FROM relay_lease WHERE name = $4 AND holder = $5 AND fence = $6)
"""


class Relay:
    """The loop that publishes one database's outbox.

    ``lease_seconds`` is how long a silent leader keeps the right to send; ``deadline_seconds`` how long a batch may wait for
    the bus (never past the lease). ``poll_seconds`` bounds the delay when a wake-up is lost.
    """

    name = "relay"

    def __init__(self, database: Database, bus: Bus, telemetry: Telemetry, *, lease_seconds: float = 10.0, deadline_seconds: float = 8.0) -> None:
        self.wake = Wake()
        self.poll_seconds = 0.1
        self._database, self._bus, self._telemetry = database, bus, telemetry
        self._lease = Lease("outbox", seconds=lease_seconds)
        self._deadline = deadline_seconds
        self._horizon = Horizon()
        self._reader: asyncpg.Connection[asyncpg.Record] | None = None
        self._marker: asyncpg.Connection[asyncpg.Record] | None = None
        self._held: dict[str, float] = {}
        self._trouble: str | None = None

    @property
    def leading(self) -> bool:
        """Whether this relay may send now."""
        return self._lease.remaining() > 0

    def trouble(self) -> str | None:
        """What keeps facts from the bus, if anything does."""
        return self._trouble

    async def step(self) -> int:
        """Publish what waits, up to ``BATCH * ROUNDS`` facts; how many the bus has acknowledged."""
        try:
            reader, marker = await self._connections()
            if not await self._lease.hold(reader):
                self._telemetry.metrics.relay_is_leader.set(0)
                self._trouble = None
                return 0
            self._telemetry.metrics.relay_is_leader.set(1)
            await self._horizon.move(reader)
            return await self._drain(reader, marker)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._trouble = f"the outbox cannot be read: {type(error).__name__}: {error}"
            await self._drop_connections()
            raise

    async def _drain(self, reader: asyncpg.Connection[asyncpg.Record], marker: asyncpg.Connection[asyncpg.Record]) -> int:
        done, marking = 0, None
        on_its_way: list[int] = []
        batch = await self._read(reader, [])
        if not batch and not self._held:
            self._trouble = None
        try:
            for _ in range(ROUNDS):
                if not batch or not await self._lease.hold(reader):
                    break
                on_its_way = [row["seq"] for row in batch] + on_its_way[:BATCH]
                sending = asyncio.ensure_future(self._send(batch))
                following = await _while_awaiting(sending, self._read(reader, on_its_way))
                outcomes = await sending
                if marking is not None:
                    await marking
                marking = asyncio.ensure_future(self._mark(marker, batch, outcomes))
                done += sum(outcome is None for outcome in outcomes)
                batch = [row for row in following if row["subject"] not in self._held]
        finally:
            if marking is not None:
                await marking
        return done

    async def _read(self, reader: asyncpg.Connection[asyncpg.Record], on_its_way: list[int]) -> list[asyncpg.Record]:
        now = time.monotonic()
        self._held = {subject: until for subject, until in self._held.items() if until > now}
        return await reader.fetch(_READ, self._horizon.floor, on_its_way, list(self._held), BATCH)

    async def _send(self, batch: Sequence[asyncpg.Record]) -> list[BusError | None]:
        records = [_record(row) for row in batch]
        deadline = min(self._deadline, self._lease.remaining() - _MARGIN)
        if deadline <= 0:
            return [HeldBack("the lease is about to end") for _ in batch]
        crash_here("relay.before_send")
        began = time.time_ns()
        outcomes = await self._bus.send(records, deadline=deadline)
        crash_here("relay.before_mark")
        sent_spans(self._telemetry, _sent(batch, records, outcomes), began, time.time_ns())
        return outcomes

    async def _mark(self, marker: asyncpg.Connection[asyncpg.Record], batch: Sequence[asyncpg.Record], outcomes: Sequence[BusError | None]) -> None:
        published = [row["seq"] for row, outcome in zip(batch, outcomes, strict=True) if outcome is None]
        fence = (self._lease.name, self._lease.holder, self._lease.fence)
        if published:
            marked = await marker.execute(_MARK, published, *fence)
            if marked == "UPDATE 0":
                _log.warning("deposed: another relay leads", fence=self._lease.fence)
                self._lease.lost()
                return
            self._telemetry.metrics.relay_published_total.inc(len(published))
        crash_here("relay.after_mark")
        self._trouble = None
        failed: dict[tuple[str, bool], list[asyncpg.Record]] = {}
        for row, outcome in zip(batch, outcomes, strict=True):
            if outcome is not None:
                self._hold_back(row, outcome)
                if not isinstance(outcome, HeldBack):
                    failed.setdefault((str(outcome)[:2000], outcome.retryable), []).append(row)
        for (reason, retryable), rows in failed.items():
            await marker.execute(_FAIL, [row["seq"] for row in rows], reason, not retryable, *fence)
            if not retryable:
                _log.error("parked: can never be sent as it is", subjects=[row["subject"] for row in rows][:10], reason=reason)

    def _hold_back(self, row: asyncpg.Record, outcome: BusError) -> None:
        self._trouble = f"{row['topic']}: {outcome}"
        pause = min(5.0, 0.1 * 2 ** min(row["attempts"], 6))
        self._held[row["subject"]] = max(self._held.get(row["subject"], 0.0), time.monotonic() + pause)
        self._telemetry.metrics.relay_errors_total.labels(reason=type(outcome).__name__).inc()

    async def _connections(self) -> tuple[asyncpg.Connection[asyncpg.Record], asyncpg.Connection[asyncpg.Record]]:
        if self._reader is None or self._reader.is_closed():
            self._reader = await self._database.raw()
        if self._marker is None or self._marker.is_closed():
            self._marker = await self._database.raw()
        return self._reader, self._marker

    async def _drop_connections(self) -> None:
        for connection in (self._reader, self._marker):
            if connection is not None:
                connection.terminate()
        self._reader = self._marker = None
        self._horizon = Horizon()
        self._lease.lost()

    async def close(self) -> None:
        """Give the lease back, so that the next relay starts at once, and close the connections."""
        if self._reader is not None and not self._reader.is_closed() and self.leading:
            try:
                await self._lease.release(self._reader)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                _log.warning("the lease could not be given back; it ends by itself")
        await self._drop_connections()


class Horizon:
    """Below its ``floor`` no row waits and none can appear: an optimisation, so that a long drain does not wade through its own dead rows.

    Proof: ``seq`` is drawn after its transaction has an id (the aggregate is written first). Whoever drew a number up to ``L``
    had an id below any snapshot taken after ``L`` was read; once all those transactions have ended, every row up to ``L`` that
    will ever exist can be seen, and the lowest waiting row bounds the rest. Every two seconds it looks from zero all the same,
    for rows that an operator put back.
    """

    _AGAIN = 2.0

    def __init__(self) -> None:
        self.floor = 0
        self._drawn = 0
        self._pending: tuple[int, int] | None = None
        self._rescan_at = 0.0

    async def move(self, reader: asyncpg.Connection[asyncpg.Record]) -> None:
        """Raise the floor as far as is safe; two small statements."""
        if time.monotonic() >= self._rescan_at:
            self.floor, self._rescan_at = 0, time.monotonic() + self._AGAIN
        row = await reader.fetchrow(
            "SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS next,"
            " (SELECT min(seq) FROM outbox WHERE published_at IS NULL AND parked_at IS NULL AND seq >= $1) AS waiting"
            " FROM pg_current_snapshot() s",
            self.floor,
        )
        assert row is not None
        if self._pending is not None and row["oldest"] >= self._pending[1]:
            settled = self._pending[0] + 1
            self.floor = max(self.floor, settled if row["waiting"] is None else min(settled, row["waiting"]))
            self._pending = None
        if self._pending is None:
            self._pending = (self._drawn, row["next"])
        self._drawn = await reader.fetchval("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_seq_seq")


async def _while_awaiting(sending: asyncio.Future[Any], reading: Any) -> list[asyncpg.Record]:
    """The next batch, read while this one is sent; a failed read does not leave the send behind unawaited."""
    try:
        rows: list[asyncpg.Record] = await reading
    except BaseException:
        await asyncio.wait({sending})
        raise
    return rows


def _record(row: asyncpg.Record) -> Record:
    headers = [(name, value.encode()) for name, value in json.loads(row["headers"])]
    return Record(topic=row["topic"], key=row["key"].encode(), headers=headers, value=row["payload"])


def _sent(batch: Sequence[asyncpg.Record], records: Sequence[Record], outcomes: Sequence[BusError | None]) -> list[Sent]:
    return [
        Sent(topic=row["topic"], type=row["type"], subject=row["subject"], headers=record.headers, created_at=row["created_at"],
             attempt=row["attempts"] + 1, error=None if outcome is None else type(outcome).__name__)
        for row, record, outcome in zip(batch, records, outcomes, strict=True)
    ]  # fmt: skip
