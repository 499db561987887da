"""Logs as lines of JSON on stderr, with the trace they belong to and without secrets; the standard library's logging too."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from json import dumps
from time import monotonic
from typing import Any

import structlog
from opentelemetry import trace

from shared.telemetry.redaction import redact

NOISY = {"aiokafka": logging.WARNING, "uvicorn": logging.WARNING, "uvicorn.access": logging.CRITICAL, "httpx": logging.WARNING}
NOISY |= {"httpcore": logging.WARNING, "sqlalchemy": logging.WARNING, "alembic": logging.WARNING, "asyncio": logging.WARNING}
REPEATING = ("aiokafka", "opentelemetry", "urllib3")
AT_MOST, PER_SECONDS, REMEMBERED = 5, 60.0, 500

Line = MutableMapping[str, Any]


def configure(service: str, level: str) -> None:
    """Send structlog's and the standard library's logs of this process to stderr from now on."""
    writer = _Writer(service)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _traced, _with_exception, writer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_names: _Nowhere(),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Through(writer)]
    root.setLevel(level)
    for name, least in NOISY.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))
    sys.excepthook = _uncaught


class _Writer:
    """Ends the chain: puts the line into order, hides what must be hidden, writes it."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: object, _method: str, line: Line) -> Line:
        first = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": line.pop("level", "info"), "service": self._service}
        text = dumps({**first, "event": "", **redact(line)}, ensure_ascii=False, default=str)
        try:
            sys.stderr.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # a full disk or a closed pipe must not stop the work that is logged
            pass
        raise structlog.DropEvent


class _Nowhere:
    """The logger behind the chain, which has written the line already."""

    def _nothing(self, *_args: object, **_kwargs: object) -> None:
        return None

    debug = info = warning = error = critical = exception = fatal = msg = log = _nothing


def _traced(_logger: object, _method: str, line: Line) -> Line:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"], line["span_id"] = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    return line


def _with_exception(logger: object, method: str, line: Line) -> Line:
    formatted: Callable[[Any, str, Line], Any] = structlog.processors.format_exc_info
    shown: Line = formatted(logger, method, line)
    return shown


class _Through(logging.Handler):
    """Takes the standard library's records the same way; of REPEATING loggers a message AT_MOST times per PER_SECONDS."""

    def __init__(self, writer: _Writer) -> None:
        super().__init__()
        self._writer = writer
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record unless it repeats itself too often."""
        hidden = self._hidden(record)
        if hidden is None:
            return
        line: Line = {"level": record.levelname.lower(), "event": record.getMessage(), "logger": record.name}
        if hidden:
            line["repeated"] = hidden
        if record.exc_info:
            line["exc_info"] = record.exc_info
        try:
            self._writer(None, "", _with_exception(None, "", _traced(None, "", line)))
        except structlog.DropEvent:
            return

    def _hidden(self, record: logging.LogRecord) -> int | None:
        """None: keep this one back; else how many like it were kept back before."""
        if not record.name.startswith(REPEATING):
            return 0
        key, now = (record.name, str(record.msg)), monotonic()
        since, count = self._seen.get(key, (now - PER_SECONDS, 0))
        if now - since >= PER_SECONDS:
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            self._seen[key] = (now, 1)
            return max(0, count - AT_MOST)
        self._seen[key] = (since, count + 1)
        return 0 if count < AT_MOST else None


def _uncaught(kind: type[BaseException], error: BaseException, where: Any) -> None:
    structlog.get_logger("interurbe").critical("ended by an error nobody handled", exc_info=(kind, error, where))
