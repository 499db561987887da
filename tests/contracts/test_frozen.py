"""A published version never changes shape, and every sample ever shipped is still understood."""

import json
from datetime import datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft202012Validator

from deploy.contracts.compatibility import breaks
from deploy.contracts.freeze import FOLDER, digest, frozen, schema
from shared.events import EVENTS, Event
from shared.events.cloudevents import from_message, to_data, to_headers

EACH = pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.TYPE)
SAMPLES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("samples/*/*.json"))
EACH_SAMPLE = pytest.mark.parametrize("sample", SAMPLES)
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def read(path: str) -> Any:
    return json.loads((FOLDER / path).read_text())


def test_no_frozen_file_changed_or_is_gone() -> None:
    gone = [path for path in frozen() if not (FOLDER / path).exists()]
    assert gone == []
    assert [path for path, known in frozen().items() if digest(FOLDER / path) != known] == []


def test_every_schema_and_sample_is_frozen_and_has_its_class() -> None:
    present = {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("schemas/*.json")} | set(SAMPLES)
    assert present ^ set(frozen()) == set()
    assert {path.split("/")[1].removesuffix(".json") for path in present} == set(EVENTS)


@EACH
def test_every_version_is_frozen(event: type[Event]) -> None:
    assert f"schemas/{event.TYPE}.json" in frozen(), "a new version: run `make freeze`"
    assert (FOLDER / "samples" / event.TYPE / "full.json").exists()


@EACH
def test_a_frozen_version_gained_optional_fields_at_most(event: type[Event]) -> None:
    assert breaks(read(f"schemas/{event.TYPE}.json"), schema(event)) == [], "write a new version beside this one instead"


@EACH_SAMPLE
def test_a_sample_is_what_its_schema_says(sample: str) -> None:
    document = read(sample)
    validator = Draft202012Validator(read(f"schemas/{document['type']}.json"), format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(document["data"])] == []
    assert sample.split("/")[1] == document["type"]


@EACH_SAMPLE
def test_a_sample_is_understood_in_both_modes_and_loses_nothing(sample: str) -> None:
    document = read(sample)
    structured = from_message(STRUCTURED, json.dumps(document).encode())
    binary = from_message(to_headers(structured), to_data(structured))
    assert binary == structured
    assert type(structured.data) is EVENTS[document["type"]]
    assert lost(document["data"], json.loads(to_data(structured)), "data") == []


@EACH_SAMPLE
def test_another_implementation_reads_our_message_alike(sample: str) -> None:
    ours = from_message(STRUCTURED, (FOLDER / sample).read_bytes())
    message = KafkaMessage(headers=dict(to_headers(ours)), key=ours.partitionkey.encode(), value=to_data(ours))
    theirs = from_binary_event(message, JSONFormat())
    assert isinstance(theirs, CloudEvent)
    assert (theirs.get_id(), theirs.get_source(), theirs.get_type(), theirs.get_subject()) == (
        ours.id,
        ours.source,
        ours.type,
        ours.subject,
    )
    assert theirs.get_time() == ours.time == datetime.fromisoformat(read(sample)["time"])
    assert theirs.get_data() == json.loads(to_data(ours))


@EACH_SAMPLE
def test_a_newer_publisher_may_say_more(sample: str) -> None:
    document = read(sample)
    more = document | {"data": document["data"] | {"said_by_a_newer_publisher": {"deep": [1, 2]}}, "newextension": "x"}
    assert from_message(STRUCTURED, json.dumps(more).encode()).data == from_message(STRUCTURED, json.dumps(document).encode()).data


def lost(said: Any, kept: Any, place: str) -> list[str]:
    """What stood in a sample and is not in what we write; defaults that we add are no loss."""
    if isinstance(said, dict) and isinstance(kept, dict):
        return [missing for name, value in said.items() for missing in lost(value, kept.get(name), f"{place}/{name}")]
    if isinstance(said, list) and isinstance(kept, list) and len(said) == len(kept):
        return [missing for number, pair in enumerate(zip(said, kept, strict=True)) for missing in lost(*pair, f"{place}/{number}")]
    return [] if said == kept else [f"{place}: {said!r} became {kept!r}"]
