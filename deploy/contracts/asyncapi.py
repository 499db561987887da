"""`make asyncapi`: the catalogue of facts as an AsyncAPI 3 document and as a page, both made from the classes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from deploy.contracts.catalogue import TOP, Consumer, consumers, topics
from shared.events import EVENTS, Event

DOCUMENT = TOP / "shared" / "events" / "asyncapi.yaml"
PAGE = TOP / "shared" / "events" / "CATALOGUE.md"
PARTITIONS = 6
BINDING = "0.5.0"
TEXT = {"type": "string"}
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "content-type": TEXT | {"const": "application/json"},
    "ce_specversion": TEXT | {"const": "1.0"},
    "ce_id": TEXT | {"format": "uuid", "description": "uuid7; the same however often the fact is delivered"},
    "ce_source": TEXT | {"description": "/interurbe/<publisher>"},
    "ce_type": TEXT | {"description": "org.interurbe.<subject>.<fact>.v<N>"},
    "ce_subject": TEXT | {"description": "<kind>/<id> of the thing the fact is about"},
    "ce_time": TEXT | {"format": "date-time"},
    "ce_dataschema": TEXT | {"format": "uri"},
    "ce_sequence": TEXT | {"pattern": "^[1-9][0-9]*$", "description": "1, 2, 3 … per subject, without gaps"},
    "ce_partitionkey": TEXT | {"description": "equal to the message key: the subject"},
    "ce_visibility": TEXT | {"enum": ["owner", "parties", "network", "public"]},
    "ce_audience": TEXT | {"description": "ids of the partners who may know, separated by commas"},
    "ce_correlationid": TEXT | {"description": "the same along everything that one request set off"},
    "ce_causationid": TEXT | {"description": "the id of the event that this one answers"},
    "ce_sandbox": TEXT | {"const": "true", "description": "only on facts of the sandbox: they happened for trying out, and nobody is told"},
    "traceparent": TEXT | {"description": "W3C Trace Context of the request that caused the fact"},
    "tracestate": TEXT,
}
OPTIONAL = ("ce_audience", "ce_correlationid", "ce_causationid", "ce_sandbox", "traceparent", "tracestate")


def document() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: a channel per topic, an operation per publisher and per consumer."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Interurbe",
            "version": "1",
            "description": "What the services of Interurbe tell each other: CloudEvents 1.0 over Kafka, binary mode, keyed by subject.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_short(topic): _channel(topic, events) for topic, events in topics().items()},
        "operations": _publishing() | _consuming(),
        "components": {
            "messages": {event.TYPE: _message(event) for event in EVENTS.values()},
            "schemas": {"CloudEventHeaders": _headers()} | _schemas(),
        },
    }


def page() -> str:
    """The same for people: a table per topic."""
    lines = [
        "# The catalogue of facts",
        "",
        "Written by `make asyncapi` from the classes beside this page; `asyncapi.yaml` says the same to programs.",
    ]
    for topic, events in topics().items():
        lines += ["", f"## {topic}", "", "| fact | type | says | consumed by |", "|---|---|---|---|"]
        lines += [f"| {event.__name__} | `{event.TYPE}` | {_says(event)} | {_heard_by(event)} |" for event in events]
    return "\n".join(lines) + "\n"


def _short(topic: str) -> str:
    return topic.removeprefix("interurbe.")


def _says(event: type[Event]) -> str:
    return (inspect.getdoc(event) or "").splitlines()[0].replace("``", "`").replace("|", "\\|")


def _heard_by(event: type[Event]) -> str:
    return ", ".join(consumer.name for consumer in consumers() if event in consumer.events) or "nobody yet"


def _channel(topic: str, events: Iterable[type[Event]]) -> dict[str, Any]:
    return {
        "address": topic,
        "description": f"The facts that {_short(topic)} publishes; those of one subject keep their order.",
        "messages": {event.TYPE: {"$ref": f"#/components/messages/{event.TYPE}"} for event in events},
        "bindings": {"kafka": {"topic": topic, "partitions": PARTITIONS, "bindingVersion": BINDING}},
    }


def _publishing() -> dict[str, Any]:
    return {
        f"{_short(topic)}.publish": {"action": "send", "channel": {"$ref": f"#/channels/{_short(topic)}"}, "messages": _refs(topic, events)}
        for topic, events in topics().items()
    }


def _consuming() -> dict[str, Any]:
    return {
        f"{consumer.name}.from.{_short(topic)}": _receive(consumer, topic, [event for event in events if event in consumer.events])
        for consumer in consumers()
        for topic, events in topics().items()
        if set(events) & set(consumer.events)
    }


def _receive(consumer: Consumer, topic: str, events: Iterable[type[Event]]) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{_short(topic)}"},
        "messages": _refs(topic, events),
        "bindings": {"kafka": {"groupId": {"type": "string", "const": f"interurbe.{consumer.name}"}, "bindingVersion": BINDING}},
    }


def _refs(topic: str, events: Iterable[type[Event]]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/{_short(topic)}/messages/{event.TYPE}"} for event in events]


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.TYPE,
        "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event.__name__),
        "summary": _says(event),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "the subject"}, "bindingVersion": BINDING}},
        "examples": [{"name": name, "payload": _golden(event, name)} for name in ("least", "full")],
    }


def _golden(event: type[Event], name: str) -> Any:
    path: Path = TOP / "shared" / "events" / "samples" / event.TYPE / f"{name}.json"
    return json.loads(path.read_text())["data"]


def _headers() -> dict[str, Any]:
    required = [name for name in HEADERS if name not in OPTIONAL]
    return {"type": "object", "properties": {name: dict(schema) for name, schema in HEADERS.items()}, "required": required}


def _schemas() -> dict[str, Any]:
    models = [(event, "validation") for event in EVENTS.values()]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type] # invariant Literal
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def main() -> None:
    """Writes both."""
    DOCUMENT.write_text(yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=140))
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
