"""The names that OpenTelemetry's messaging conventions give to sending and processing a record (semantic conventions 1.44)."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.trace import SpanContext, SpanKind

from shared.telemetry.spans import Attributes, SpanTemplate, recording
from shared.telemetry.tracing import child_of, span_context

if TYPE_CHECKING:
    from shared.telemetry.setup import Telemetry

MOST_SINGLE = 100
"""Records of one batch up to which each has a span of its own; a backlog is told as one span per topic, linked to its makers."""

MOST_LINKS = 128


class Sent(NamedTuple):
    """One record that was handed to the bus: `headers` as sent, `attempt` from 1, `error` the kind of what went wrong."""

    topic: str
    type: str
    subject: str
    headers: Sequence[tuple[str, bytes]]
    created_at: datetime
    attempt: int
    error: str | None


def send_span(system: str, topic: str) -> SpanTemplate:
    """`send {topic}`, by the relay: a child of the span that made the fact. `system` is `kafka` or `postgresql`."""
    return SpanTemplate(f"send {topic}", SpanKind.PRODUCER, _shared(system, topic, "send"))


def process_span(system: str, topic: str, group: str) -> SpanTemplate:
    """`process {topic}`, by a consumer: a child of the message's context, and linked to it."""
    fixed = {**_shared(system, topic, "process"), "messaging.consumer.group.name": group}
    return SpanTemplate(f"process {topic}", SpanKind.CONSUMER, fixed)


def _shared(system: str, topic: str, operation: str) -> dict[str, str]:
    return {
        "messaging.system": system,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }


def of_message(message_id: str, key: str, event: str) -> Attributes:
    """What tells one record from another: the fact's id, its key (the subject) and its type."""
    return {"messaging.message.id": message_id, "messaging.kafka.message.key": key, "cloudevents.event_type": event}


def at_offset(partition: int, offset: int, attempt: int) -> Attributes:
    """Where a record was read, and for which time (from 1) it is tried."""
    where: dict[str, str | int] = {"messaging.destination.partition.id": str(partition), "messaging.kafka.offset": offset}
    return {**where, "messaging.delivery.attempt": attempt} if attempt > 1 else where


def sent_spans(telemetry: "Telemetry", sent: Sequence[Sent], began: int, ended: int) -> None:
    """Tell what one call of the relay sent between `began` and `ended` (ns since 1970, UTC): child spans of what made the facts."""
    if not recording():
        return
    if len(sent) > MOST_SINGLE:
        for topic in sorted({one.topic for one in sent}):
            _together(telemetry, [one for one in sent if one.topic == topic], (began, ended))
        return
    for one in sent:
        _alone(telemetry, one, (began, ended))


def _alone(telemetry: "Telemetry", one: Sent, times: tuple[int, int]) -> None:
    parent, message_id = _context(one.headers)
    if parent is None:
        return
    waited = times[0] / 1e6 - one.created_at.timestamp() * 1e3
    about = {**of_message(message_id, one.subject, one.type), "interurbe.outbox.waited_ms": round(waited, 1)}
    if one.attempt > 1:
        about["messaging.delivery.attempt"] = one.attempt
    if one.error is not None:
        about["error.type"] = one.error
    send_span(telemetry.bus_system, one.topic).record(child_of(parent), parent, times, about)


def _together(telemetry: "Telemetry", sent: Sequence[Sent], times: tuple[int, int]) -> None:
    failed = sum(one.error is not None for one in sent)
    about: dict[str, str | int] = {"messaging.batch.message_count": len(sent), "interurbe.failed": failed}
    if failed:
        about["error.type"] = next(one.error for one in sent if one.error is not None)
    makers = [parent for one in sent[:MOST_LINKS] if (parent := _context(one.headers)[0]) is not None]
    send_span(telemetry.bus_system, sent[0].topic).record(child_of(None), None, times, about, makers)


def _context(headers: Sequence[tuple[str, bytes]]) -> tuple[SpanContext | None, str]:
    known = dict(headers)
    traceparent, tracestate = known.get("traceparent", b""), known.get("tracestate", b"")
    parent = span_context(traceparent.decode("ascii", "replace"), tracestate.decode("ascii", "replace"))
    return parent, known.get("ce_id", b"").decode("ascii", "replace")
