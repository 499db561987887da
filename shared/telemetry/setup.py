"""One object per process that owns its traces and metrics, and the choice of where they go."""

from typing import Self

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from shared.settings import Settings, TelemetrySettings
from shared.telemetry import logs, spans
from shared.telemetry.metrics import Metrics
from shared.telemetry.queue import SpanQueue

TRACER = "interurbe"
OTLP_SECONDS = 10.0


class Telemetry:
    """Traces and metrics of the process `service`; `install` makes it the one that library code reports to."""

    def __init__(self, service: str, settings: TelemetrySettings) -> None:
        self.service = service
        self.settings = settings
        self.metrics = Metrics()
        self.resource = Resource(
            {"service.name": service, "service.namespace": "interurbe", "deployment.environment.name": settings.environment}
        )
        self.provider = TracerProvider(
            resource=self.resource, sampler=ParentBased(TraceIdRatioBased(settings.trace_ratio)), shutdown_on_exit=False
        )
        self.queue = SpanQueue(_exporter(service, settings), self.metrics.spans_dropped_total.inc)
        self.provider.add_span_processor(self.queue)

    @property
    def tracer(self) -> trace.Tracer:
        """The tracer of this process's own spans."""
        return self.provider.get_tracer(TRACER)

    @property
    def bus_system(self) -> str:
        """What the messaging conventions call the bus: `kafka` or `postgresql`."""
        return "kafka" if isinstance(self.settings, Settings) and self.settings.kafka else "postgresql"

    def install(self) -> Self:
        """Make library code (`opentelemetry.trace.get_tracer`, `SpanTemplate`, logging) of this process report here."""
        trace.set_tracer_provider(self.provider)
        self.take_spans()
        logs.configure(self.service, self.settings.log_level)
        return self

    def take_spans(self) -> None:
        """Take the spans of `SpanTemplate` and `record_span`."""
        spans.send_to(self.queue.take, self.resource)

    def flush(self, timeout: float = 3.0) -> bool:
        """Export what has ended so far; False when that took longer than `timeout` seconds. Blocks: not for an event loop."""
        return self.queue.force_flush(int(timeout * 1000))

    def close(self, timeout: float = 3.0) -> None:
        """Export what is left, for at most about `timeout` seconds, and take no more. Blocks."""
        spans.send_to(None, self.resource)
        self.queue.shutdown(timeout)


def _exporter(service: str, settings: TelemetrySettings) -> SpanExporter:
    if settings.otlp_endpoint is None:
        from shared.telemetry.tracefile import SpanFiles  # noqa: PLC0415 - only the one that is used is loaded

        return SpanFiles(settings.traces_dir, service)
    from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: PLC0415 - costs 6 MB, so only with a collector
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the same

    endpoint = settings.otlp_endpoint.removesuffix("/v1/traces") + "/v1/traces"
    return OTLPSpanExporter(endpoint=endpoint, timeout=OTLP_SECONDS, compression=Compression.Gzip)
