"""Traces, logs and metrics of a process; nothing here touches a network or a file before `Telemetry.install`."""

from shared.telemetry.correlation import causation_id, correlation_id
from shared.telemetry.metrics import Metrics
from shared.telemetry.setup import Telemetry
from shared.telemetry.spans import SpanTemplate, record_span
from shared.telemetry.tracing import context_from, current_trace_id, current_traceparent, span_context, trace_id_of

__all__ = [
    "Metrics",
    "SpanTemplate",
    "Telemetry",
    "causation_id",
    "context_from",
    "correlation_id",
    "current_trace_id",
    "current_traceparent",
    "record_span",
    "span_context",
    "trace_id_of",
]
