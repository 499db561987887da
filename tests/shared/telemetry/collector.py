"""An OTLP/HTTP collector in this process: keeps what it is sent, and can be told to be unavailable for a while."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


class Collector:
    """`spans` holds (service, span) pairs in the order of their arrival; `refuse` the number of 503 still to be given."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.refuse = 0
        self.refused = 0
        self.endpoint = ""

    def take(self, body: bytes) -> None:
        """Keep the spans of one export."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(about["service.name"], span) for span in scope.spans]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take an export, or refuse it."""
        collector: Collector = self.server.collector  # type: ignore[attr-defined]  # put there by `collecting`
        body = self.rfile.read(int(self.headers["content-length"]))
        if collector.refuse:
            collector.refuse -= 1
            collector.refused += 1
            self.send_response(503)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        collector.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector at a free port."""
    collector = Collector()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.collector = collector  # type: ignore[attr-defined]  # how a handler finds it
    collector.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
