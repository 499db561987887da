"""CloudEvents over Kafka: what we send others can read, what others send we can read, and what is wrong says why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat

from shared.events.cloudevents import UnknownType, Unreadable, from_message, to_data, to_headers
from tests.shared.facts import TRACEPARENT, envelope

SENT = envelope(2)


def structured(**changes: Any) -> tuple[list[tuple[str, bytes]], bytes]:
    event: dict[str, Any] = {name[3:]: value.decode() for name, value in to_headers(SENT) if name.startswith("ce_")}
    event |= {"datacontenttype": "application/json", "traceparent": TRACEPARENT, "data": json.loads(to_data(SENT))} | changes
    return [("content-type", b"application/cloudevents+json; charset=UTF-8")], json.dumps(event).encode()


def without(name: str) -> list[tuple[str, bytes]]:
    return [pair for pair in to_headers(SENT) if pair[0] != name]


def test_binary_mode_comes_back_as_it_was_sent() -> None:
    assert from_message(to_headers(SENT), to_data(SENT)) == SENT


def test_structured_mode_says_the_same_as_binary_mode() -> None:
    headers, value = structured()
    assert from_message(headers, value) == SENT


def test_an_independent_library_reads_what_we_send() -> None:
    read = from_binary_event(KafkaMessage(headers=dict(to_headers(SENT)), key=b"k", value=to_data(SENT)), JSONFormat())
    assert read.get_id() == SENT.id
    assert read.get_type() == SENT.type
    assert read.get_subject() == SENT.subject
    assert read.get_extension("sequence") == "2"


def test_the_trace_context_travels_once_and_unprefixed() -> None:
    names = [name for name, _ in to_headers(SENT)]
    assert names.count("traceparent") == 1
    assert "ce_traceparent" not in names
    assert from_message(to_headers(SENT), to_data(SENT)).traceparent == TRACEPARENT


@pytest.mark.parametrize("content_type", [None, b"APPLICATION/JSON", b"application/json; charset=utf-8"])
def test_content_type_may_be_absent_or_written_otherwise(content_type: bytes | None) -> None:
    headers = without("content-type") + ([("Content-Type", content_type)] if content_type else [])
    assert from_message(headers, to_data(SENT)) == SENT


def test_unknown_fields_and_headers_are_tolerated() -> None:
    data = json.loads(to_data(SENT)) | {"invented_later": 1}
    assert from_message([*to_headers(SENT), ("ce_new", b"x"), ("other", b"\xff")], json.dumps(data).encode()) == SENT


@pytest.mark.parametrize(
    ("headers", "value", "reason"),
    [
        (without("ce_id"), to_data(SENT), "missing-attribute"),
        (without("ce_sequence"), to_data(SENT), "missing-attribute"),
        ([*without("ce_id"), ("ce_id", b"\xff\xfe")], to_data(SENT), "bad-utf8"),
        ([*to_headers(SENT), ("ce_id", b"again")], to_data(SENT), "duplicate-header"),
        ([*without("ce_specversion"), ("ce_specversion", b"0.3")], to_data(SENT), "specversion"),
        ([*without("ce_time"), ("ce_time", b"yesterday")], to_data(SENT), "bad-attribute"),
        ([*without("ce_time"), ("ce_time", b"2026-03-01T12:00:00")], to_data(SENT), "bad-attribute"),
        ([*without("ce_sequence"), ("ce_sequence", b"0")], to_data(SENT), "bad-attribute"),
        (to_headers(SENT), None, "no-data"),
        (to_headers(SENT), b"", "no-data"),
        (to_headers(SENT), b"{", "bad-json"),
        (to_headers(SENT), b'"\xff"', "bad-json"),
        (to_headers(SENT), b"[" * 100_000, "bad-json"),
        (to_headers(SENT), b'{"partner": "p1"}', "wrong-schema"),
        ([("content-type", b"application/cloudevents-batch+json")], b"[]", "batch-mode"),
        ([("content-type", b"application/cloudevents+json")], b"[]", "bad-json"),
        ([], b"{}", "missing-attribute"),
    ],
)
def test_what_cannot_be_read_says_why(headers: list[tuple[str, bytes]], value: bytes | None, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        from_message(headers, value)
    assert refused.value.reason == reason
    assert str(refused.value)


def test_an_unknown_version_keeps_its_place_in_the_order() -> None:
    headers = [*without("ce_type"), ("ce_type", b"org.interurbe.partner.updated.v9")]
    with pytest.raises(UnknownType) as refused:
        from_message(headers, to_data(SENT))
    assert refused.value.attributes is not None
    assert (refused.value.attributes.subject, refused.value.attributes.sequence) == (SENT.subject, 2)
