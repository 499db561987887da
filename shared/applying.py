"""Applying facts to a room's views: one transaction for a batch, its marks and what must be set aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared import inbox, parked
from shared.bus import CorruptBatch, Message
from shared.course import Hole
from shared.crash import crash_here
from shared.events import Envelope, family
from shared.events.cloudevents import Unreadable
from shared.handling import BatchHandler, Handler, Handlers, takes_batches
from shared.inbox import Item, Overtaken, Plan
from shared.outage import is_outage
from shared.processed import tell_failed, tell_processed
from shared.telemetry import causation_id, correlation_id, span_context
from shared.telemetry.messaging import process_span
from shared.telemetry.spans import recording
from shared.telemetry.tracing import child_of, under

if TYPE_CHECKING:
    from shared.process.runtime import Runtime

_log = structlog.get_logger("interurbe.consumer")

ATTEMPTS = 3


class Application:
    """What a consumer does with facts, apart from where they come from."""

    def __init__(self, consumer: str, runtime: Runtime, handlers: Handlers) -> None:
        self.someone_waits = False
        self._consumer, self._handlers = consumer, handlers
        self._database, self._metrics, self._wake_relay = runtime.database, runtime.telemetry.metrics, runtime.wake.set
        self._families = {family(event.TYPE) for event in handlers}
        self._spans = {event: process_span(runtime.bus.system, event.TOPIC, f"interurbe.{consumer}") for event in handlers}

    async def apply(self, items: Sequence[Item]) -> None:
        """Apply what has come, or set it aside with the reason; raises only when it must be read again: nothing is lost then."""
        try:
            await self._together_or_look_again(items)
        except Exception as error:  # whatever a handler raised: told apart one by one below
            if is_outage(error):
                raise
            _log.warning("a batch failed and is applied one by one", consumer=self._consumer, messages=len(items), error=repr(error)[:500])
            for item in items:
                await self._alone(item)

    async def _together_or_look_again(self, items: Sequence[Item], attempt: int = 1) -> None:
        try:
            await self.together(items, attempt=attempt)
        except Overtaken:
            await self.together(items, attempt=attempt)

    async def _alone(self, item: Item) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            began = time.time_ns()
            try:
                await self._together_or_look_again([item], attempt)
            except Exception as error:  # a handler may raise anything; the fact is kept with the reason
                if is_outage(error) or isinstance(error, Overtaken):
                    raise
                tell_failed(item, error, self._spans, ((began, time.time_ns()), attempt))
                if attempt == ATTEMPTS:
                    await self._set_aside(item, error)
                else:
                    await asyncio.sleep(0.05 * 2**attempt)
            else:
                return

    async def together(self, items: Sequence[Item], *, attempt: int = 1) -> None:
        """Apply a batch in one transaction: handlers in rounds, then marks, then what must wait; all of it or nothing."""
        places = [item.place for item in items]
        began = time.time_ns()
        async with self._database.session() as session:
            marks = await inbox.marks_of(session, self._consumer, [place[0] for place in places if place])
            made = inbox.plan(items, marks, self._families)
            spans = await self._handle(session, made)
            await parked.park(session, self._consumer, made.park)
            await parked.leave(session, items, made)
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

    async def _set_aside(self, item: Item, error: Exception) -> None:
        """Keep a fact that its handler refuses, with the reason; later facts of its subject wait behind it."""
        reason = f"{type(error).__name__}: {error}"
        try:
            await self._keep(item, reason)
        except DBAPIError as refusal:
            if is_outage(refusal):
                raise
            _log.exception("a message cannot be kept at its place and is kept without one", consumer=self._consumer)
            await self._keep(Item(item.message, None, Unreadable("unkeepable", reason)), reason)
        self.someone_waits = True

    async def _keep(self, item: Item, reason: str) -> None:
        async with self._database.session() as session:
            await parked.set_aside(session, self._consumer, item, reason)
            await session.commit()

    async def note_damage(self, damage: CorruptBatch) -> None:
        """Keep a note of bytes that the log itself could not give back."""
        message = Message(damage.tp.topic, damage.tp.partition, damage.offset, None, [], None, 0)
        async with self._database.session() as session:
            await parked.park(session, self._consumer, [(Item(message, None, Unreadable("corrupt", str(damage))), inbox.UNREADABLE)])
            await session.commit()

    async def note_loss(self, hole: Hole) -> None:
        """Keep a note of what left the log before it was read here."""
        tp, first, until = hole
        words = f"{until - first} messages ({first} to {until - 1}) left the log before they were read: have them sent again"
        _log.error("facts left the log before they were read", consumer=self._consumer, place=tp, first=first, until=until)
        item = Item(Message(tp.topic, tp.partition, first, None, [], None, 0), None, Unreadable("lost", words))
        async with self._database.session() as session:
            await parked.park(session, self._consumer, [(item, inbox.LOST)])
            await session.commit()

    async def empty(self, views: Sequence[str]) -> None:
        """Empty view tables and forget all marks, in one transaction."""
        async with self._database.session() as session:
            for view in views:
                await session.execute(text(f'DELETE FROM "{view}"'))  # noqa: S608 - names come from the room's own models
            await parked.forget(session, self._consumer)
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
