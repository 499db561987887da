"""The relay: carries unpublished facts from the outbox to the bus, oldest first, and never forgets one.

One relay per database is active (`shared.lease`). It reads by the "not yet published" flag, not by a cursor, so a row that
commits late is not lost; it sends a whole batch, awaits every acknowledgement under its own deadline, and marks the batch
with one statement that names its fence. While one batch is on its way the next is read and the last is marked.
A row that is refused for good is parked and blocks its own subject only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

import asyncpg
import structlog

from shared.bus import Bus, BusError, HeldBack, Record, RecordRefused
from shared.crash import crash_here
from shared.db import Database
from shared.horizon import DrawnAhead, Horizon, check_sequence
from shared.lease import RELAY, Lease
from shared.loop import Wake
from shared.outgoing import as_record, sent, unsent
from shared.pace import Pace
from shared.telemetry import Telemetry
from shared.telemetry.messaging import sent_spans

_log = structlog.get_logger("interurbe.relay")

BATCH_BYTES = 8 * 1024 * 1024
"""Facts of one batch take no more memory than this, but for the last of them; two batches are held at a time."""

ROUNDS = 20
RELEASE_SECONDS = 2.0
LONGEST_QUIET = 1.0
_OUTAGES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_READ = """
SELECT * FROM (
  SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq) - octet_length(payload) AS before FROM (
    SELECT seq, subject, sequence, topic, key, type, headers, payload, created_at, attempts FROM outbox o
    WHERE published_at IS NULL AND parked_at IS NULL AND seq >= $1 AND seq <> ALL($2) AND subject <> ALL($3)
      AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.parked_at IS NOT NULL AND p.subject = o.subject AND p.seq < o.seq)
      AND EXISTS (SELECT 1 FROM relay_lease WHERE name = $5 AND holder = $6 AND fence = $7)
    ORDER BY seq LIMIT $4
  ) AS waiting
) AS weighed WHERE before < $8 ORDER BY seq
"""
_MARK = """
UPDATE outbox SET published_at = clock_timestamp() WHERE seq = ANY($1)
  AND EXISTS (SELECT 1 FROM relay_lease WHERE name = $2 AND holder = $3 AND fence = $4)
"""
_FAIL = """
UPDATE outbox SET attempts = attempts + 1, last_error = $2, parked_at = CASE WHEN $3 THEN clock_timestamp() END
WHERE seq = ANY($1) AND published_at IS NULL AND EXISTS (SELECT 1 FROM relay_lease WHERE name = $4 AND holder = $5 AND fence = $6)
"""

_BY_INDEX = dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_sort", "enable_bitmapscan"), "off")
"""Statistics lag behind an outbox that fills: PostgreSQL would join and sort 300,000 facts (1 s, not 7 ms) for each thousand."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Batch = Sequence[asyncpg.Record]
Outcomes = Sequence[BusError | None]
Fence = tuple[str, str, int]


class Relay:
    """The loop that publishes one database's outbox.

    ``lease_seconds`` is how long a silent leader keeps the right to send; ``deadline_seconds`` how long a batch may wait for
    the bus (never past the lease: a longer one is cut to it). ``poll_seconds`` bounds the delay when a wake-up is lost.
    """

    name = "relay"

    def __init__(
        self, database: Database, bus: Bus, telemetry: Telemetry, *, lease_seconds: float = 10.0, deadline_seconds: float = 8.0
    ) -> None:
        self.wake = Wake()
        self.poll_seconds = 0.1
        self._database, self._bus, self._telemetry = database, bus, telemetry
        self._lease = Lease(RELAY, seconds=lease_seconds)
        self._margin = min(1.0, lease_seconds / 10)
        self._deadline = min(deadline_seconds, lease_seconds - self._margin)
        self._horizon = Horizon()
        self._pace = Pace(self.wake)
        self._reader: Connection | None = None
        self._marker: Connection | None = None
        self._held: dict[str, float] = {}
        self._refusals, self._quiet_until = 0, 0.0
        self._trouble: str | None = None

    @property
    def leading(self) -> bool:
        """Whether this relay may send now."""
        return self._lease.remaining() > 0

    def trouble(self) -> str | None:
        """What keeps facts from the bus, if anything does."""
        return self._trouble

    async def step(self) -> int:
        """Publish what waits, up to ``ROUNDS`` batches of the size that `Pace` allows; how many facts the bus has acknowledged."""
        if time.monotonic() < self._quiet_until:
            return 0
        try:
            reader, marker = await self._connections()
            if not self._told(await self._hold(reader)):
                return 0
            return await self._drain(reader, marker)
        except DrawnAhead as error:
            self._trouble = str(error)
            raise
        except _OUTAGES as error:
            self._trouble = f"the outbox cannot be read: {type(error).__name__}: {error}"
            self._drop_connections()
            raise

    async def _looks_ahead(self, reader: Connection, batch: Batch) -> bool:
        """Move the horizon, when nothing waits or it is time: a fact that has just come does not wait for it. False: deposed meanwhile."""
        if batch and not self._horizon.due():
            return True
        if await self._horizon.move(reader, self._lease):
            return True
        self._lease.lost()
        return self._told(False)

    def _told(self, leads: bool) -> bool:
        """Whether this relay may send now, as the metrics say it too."""
        self._telemetry.metrics.relay_is_leader.set(int(leads))
        if not leads:
            self._trouble = None
        return leads

    async def _hold(self, reader: Connection, needed: float = 0.0) -> bool:
        """Take or keep the lease; with a new one nothing is known of what was put back before it began."""
        fence = self._lease.fence
        held = await self._lease.hold(reader, needed=needed)
        if self._lease.fence != fence:
            self._horizon = Horizon()
        return held

    async def _drain(self, reader: Connection, marker: Connection) -> int:
        done, marking, sent_last = 0, None, list[int]()
        self._let_go()
        batch = await self._read(reader, [])
        if not await self._looks_ahead(reader, batch):
            return 0
        if not batch and not self._held:
            self._trouble = None
        try:
            for _ in range(ROUNDS):
                if not batch or not await self._hold(reader, self._deadline + self._margin):
                    break
                self._pace.begin(self._horizon.ahead_of(batch[0]["seq"]))
                fence = (self._lease.name, self._lease.holder, self._lease.fence)
                sent_now = [row["seq"] for row in batch]
                sending = asyncio.ensure_future(self._send(batch))
                following = await _while_awaiting(sending, self._read(reader, sent_now + sent_last))
                sent_last = sent_now
                outcomes = await sending
                self._hold_back(batch, outcomes)
                if marking is not None:
                    await marking
                marking = asyncio.ensure_future(self._mark(marker, batch, outcomes, fence))
                done += sum(outcome is None for outcome in outcomes)
                await self._pace.rest(len(batch))
                batch = [] if self._refused(outcomes) else [row for row in following if row["subject"] not in self._held]
        finally:
            if marking is not None:
                await marking
        return done

    def _let_go(self) -> None:
        """Subjects that were held back long enough are tried again."""
        now = time.monotonic()
        self._held = {subject: until for subject, until in self._held.items() if until > now}

    async def _read(self, reader: Connection, on_its_way: list[int]) -> list[asyncpg.Record]:
        fence = (self._lease.name, self._lease.holder, self._lease.fence)
        return await reader.fetch(_READ, self._horizon.floor, on_its_way, list(self._held), self._pace.portion, *fence, BATCH_BYTES)

    async def _send(self, batch: Batch) -> list[BusError | None]:
        deadline = min(self._deadline, self._lease.remaining() - self._margin)
        if deadline <= 0:
            return [HeldBack("the lease is about to end") for _ in batch]
        records = [as_record(row) for row in batch]
        torn = {row["subject"]: record for row, record in zip(batch, records, strict=True) if isinstance(record, RecordRefused)}
        whole = [
            (row, record) for row, record in zip(batch, records, strict=True) if isinstance(record, Record) and row["subject"] not in torn
        ]
        crash_here("relay.before_send")
        began = time.time_ns()
        outcomes = await self._bus.send([record for _, record in whole], deadline=deadline)
        crash_here("relay.before_mark")
        sent_spans(self._telemetry, sent(whole, outcomes), began, time.time_ns())
        if not torn:
            return outcomes
        known = {row["seq"]: outcome for (row, _), outcome in zip(whole, outcomes, strict=True)}
        return [known.get(row["seq"], unsent(record)) for row, record in zip(batch, records, strict=True)]

    async def _mark(self, marker: Connection, batch: Batch, outcomes: Outcomes, fence: Fence) -> None:
        """Write down what became of a batch, under the fence it was sent under."""
        published = [row["seq"] for row, outcome in zip(batch, outcomes, strict=True) if outcome is None]
        if published:
            marked = await marker.execute(_MARK, published, *fence)
            if marked == "UPDATE 0":
                _log.warning("deposed: another relay leads, or an operator put facts back", fence=fence[2])
                self._lease.lost()
                return
            self._telemetry.metrics.relay_published_total.inc(len(published))
        crash_here("relay.after_mark")
        failed: dict[tuple[str, bool], list[asyncpg.Record]] = {}
        for row, outcome in zip(batch, outcomes, strict=True):
            if outcome is not None and not isinstance(outcome, HeldBack):
                failed.setdefault((str(outcome).replace("\x00", "\ufffd")[:2000], outcome.retryable), []).append(row)
        for (reason, retryable), rows in failed.items():
            await marker.execute(_FAIL, [row["seq"] for row in rows], reason, not retryable, *fence)
            if not retryable:
                _log.error("parked: can never be sent as it is", subjects=[row["subject"] for row in rows][:10], reason=reason)

    def _hold_back(self, batch: Batch, outcomes: Outcomes) -> None:
        """Before anything else is sent: what failed stops the rest of its subject, for this drain at least."""
        for row, outcome in zip(batch, outcomes, strict=True):
            if outcome is None:
                continue
            self._trouble = f"{row['topic']}: {outcome}"
            pause = min(5.0, 0.1 * 2 ** min(row["attempts"], 6))
            self._held[row["subject"]] = max(self._held.get(row["subject"], 0.0), time.monotonic() + pause)
            self._telemetry.metrics.relay_errors_total.labels(reason=type(outcome).__name__).inc()
        if not self._held:
            self._trouble = None

    def _refused(self, outcomes: Outcomes) -> bool:
        """Whether the bus took nothing at all: then the rest of a backlog is not thrown at it too, and it has a moment of quiet."""
        if any(outcome is None or not outcome.retryable for outcome in outcomes):
            self._refusals = 0
            return False
        self._quiet_until = time.monotonic() + min(LONGEST_QUIET, 0.1 * 2 ** min(self._refusals, 6))
        self._refusals += 1
        return True

    async def _connections(self) -> tuple[Connection, Connection]:
        if self._reader is None or self._reader.is_closed():
            self._reader = await self._database.raw(_BY_INDEX)
            self._horizon = Horizon()
            await check_sequence(self._reader)
        if self._marker is None or self._marker.is_closed():
            self._marker = await self._database.raw(_BY_INDEX)
        return self._reader, self._marker

    def _drop_connections(self) -> None:
        for connection in (self._reader, self._marker):
            if connection is not None:
                connection.terminate()
        self._reader = self._marker = None
        self._lease.lost()

    async def close(self) -> None:
        """Give the lease back, so that the next relay starts at once, and close the connections; within two seconds."""
        try:
            if self._reader is not None and not self._reader.is_closed() and self.leading:
                async with asyncio.timeout(RELEASE_SECONDS):
                    await self._lease.release(self._reader)
        except _OUTAGES:
            _log.warning("the lease could not be given back; it ends by itself")
        finally:
            self._drop_connections()


async def _while_awaiting(sending: asyncio.Future[Any], reading: Any) -> list[asyncpg.Record]:
    """The next batch, read while this one is sent; a failed read does not leave the send behind unawaited."""
    try:
        rows: list[asyncpg.Record] = await reading
    except asyncio.CancelledError:
        sending.cancel()
        raise
    except BaseException:  # whatever ended the read, the send must be seen to its end; raised again
        await asyncio.wait({sending})
        raise
    return rows
