"""One trace read back from the span files of every service, and drawn as a tree."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from re import fullmatch
from typing import Any

SHOWN = (
    "http.response.status_code",
    "error.type",
    "messaging.kafka.message.key",
    "cloudevents.event_type",
    "messaging.consumer.group.name",
    "messaging.batch.message_count",
    "messaging.delivery.attempt",
)
OWN = "interurbe."
WIDEST = 120


class TraceNotFound(LookupError):
    """No trace, or more than one, answers to what was asked for; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A span as it was written: ids in hex, times in ns since 1970 (UTC)."""

    trace: str
    span: str
    parent: str | None
    service: str
    name: str
    kind: str
    start: int
    end: int
    attributes: dict[str, Any] = field(default_factory=dict)
    error: bool = False
    links: tuple[str, ...] = ()

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) / 1e6


def load_trace(folder: Path, trace_id: str) -> list[SpanRow]:
    """The spans of one trace, oldest first, from all files below `folder`; `trace_id` may be cut short to 8 digits or more.

    Raises TraceNotFound when it is no trace id, when none begins with it, or when several do.
    """
    wanted = trace_id.strip().lower().replace("-", "")
    if not fullmatch(r"[0-9a-f]{8,32}", wanted):
        raise TraceNotFound(f"{trace_id!r} is not a trace id: it has 32 digits 0-9 a-f, of which the first 8 will do")
    rows = {(row.trace, row.span): row for row in _rows(folder, wanted)}
    found = sorted({row.trace for row in rows.values()})
    if not found:
        raise TraceNotFound(f"no span of trace {wanted} is in {folder}: it was not kept, it is older than the files, or they are elsewhere")
    if len(found) > 1:
        raise TraceNotFound(f"{len(found)} traces begin with {wanted}; give more digits of one: {', '.join(found[:5])}")
    return sorted(rows.values(), key=lambda row: (row.start, row.end))


def _rows(folder: Path, wanted: str) -> Iterator[SpanRow]:
    mark = f'"trace":"{wanted}'.encode()
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                if mark in line and (row := _row(line)) is not None and row.trace.startswith(wanted):
                    yield row


def _row(line: bytes) -> SpanRow | None:
    try:
        found = json.loads(line)
        return SpanRow(
            **{name: found[name] for name in ("trace", "span", "parent", "service", "name", "kind", "start", "end", "attributes")},
            error=bool(found.get("error")),
            links=tuple(found.get("links", ())),
        )
    except (ValueError, KeyError, TypeError):  # the torn last line of a process that was killed
        return None


def tree(rows: Sequence[SpanRow]) -> str:
    """The trace as text: offset from its start and duration in ms, service, and the spans below one another.

    A span whose parent is in no file is drawn at the top and says so: a client's own span, or one that was lost.
    """
    if not rows:
        return "no spans"
    start = min(row.start for row in rows)
    width = max(len(row.service) for row in rows)
    lines = [_heading(rows, start), f"{'at ms':>10}  {'took ms':>9}  {'service':<{width}}  span"]
    for row, prefix in _drawn(rows):
        offset = (row.start - start) / 1e6
        lines.append(f"{offset:>10.1f}  {row.milliseconds:>9.1f}  {row.service:<{width}}  {prefix}{_told(row)}")
    return "\n".join(lines)


def _heading(rows: Sequence[SpanRow], start: int) -> str:
    seconds = (max(row.end for row in rows) - start) / 1e9
    services = len({row.service for row in rows})
    when = datetime.fromtimestamp(start / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"trace {rows[0].trace} · {_many(len(rows), 'span')} of {_many(services, 'service')} · {seconds:.3f} s from {when} UTC"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _drawn(rows: Sequence[SpanRow]) -> Iterator[tuple[SpanRow, str]]:
    known = {row.span for row in rows}
    below: dict[str | None, list[SpanRow]] = {}
    for row in sorted(rows, key=lambda one: (one.start, one.end), reverse=True):
        below.setdefault(row.parent if row.parent in known and row.parent != row.span else None, []).append(row)
    waiting = [(row, "" if row.parent is None else f"(parent {row.parent} is not here) ", "") for row in below.get(None, ())]
    while waiting:
        row, prefix, indent = waiting.pop()
        yield row, prefix
        children = below.get(row.span, [])
        for place, child in enumerate(children):
            last = place == 0
            below_it = indent + ("   " if last else "│  ") if len(indent) < WIDEST else indent
            waiting.append((child, indent + ("└─ " if last else "├─ "), below_it))


def _told(row: SpanRow) -> str:
    shown = [str(row.attributes[name]) for name in SHOWN if name in row.attributes]
    shown += [f"{name.removeprefix(OWN)}={value}" for name, value in row.attributes.items() if name.startswith(OWN)]
    about = f"  [{', '.join(shown)}]" if shown else ""
    return f"{row.name}{' ✗' if row.error else ''}{about}"
