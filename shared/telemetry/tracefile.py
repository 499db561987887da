"""Spans as lines of JSON in files, for a machine without a collector; bounded in size, and readable while they are written.

A file is named `<service>.<random>.jsonl`. It is opened for each batch and appended to, so a `kill -9` loses at most the
last half second, and a deleted file comes back.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_FILES = 8
LONGEST_TEXT = 2000

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class SpanFiles(SpanExporter):
    """Writes the spans of one service below `folder`, and keeps at most MAX_FILES of its files of MAX_FILE_BYTES."""

    def __init__(self, folder: Path, service: str) -> None:
        self._folder = folder
        self._service = service
        self._path = self._new_path()

    def _new_path(self) -> Path:
        return self._folder / f"{self._service}.{secrets.token_hex(4)}.jsonl"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans; raises OSError when the disk is full or the folder cannot be written."""
        lines = "".join([line(span, self._service) for span in spans]).encode("utf-8", "backslashreplace")
        try:
            size = self._append(lines)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            size = self._append(lines)
        if size > MAX_FILE_BYTES:
            self._path = self._new_path()
            self._prune()
        return SpanExportResult.SUCCESS

    def _append(self, lines: bytes) -> int:
        with self._path.open("ab") as file:
            file.write(lines)
            return file.tell()

    def _prune(self) -> None:
        files = [(found.stat().st_mtime, found) for found in self._folder.glob(f"{self._service}.*.jsonl")]
        for _, old in sorted(files, reverse=True)[MAX_FILES - 1 :]:
            old.unlink(missing_ok=True)

    def shutdown(self) -> None:
        """Nothing is open between batches."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is kept back."""
        return True


def line(span: ReadableSpan, service: str) -> str:
    """A span as one line of JSON: ids in hex, times in ns since 1970 (UTC)."""
    context = span.context
    row: dict[str, Any] = {
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent is not None else None,
        "service": service,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "start": span.start_time,
        "end": span.end_time,
        "attributes": dict(span.attributes or {}),
    }
    if span.status.status_code is StatusCode.ERROR:
        row["error"] = span.status.description or True
    if span.links:
        row["links"] = [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links]
    if span.events:
        row["events"] = [_event(event) for event in span.events]
    return _encode(row) + "\n"


def _event(event: Event) -> dict[str, Any]:
    attributes = {name: value[:LONGEST_TEXT] if isinstance(value, str) else value for name, value in (event.attributes or {}).items()}
    return {"name": event.name, "at": event.timestamp, "attributes": attributes}
