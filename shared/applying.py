"""Applying facts to a room's views: one transaction for a batch, its marks and what must be set aside."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from shared import inbox
from shared.bus import CorruptBatch, Message
from shared.crash import crash_here
from shared.events import Envelope, family
from shared.events.cloudevents import Unreadable
from shared.handling import BatchHandler, Handler, Handlers, takes_batches
from shared.inbox import Item, Plan, inbox_parked
from shared.telemetry import causation_id, correlation_id, span_context
from shared.processed import tell_processed
from shared.telemetry.messaging import process_span
from shared.telemetry.spans import recording
from shared.telemetry.tracing import child_of, under

if TYPE_CHECKING:
    from shared.process.runtime import Runtime

_OUTAGE_STATES = ("08", "53", "57P", "40001", "40P01", "55P03", "25006")
"""SQLSTATE classes that say the database is away, full, shutting down or busy: no fault of the fact."""

GAP_ALARM_SECONDS = 60.0


class Application:
    """What a consumer does with facts, apart from where they come from."""

    def __init__(self, consumer: str, runtime: Runtime, handlers: Handlers) -> None:
        self.trouble: str | None = None
        self.someone_waits = False
        self._consumer, self._handlers = consumer, handlers
        self._database, self._metrics, self._wake_relay = runtime.database, runtime.telemetry.metrics, runtime.wake.set
        self._families = {family(event.TYPE) for event in handlers}
        self._spans = {event: process_span(runtime.bus.system, event.TOPIC, f"interurbe.{consumer}") for event in handlers}

    async def together(self, items: Sequence[Item], *, attempt: int = 1) -> None:
        """Apply a batch in one transaction: handlers in rounds, then marks, then what must wait; all of it or nothing."""
        places = [item.place for item in items]
        began = time.time_ns()
        async with self._database.session() as session:
            marks = await inbox.marks_of(session, self._consumer, [place[0] for place in places if place])
            made = inbox.plan(items, marks, self._families)
            spans = await self._handle(session, made)
            await inbox.park(session, self._consumer, made.park)
            await inbox.move_marks(session, self._consumer, made)
            crash_here("consumer.before_commit")
            await session.commit()
            crash_here("consumer.after_commit")
            if session.info.get("recorded"):
                self._wake_relay()
        self.someone_waits = self.someone_waits or bool(made.park)
        self._tell(made, spans, (began, time.time_ns()), attempt)

    async def _handle(self, session: AsyncSession, made: Plan) -> dict[str, Any]:
        spans: dict[str, Any] = {}
        for round_ in _rounds(made.apply):
            for event_class, envelopes in round_.items():
                handler = self._handlers.get(event_class)
                if handler is None:
                    continue
                if takes_batches(handler):
                    await _as_batch(handler)(session, envelopes)
                    continue
                for envelope in envelopes:
                    spans[envelope.id] = await self._handle_one(session, handler, envelope)
        await session.flush()
        return spans

    async def _handle_one(self, session: AsyncSession, handler: Any, envelope: Envelope) -> Any:
        """One fact, with what caused it and its trace made current, so that facts it leads to belong to the same trace."""
        parent = span_context(envelope.traceparent, envelope.tracestate)
        span = child_of(parent) if parent else None
        cause, correlation = causation_id.set(envelope.id), correlation_id.set(envelope.correlationid or envelope.id)
        try:
            with under(span):
                await handler(session, envelope)
        finally:
            causation_id.reset(cause)
            correlation_id.reset(correlation)
        return span

    def _tell(self, made: Plan, spans: dict[str, Any], times: tuple[int, int], attempt: int) -> None:
        self._metrics.consumer_applied_total.labels(consumer=self._consumer).inc(len(made.apply))
        if made.duplicates:
            self._metrics.consumer_duplicates_total.labels(consumer=self._consumer).inc(made.duplicates)
        if recording():
            tell_processed(made.apply, spans, self._spans, (times, attempt))

    async def set_aside(self, item: Item, error: Exception) -> None:
        """Keep a fact that its handler refuses, with the reason; later facts of its subject wait behind it."""
        async with self._database.session() as session:
            await inbox.park(session, self._consumer, [(item, inbox.FAILED)], f"{type(error).__name__}: {error}")
            row = inbox_parked.c
            await session.execute(
                update(inbox_parked)
                .where(row.consumer == self._consumer, row.topic == item.message.topic, row.partition == item.message.partition)
                .where(row.offset == item.message.offset)
                .values(attempts=row.attempts + 1, again=False, reason=f"{type(error).__name__}: {error}".replace("\x00", "\ufffd")[:2000])
            )
            await session.commit()
        self.someone_waits = True

    async def note_damage(self, damage: CorruptBatch) -> None:
        """Keep a note of bytes that the log itself could not give back."""
        message = Message(damage.tp.topic, damage.tp.partition, damage.offset, None, [], None, 0)
        async with self._database.session() as session:
            await inbox.park(session, self._consumer, [(Item(message, None, Unreadable("corrupt", str(damage))), inbox.UNREADABLE)])
            await session.commit()

    async def sweep(self) -> int:
        """Apply parked facts whose turn has come, subject by subject, and count what is left."""
        applied = 0
        async with self._database.session() as session:
            rows = await inbox.ripe(session, self._consumer)
        for row in rows:
            applied += await self._once_more(row)
        await self._count()
        return applied

    async def _once_more(self, row: Any) -> int:
        item = inbox.read(inbox.restored(row))
        try:
            async with self._database.session() as session:
                marks = await inbox.marks_of(session, self._consumer, [row.subject] if row.subject else [])
                made = inbox.plan([item], marks, self._families)
                if row.kind == inbox.DISCARDED:
                    made = inbox.Plan(marks, [item] if item.place and item.place[1] == marks.get(row.subject, 0) + 1 else [], [])
                elif made.park:
                    await session.execute(update(inbox_parked).where(inbox_parked.c.id == row.id).values(again=False))
                    await session.commit()
                    return 0
                else:
                    await self._handle(session, made)
                await inbox.move_marks(session, self._consumer, made)
                await session.execute(delete(inbox_parked).where(inbox_parked.c.id == row.id))
                await session.commit()
                if session.info.get("recorded"):
                    self._wake_relay()
        except Exception as error:  # noqa: BLE001 - as for a fact fresh from the bus
            if self.is_outage(error):
                raise
            await self.set_aside(item, error)
            return 0
        return 1

    async def _count(self) -> None:
        c = inbox_parked.c
        async with self._database.reader() as reader:
            oldest = func.extract("epoch", func.clock_timestamp() - func.min(c.parked_at))
            found = (await reader.execute(select(c.kind, func.count(), oldest).where(c.consumer == self._consumer).group_by(c.kind))).all()
        counts = {kind: (count, float(age or 0)) for kind, count, age in found}
        for kind in (inbox.GAP, inbox.FAILED, inbox.UNREADABLE, inbox.UNKNOWN):
            self._metrics.inbox_parked.labels(consumer=self._consumer, kind=kind).set(counts.get(kind, (0, 0))[0])
        self.someone_waits = inbox.GAP in counts or inbox.DISCARDED in counts
        waiting, age = counts.get(inbox.GAP, (0, 0.0))
        failed = sum(count for kind, (count, _age) in counts.items() if kind in (inbox.FAILED, inbox.UNKNOWN))
        self.trouble = None
        if waiting and age > GAP_ALARM_SECONDS and not failed:
            self.trouble = f"{waiting} facts wait for earlier ones that never came; have their owner republish the subject (see `parked`)"

    def is_outage(self, error: Exception) -> bool:
        """Whether the database is to blame, so that the batch must be read again and nothing set aside."""
        if isinstance(error, OSError | TimeoutError | InterfaceError | PoolTimeout):
            return True
        if not isinstance(error, DBAPIError):
            return False
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return error.connection_invalidated or state.startswith(_OUTAGE_STATES) or (isinstance(error, OperationalError) and not state)

    async def empty(self, views: Sequence[str]) -> None:
        """Empty view tables and forget all marks, in one transaction."""
        async with self._database.session() as session:
            for view in views:
                await session.execute(text(f'DELETE FROM "{view}"'))  # noqa: S608 - names come from the room's own models
            await inbox.forget(session, self._consumer)
            await session.commit()


def _rounds(items: Sequence[Item]) -> list[dict[Any, list[Envelope]]]:
    """The first fact of every subject, then the second …, each round grouped by type: what may be handled together."""
    met: dict[str, int] = {}
    rounds: list[dict[Any, list[Envelope]]] = []
    for item in items:
        if item.envelope is None:
            continue
        place = met.get(item.envelope.subject, 0)
        met[item.envelope.subject] = place + 1
        if place == len(rounds):
            rounds.append({})
        rounds[place].setdefault(type(item.envelope.data), []).append(item.envelope)
    return rounds


def _as_batch(handler: Handler | BatchHandler) -> BatchHandler:
    return handler  # type: ignore[return-value]  # takes_batches has just said so
