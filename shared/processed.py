"""The `process` spans of a consumer: one for each fact, or one for a whole batch when it is catching up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.trace import SpanContext

from shared.events import Envelope, Event
from shared.inbox import Item
from shared.telemetry import span_context
from shared.telemetry.messaging import MOST_LINKS, MOST_SINGLE, at_offset, of_message
from shared.telemetry.spans import Attributes, SpanTemplate, recording
from shared.telemetry.tracing import child_of

Times = tuple[tuple[int, int], int]
"""(start, end) in ns since 1970, and the attempt, from 1."""

_NOTHING_MORE: Attributes = {}


def tell_processed(
    items: Sequence[Item], spans: Mapping[str, SpanContext | None], templates: Mapping[type[Event], SpanTemplate], times: Times
) -> None:
    """Write the spans of a batch that was committed. ``spans`` are identities given out before, by event id: what was caused hangs below.

    Up to `MOST_SINGLE` facts have a span each, a child of the message's context and linked to it. Beyond that the consumer is
    catching up: one span per batch, linked to its makers, and one for each fact that caused something.
    """
    handled = [item for item in items if item.envelope is not None and type(item.envelope.data) in templates]
    single = [item for item in handled if len(handled) <= MOST_SINGLE or (item.envelope and item.envelope.id in spans)]
    for item in single:
        _alone(item, spans, templates, times)
    if len(single) < len(handled):
        makers = [context for item in handled[:MOST_LINKS] if (context := _maker(item.envelope)) is not None]
        template = templates[type(handled[0].envelope.data)]  # type: ignore[union-attr]  # handled have envelopes
        template.record(child_of(None), None, times[0], {"messaging.batch.message_count": len(handled)}, makers)


def tell_failed(item: Item, error: Exception, templates: Mapping[type[Event], SpanTemplate], times: Times) -> None:
    """Write the span of one attempt at a fact that its handler refused, so that its trace shows where it stopped."""
    if recording() and item.envelope is not None and type(item.envelope.data) in templates:
        _alone(item, {}, templates, times, {"error.type": type(error).__name__})


def _alone(
    item: Item,
    spans: Mapping[str, SpanContext | None],
    templates: Mapping[type[Event], SpanTemplate],
    times: Times,
    more: Attributes = _NOTHING_MORE,
) -> None:
    envelope, message = item.envelope, item.message
    maker = _maker(envelope)
    if envelope is None or maker is None:
        return
    about = {**of_message(envelope.id, envelope.subject, envelope.type), **at_offset(message.partition, message.offset, times[1]), **more}
    templates[type(envelope.data)].record(spans.get(envelope.id) or child_of(maker), maker, times[0], about, (maker,))


def _maker(envelope: Envelope | None) -> SpanContext | None:
    return span_context(envelope.traceparent, envelope.tracestate) if envelope else None
