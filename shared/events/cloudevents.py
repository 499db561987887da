"""CloudEvents 1.0 over Kafka: binary mode out, binary and structured mode in.

Source: CloudEvents Kafka protocol binding 1.0.2 (headers ``ce_*``, value = data) and JSON event format 1.0.2;
W3C Trace Context travels once, unprefixed, as ``traceparent`` and ``tracestate``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from shared.events.envelope import Envelope, Visibility
from shared.events.event import EVENTS, Event

Headers = list[tuple[str, bytes]]
_EXTENSIONS = ("partitionkey", "dataschema", "visibility", "audience", "correlationid", "causationid", "sandbox")
_REQUIRED = ("specversion", "id", "source", "type", "subject", "time", "sequence")
_TRACE = ("traceparent", "tracestate")
_HEADERS = {f"ce_{name}": name for name in (*_REQUIRED, *_EXTENSIONS)} | {name: name for name in ("content-type", *_TRACE)}
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no attribute may contain (CloudEvents 1.0.2, 3.1), and no database takes as text."""

_VISIBILITIES = {one.value: one for one in Visibility}
"""One that is not among them came from a newer publisher: who is not in the audience is then not told."""

LONGEST_NAME = 500
"""Characters of a subject or type at the most: more does not fit into an index, and no thing of ours is named so."""

LARGEST_SEQUENCE = 2**31 - 1
_NO_DATA = "the message has no value (a tombstone), so there is no fact in it"


class Unreadable(ValueError):
    """A message that cannot be understood as an event.

    ``reason`` is a stable code, ``str()`` the words for an operator, ``attributes`` the context if that much could be read.
    """

    def __init__(self, reason: str, words: str, attributes: Attributes | None = None) -> None:
        super().__init__(words)
        self.reason = reason
        self.attributes = attributes


class UnknownType(Unreadable):
    """A well-formed event of a type or version this code does not know."""

    def __init__(self, attributes: Attributes) -> None:
        super().__init__("unknown-type", f"event type {attributes.type!r} is not known here; upgrade this service, then retry", attributes)


class Attributes(NamedTuple):
    """The context attributes of a message, checked, before its data is looked at; ``told`` is everything as it was told."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: int
    told: Mapping[str, str]


def to_headers(envelope: Envelope) -> Headers:
    """The binary-mode headers of an event, trace context last and once."""
    pairs: list[tuple[str, str]] = [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", envelope.id),
        ("ce_source", envelope.source),
        ("ce_type", envelope.type),
        ("ce_subject", envelope.subject),
        ("ce_time", envelope.time.isoformat().replace("+00:00", "Z")),
        ("ce_dataschema", envelope.dataschema),
        ("ce_sequence", str(envelope.sequence)),
        ("ce_partitionkey", envelope.partitionkey),
        ("ce_visibility", envelope.visibility),
        ("ce_audience", ",".join(envelope.audience)),
    ]
    pairs += [(f"ce_{name}", value) for name in ("correlationid", "causationid") if (value := getattr(envelope, name))]
    pairs += [("ce_sandbox", "true")] if envelope.sandbox else []
    pairs += [(name, value) for name in _TRACE if (value := getattr(envelope, name))]
    return [(name, value.encode()) for name, value in pairs if value]


def to_data(envelope: Envelope) -> bytes:
    """The JSON data of an event: the value of its message in binary mode. Whether it is a valid one, `from_message` says."""
    return envelope.data.model_dump_json(exclude_none=True, warnings=False).encode()


def from_message(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> Envelope:
    """The event in a message, of either mode.

    Raises `Unreadable` (with the reason) for anything that is not a valid event, and its subclass `UnknownType` for a type or
    version this code has no class for.
    """
    told = _told(headers)
    content_type = told.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith("application/cloudevents-batch"):
        raise Unreadable("batch-mode", "a batch of events in one message: the Kafka binding has no batch mode")
    if content_type.startswith("application/cloudevents"):
        raw, data = _structured(value)
        attributes = _attributes(raw | {name: told[name] for name in _TRACE if name in told})
        return _envelope(attributes, _validated(attributes, data=data))
    attributes = _attributes(told)
    return _envelope(attributes, _validated(attributes, value=value))


def _told(headers: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """The attributes by name (without ``ce_``), the content type and the trace context; other headers are not ours."""
    try:
        told = {_HEADERS[header]: value.decode() for header, value in headers}
    except (KeyError, UnicodeDecodeError, AttributeError):
        return _told_otherwise(headers)
    return told if len(told) == len(headers) else _told_otherwise(headers)


def _told_otherwise(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    """The same, header by header, for messages that are not just as ours are."""
    told: dict[str, str] = {}
    for header, value in headers:
        name = _HEADERS.get(header) or _spelled_otherwise(header)
        if name is None:
            continue
        if name in told:
            raise Unreadable("duplicate-header", f"header {header!r} appears more than once")
        try:
            told[name] = (value or b"").decode()
        except UnicodeDecodeError as error:
            raise Unreadable("bad-utf8", f"header {header!r} is not UTF-8") from error
    return told


def _spelled_otherwise(header: str) -> str | None:
    lower = header.lower()
    return _HEADERS.get(lower) or (lower[3:] if lower.startswith("ce_") else None)


def _validated(attributes: Attributes, *, value: bytes | None = None, data: Any = None) -> Event:
    """The event of the attributes' type, from JSON bytes or from data already read."""
    event_class = EVENTS.get(attributes.type)
    if event_class is None:
        raise UnknownType(attributes)
    if data is None and not value:
        raise Unreadable("no-data", _NO_DATA, attributes)
    try:
        return event_class.model_validate_json(value) if value else event_class.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise Unreadable("bad-json", f"the data is not JSON in UTF-8: {first['msg']}", attributes) from error
        where = "/".join(str(part) for part in first["loc"])
        raise Unreadable("wrong-schema", f"data does not fit {attributes.type}: {where}: {first['msg']}", attributes) from error


def _json(value: bytes | None) -> Any:
    if not value:
        raise Unreadable("no-data", _NO_DATA)
    try:
        return json.loads(value)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Unreadable("bad-json", f"the data is not JSON in UTF-8: {error}") from error


def _structured(value: bytes | None) -> tuple[dict[str, str], Any]:
    event = _json(value)
    if not isinstance(event, dict):
        raise Unreadable("bad-json", "a structured event must be a JSON object")
    if "data" not in event:
        raise Unreadable("no-data", "the structured event has no 'data' member")
    return {name: str(item) for name, item in event.items() if name != "data" and item is not None}, event["data"]


def _attributes(raw: Mapping[str, str]) -> Attributes:
    told = [raw.get(name, "") for name in _REQUIRED]
    if not all(told):
        missing = ", ".join(name for name, value in zip(_REQUIRED, told, strict=True) if not value)
        raise Unreadable("missing-attribute", f"required attribute missing: {missing}")
    version, event_id, source, kind, subject, when, number = told
    if version != "1.0":
        raise Unreadable("specversion", f"CloudEvents {version!r} is not supported; send 1.0")
    try:
        time, sequence = datetime.fromisoformat(when), _number(number)
    except ValueError as error:
        raise Unreadable("bad-attribute", f"'time' must be RFC 3339 and 'sequence' an integer: {error}") from error
    if time.tzinfo is None or not 1 <= sequence <= LARGEST_SEQUENCE:
        raise Unreadable("bad-attribute", f"'time' must carry an offset and 'sequence' must be between 1 and {LARGEST_SEQUENCE}")
    if len(subject) > LONGEST_NAME or len(kind) > LONGEST_NAME or _unfit(event_id + source + kind + subject):
        rule = f"'subject' and 'type' have at most {LONGEST_NAME} characters, and no attribute has control characters or half surrogates"
        raise Unreadable("bad-attribute", rule)
    attributes = Attributes(event_id, source, kind, subject, time, sequence, raw)
    if _unfit("".join([raw.get(name, "") for name in _EXTENSIONS])):
        raise Unreadable("bad-attribute", "an extension attribute has control characters or half surrogates", attributes)
    return attributes


def _unfit(text: str) -> bool:
    return not text.isprintable() and _UNFIT.search(text) is not None


def _number(text: str) -> int:
    """The integer a text of digits writes; Python's own reading would also take ``1_0``, ``+1`` and the digits of other scripts."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text[:40]!r} is not written in digits")
    return int(text)


def _envelope(attributes: Attributes, event: Event) -> Envelope:
    event_id, source, kind, subject, time, sequence, told = attributes
    audience = told.get("audience")
    return Envelope(
        event_id, source, kind, subject, time, sequence, event, told.get("partitionkey") or subject, told.get("dataschema", ""),
        _VISIBILITIES.get(told.get("visibility", ""), Visibility.PARTIES), tuple(filter(None, audience.split(","))) if audience else (),
        told.get("correlationid") or None, told.get("causationid") or None, told.get("traceparent") or None, told.get("tracestate") or None,
        told.get("sandbox", "").lower() == "true",
    )  # fmt: skip
