"""What the relay tells of what it sent: a span each, or one for a backlog."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings, TelemetrySettings
from shared.telemetry import Telemetry
from shared.telemetry.messaging import MOST_LINKS, MOST_SINGLE, Sent, sent_spans
from shared.telemetry.tracetree import load_trace
from tests.shared.telemetry.test_tracefile import TRACE

MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGAN = int(MADE.timestamp() * 1e9) + 250_000_000


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    """Spans go to a file below the test's own folder."""
    made = Telemetry("partners", TelemetrySettings(traces_dir=tmp_path))
    made.take_spans()
    yield made
    made.close()


def sent(number: int = 1, **more: Any) -> Sent:
    headers = [("ce_id", f"id-{number}".encode()), ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())]
    fields = {"topic": "interurbe.partners", "type": "org.interurbe.agreement.signed.v1", "subject": "agreement/1"}
    return Sent(**{**fields, "headers": headers, "created_at": MADE, "attempt": 1, "error": None, **more})


def test_a_fact_is_a_child_of_the_request_that_made_it(telemetry: Telemetry, tmp_path: Path) -> None:
    sent_spans(telemetry, [sent(), sent(2, headers=[]), sent(3, attempt=2, error="RecordRefused")], BEGAN, BEGAN + 1_000_000)
    telemetry.flush()
    first, failed = load_trace(tmp_path, TRACE)
    assert (first.name, first.kind, first.parent) == ("send interurbe.partners", "producer", "b7ad6b7169203331")
    assert first.attributes == {
        "messaging.system": "postgresql",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "interurbe.partners",
        "messaging.message.id": "id-1",
        "messaging.kafka.message.key": "agreement/1",
        "cloudevents.event_type": "org.interurbe.agreement.signed.v1",
        "interurbe.outbox.waited_ms": 250.0,
    }
    assert failed.error
    assert failed.attributes["messaging.delivery.attempt"] == 2


def test_a_backlog_is_one_span_that_links_to_its_makers(telemetry: Telemetry, tmp_path: Path) -> None:
    sent_spans(telemetry, [sent(number) for number in range(MOST_SINGLE + 100)], BEGAN, BEGAN + 1)
    telemetry.flush()
    lines = next(tmp_path.glob("*.jsonl")).read_text().splitlines()
    assert len(lines) == 1
    assert f'"messaging.batch.message_count":{MOST_SINGLE + 100}' in lines[0]
    assert lines[0].count(f'"{TRACE}-b7ad6b7169203331"') == MOST_LINKS


def test_the_bus_has_the_conventions_name(tmp_path: Path) -> None:
    url: Any = "postgresql://a:b@host/name"
    settings = Settings(database_url=url, kafka_bootstrap_servers="one:9092", traces_dir=tmp_path)
    assert Telemetry("partners", settings).bus_system == "kafka"
