"""Spans on their way to a collector: nothing is lost to one that is away for a moment, nobody waits for one that is gone."""

import threading
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry, queue
from shared.telemetry.queue import SpanQueue
from shared.telemetry.spans import SpanTemplate
from shared.telemetry.tracing import child_of, span_context
from tests.shared.telemetry.collector import collecting

MAKER = span_context("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

NOWHERE = Resource({})


def one_span() -> ReadableSpan:
    return ReadableSpan("a step", child_of(None), resource=NOWHERE)


class Stuck(SpanExporter):
    """A collector that takes the connection and never answers."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.freed = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.reached.set()
        self.freed.wait()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.freed.set()


class Broken(SpanExporter):
    """A disk that is full."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise OSError(28, "No space left on device")


def test_one_503_loses_nothing(tmp_path: Path) -> None:
    with collecting() as collector:
        collector.refuse = 1
        telemetry = Telemetry("partners", TelemetrySettings(otlp_endpoint=collector.endpoint, traces_dir=tmp_path))
        telemetry.take_spans()
        with telemetry.tracer.start_as_current_span("POST /v1/agreements", kind=SpanKind.SERVER):
            pass
        SpanTemplate("process interurbe.partners", SpanKind.CONSUMER).record(child_of(MAKER), MAKER, (1, 2), {"a": "b"}, (MAKER,))  # type: ignore[arg-type]  # MAKER is a valid header
        telemetry.close(timeout=60)
    assert collector.refused == 1
    assert [(service, span.name) for service, span in collector.spans] == [
        ("partners", "POST /v1/agreements"),
        ("partners", "process interurbe.partners"),
    ]
    processed = collector.spans[1][1]
    assert processed.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert processed.parent_span_id.hex() == processed.links[0].span_id.hex() == "b7ad6b7169203331"
    assert telemetry.metrics.registry.get_sample_value("interurbe_spans_dropped_total") == 0
    assert not list(tmp_path.iterdir())


def test_a_collector_that_is_away_holds_nobody_up() -> None:
    lost: list[int] = []
    stuck = Stuck()
    waiting = SpanQueue(stuck, lost.append, delay=0.0)
    waiting.take(one_span())
    stuck.reached.wait()
    for _ in range(queue.LIMIT + 100):
        waiting.take(one_span())
    assert sum(lost) == 100
    waiting.shutdown(timeout=0.05)
    assert sum(lost) >= 100
    waiting.take(one_span())
    assert sum(lost) > 100


def test_a_full_disk_is_counted_and_the_queue_goes_on() -> None:
    lost: list[int] = []
    waiting = SpanQueue(Broken(), lost.append, delay=0.0)
    waiting.take(one_span())
    assert waiting.force_flush()
    waiting.take(one_span())
    waiting.shutdown()
    assert sum(lost) == 2
