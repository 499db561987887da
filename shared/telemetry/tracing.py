"""A trace's way through rows and messages: the W3C `traceparent` written, read, and made current again."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import getrandbits
from re import compile as pattern

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, SpanContext, TraceFlags, TraceState

_TRACEPARENT = pattern(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-|$)")
_LONGEST_STATE = 512
_FLAGS = {number: TraceFlags(number) for number in range(256)}
_NO_STATE = TraceState()


def current_traceparent() -> tuple[str | None, str | None]:
    """The `traceparent` and `tracestate` of the current span, to be stored with what it causes; (None, None) outside a trace."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None, None
    return traceparent_of(span), span.trace_state.to_header() or None if span.trace_state else None


def traceparent_of(span: SpanContext) -> str:
    """The W3C header text of a span's identity."""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{int(span.trace_flags) & 1:02x}"


def span_context(traceparent: str | None, tracestate: str | None = None) -> SpanContext | None:
    """The span that a `traceparent` names; None when there is none or it breaks the W3C rules (it came from outside)."""
    if not traceparent or not _TRACEPARENT.match(traceparent) or traceparent.startswith("ff"):
        return None
    if traceparent.startswith("00") and len(traceparent) != 55:
        return None
    flags = _FLAGS[int(traceparent[53:55], 16)]
    span = SpanContext(int(traceparent[3:35], 16), int(traceparent[36:52], 16), True, flags, _state(tracestate))
    return span if span.is_valid else None


def _state(tracestate: str | None) -> TraceState:
    if not tracestate or len(tracestate) > _LONGEST_STATE:
        return _NO_STATE
    return TraceState.from_header([tracestate])


def context_from(traceparent: str | None, tracestate: str | None = None) -> Context:
    """A context whose current span is the one named; an empty context when the header is missing or wrong."""
    span = span_context(traceparent, tracestate)
    return Context() if span is None else trace.set_span_in_context(NonRecordingSpan(span), Context())


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 hex digits of the trace, or None."""
    span = span_context(traceparent)
    return None if span is None else f"{span.trace_id:032x}"


def current_trace_id() -> str | None:
    """The 32 hex digits of the trace at hand, or None outside one."""
    span = trace.get_current_span().get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else None


def child_of(parent: SpanContext | None) -> SpanContext:
    """The identity of a new span below `parent`, or of a new kept trace without one; about 1 µs."""
    if parent is None:
        return SpanContext(getrandbits(128) or 1, getrandbits(64) or 1, False, _FLAGS[1], _NO_STATE)
    return SpanContext(parent.trace_id, getrandbits(64) or 1, False, parent.trace_flags, parent.trace_state)


@contextmanager
def under(span: SpanContext | None) -> Iterator[None]:
    """Make a span's identity the current one, so that what is recorded inside belongs to it; no span is written."""
    token = attach(trace.set_span_in_context(NonRecordingSpan(span or INVALID_SPAN_CONTEXT)))
    try:
        yield
    finally:
        detach(token)
