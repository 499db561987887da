"""The one middleware: limits before anything is parsed, a time limit, a span, a metric, security headers, and no bare 500."""

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.headers import secured
from shared.http.limits import Limits
from shared.http.problems import answer, answer_exception, shown_path
from shared.http.refusals import AddressTooLong, HeadersTooLarge, TookTooLong
from shared.refusals import Malformed, Refusal
from shared.telemetry import SpanTemplate, correlation_id, span_context
from shared.telemetry.tracing import child_of

if TYPE_CHECKING:
    from shared.process import Runtime

GONE: Final = 499
NO_ROUTE: Final = "(none)"

_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_KEPT: Final = TraceFlags(TraceFlags.SAMPLED)
_NOT_KEPT: Final = TraceFlags(TraceFlags.DEFAULT)
_QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})


class Guard:
    """Wraps an application; every request passes through it, whatever becomes of it."""

    def __init__(self, app: ASGIApp, runtime: "Runtime", limits: Limits) -> None:
        """Guard ``app``; no request goes beyond ``limits``."""
        self._app = app
        self._limits = limits
        self._ratio = runtime.telemetry.settings.trace_ratio
        self._durations = runtime.telemetry.metrics.http_requests_seconds
        self._children: dict[tuple[str, str, int], Any] = {}
        self._templates: dict[tuple[str, str], SpanTemplate] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (anything else passes through)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        exchange = _Exchange(scope, send)
        span, parent = self._identity(scope)
        began, started = time.time_ns(), time.perf_counter()
        context = attach(trace.set_span_in_context(NonRecordingSpan(span)))
        exchange.trace_id = f"{span.trace_id:032x}"
        correlation = correlation_id.set(exchange.trace_id)
        try:
            await self._serve(exchange, receive)
        finally:
            correlation_id.reset(correlation)
            detach(context)
            self._measure(exchange, time.perf_counter() - started)
            self._trace(exchange, span, parent, began)

    async def _serve(self, exchange: "_Exchange", receive: Receive) -> None:
        scope = exchange.scope
        refusal = _beyond(self._limits, scope)
        if refusal is not None:
            await answer(refusal, scope)(scope, receive, exchange.send)
            return
        limit = scope["state"]["deadline"] = asyncio.timeout(self._limits.seconds)
        try:
            async with limit:
                await self._app(scope, receive, exchange.send)
        except ClientDisconnect:
            exchange.status = GONE
        except Exception as problem:  # the last place where a defect becomes an answer and a log line
            exchange.error = type(problem).__name__
            if exchange.status:
                raise
            late = TookTooLong(f"The request took longer than {self._limits.seconds:g} seconds.", fix="Try again later.")
            told = late if limit.expired() else problem
            await answer_exception(told, scope)(scope, receive, exchange.send)

    def _identity(self, scope: Scope) -> tuple[SpanContext, SpanContext | None]:
        """The request's own span and its parent; what a stranger asks to be sampled stays within our own ratio."""
        parent = _parent(scope)
        span = child_of(parent)
        if self._ratio < 1.0:
            asked = parent is None or bool(parent.trace_flags & 1)
            kept = asked and (random.random() if parent is None else (span.trace_id & 0xFFFFFFFF) / 2**32) < self._ratio  # noqa: S311 - sampling
            span = SpanContext(span.trace_id, span.span_id, False, _KEPT if kept else _NOT_KEPT, span.trace_state)
        return span, parent

    def _measure(self, exchange: "_Exchange", seconds: float) -> None:
        key = (exchange.method, exchange.route, exchange.status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._durations.labels(*map(str, key))
        child.observe(seconds)

    def _trace(self, exchange: "_Exchange", span: SpanContext, parent: SpanContext | None, began: int) -> None:
        if exchange.scope["path"] in _QUIET:
            return
        key = (exchange.method, exchange.route)
        template = self._templates.get(key)
        if template is None:
            name = exchange.method if exchange.route == NO_ROUTE else f"{exchange.method} {exchange.route}"
            template = SpanTemplate(name, SpanKind.SERVER, {"http.request.method": exchange.method, "http.route": exchange.route})
            self._templates[key] = template
        attributes: dict[str, str | int] = {"url.path": shown_path(exchange.scope)[:256], "http.response.status_code": exchange.status}
        if exchange.error is not None or exchange.status >= 500:
            attributes["error.type"] = exchange.error or str(exchange.status)
        template.record(span, parent, (began, time.time_ns()), attributes)


class _Exchange:
    """What is known of one request and its answer."""

    __slots__ = ("_head", "_send", "error", "method", "scope", "status", "trace_id")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._head = scope["method"] == "HEAD"
        # a copy: the server leaves out bodies, and does not count their bytes, by the method in its own scope
        self.scope = {**scope, "method": "GET"} if self._head else scope
        self.status = 0
        self.error: str | None = None
        self.trace_id = ""
        self.method: str = scope["method"] if scope["method"] in _KNOWN_METHODS else "_OTHER"
        self._send = send

    @property
    def route(self) -> str:
        """The template of the path, so that metrics do not grow with ids."""
        path = getattr(self.scope.get("route"), "path", None)
        return path if isinstance(path, str) else NO_ROUTE

    async def send(self, message: Message) -> None:
        """Send on, with our headers on every answer and no body on the answer to a HEAD."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            state = self.scope["state"]
            told = (*state.get("allowance", ()), *state.get("marked", ()))
            message["headers"] = [*secured(message.get("headers", ()), self.trace_id), *told]
        elif self._head and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)


def _parent(scope: Scope) -> SpanContext | None:
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in (b"traceparent", b"tracestate"):
            if name in found:
                return None
            found[name] = value
    if b"traceparent" not in found:
        return None
    return span_context(found[b"traceparent"].decode("latin-1"), found.get(b"tracestate", b"").decode("latin-1"))


def _beyond(limits: Limits, scope: Scope) -> Refusal | None:
    headers = scope["headers"]
    query = scope["query_string"]
    if len(headers) > limits.headers or sum([len(name) + len(value) for name, value in headers]) > limits.header_bytes:
        rule = f"At most {limits.headers} header fields with {limits.header_bytes} bytes are read."
        return HeadersTooLarge(rule, fix="Send fewer header fields.")
    if len(scope["path"]) + len(query) > limits.address:
        return AddressTooLong(f"The path and query may have {limits.address} characters.", fix="Send fewer or shorter parameters.")
    return _no_text("path", scope.get("raw_path") or b"") or _no_text("query", query)


def _no_text(place: str, written: bytes) -> Refusal | None:
    """Why a part of the address is no text; read all the same, bytes that are none would become one and the same character."""
    if b"%" not in written:
        return None
    try:
        said = unquote_to_bytes(written).decode()
    except UnicodeDecodeError:
        fix = "Encode it as UTF-8 before the percent signs: %C3%A1 is á, %E1 is nothing."
        return Malformed("The address holds bytes that are no UTF-8.", field=place, fix=fix)
    return Malformed("The address holds the character NUL.", field=place, fix="Remove %00 from it.") if "\x00" in said else None
