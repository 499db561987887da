"""Finished spans wait here, a bounded number of them, for a thread of their own that exports them.

Nobody who ends a span ever waits: when the collector is down or slow the queue fills, and what does not fit is counted and
dropped. The thread starts with the first span and sleeps until there is another, so an idle process stays idle.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from opentelemetry.context import attach, create_key, detach, set_value
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter

LIMIT = 8192
BATCH = 512
COMPLAIN_SECONDS = 60.0

_log = logging.getLogger("interurbe.telemetry")
_QUIET = create_key("interurbe-exporting")


class SpanQueue(SpanProcessor):
    """Hands spans to `exporter` in batches, at most `delay` seconds after they ended; `dropped(n)` is told of losses."""

    def __init__(self, exporter: SpanExporter, dropped: Callable[[int], None], delay: float = 0.5) -> None:
        self._exporter = exporter
        self._dropped = dropped
        self._delay = delay
        self._waiting: deque[ReadableSpan] = deque()
        self._awake = threading.Event()
        self._full = threading.Event()
        self._exporting = threading.Lock()
        self._closing = False
        self._complained = -COMPLAIN_SECONDS
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def on_end(self, span: ReadableSpan) -> None:
        """Called by the SDK; spans of unsampled traces are not kept."""
        if span.context is not None and span.context.trace_flags & 1:
            self.take(span)

    def take(self, span: ReadableSpan) -> None:
        """Keep a finished span until it is exported, or drop it when too many wait; never blocks."""
        waiting = len(self._waiting)
        if waiting >= LIMIT or self._closing:
            self._dropped(1)
            return
        self._waiting.append(span)
        if not self._awake.is_set():
            self._awake.set()
            if self._thread is None:
                self._start()
        if waiting >= BATCH and not self._full.is_set():
            self._full.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing:
            self._awake.wait()
            self._full.wait(self._delay)
            self._awake.clear()
            self._full.clear()
            with self._exporting:
                self._drain()

    def _drain(self) -> None:
        token = attach(set_value("suppress_instrumentation", True, set_value(_QUIET, True)))
        try:
            while self._waiting:
                self._export([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
        finally:
            detach(token)

    def _export(self, batch: list[ReadableSpan]) -> None:
        try:
            kept = self._exporter.export(batch).value == 0
            reason = "the exporter refused them"
        except Exception as error:  # noqa: BLE001 - a full disk or a broken collector must not end the thread
            kept, reason = False, f"{type(error).__name__}: {error}"
        if not kept:
            self._dropped(len(batch))
            self._complain(reason)

    def _complain(self, reason: str) -> None:
        now = time.monotonic()
        if now - self._complained >= COMPLAIN_SECONDS:
            self._complained = now
            _log.warning("spans are being lost: %s", reason)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export what waits now, in the caller's thread; False when an export in progress did not end in time."""
        if not self._exporting.acquire(timeout=timeout_millis / 1000):
            return False
        try:
            self._drain()
        finally:
            self._exporting.release()
        return True

    def shutdown(self, timeout: float = 3.0) -> None:
        """Export what waits, for at most about `timeout` seconds; the rest is dropped."""
        if self._closing:
            return
        self._closing = True
        self._awake.set()
        self._full.set()
        if self._thread is not None:
            self._thread.join(timeout)
        self._dropped(len(self._waiting))
        self._waiting.clear()
        self._exporter.shutdown()
