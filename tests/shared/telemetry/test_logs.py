"""Logs: one line of JSON each, with the trace, from structlog and the standard library alike, and without secrets."""

import io
import json
import logging
import sys

import pytest
import structlog

from shared.telemetry.redaction import clean, redact
from shared.telemetry.tracing import span_context, under
from tests.fixtures.logs import Lines

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_line_says_when_who_what_and_in_which_trace(lines: Lines) -> None:
    with under(span_context(TRACEPARENT)):
        structlog.get_logger("interurbe.test").warning("a fact was parked", subject="agreement/1", sequence=3)
    (line,) = lines()
    assert list(line)[:4] == ["time", "level", "service", "event"]
    assert line | {"time": ""} == {
        "time": "",
        "level": "warning",
        "service": "partners",
        "event": "a fact was parked",
        "subject": "agreement/1",
        "sequence": 3,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
    }


def test_the_standard_librarys_logs_look_the_same(lines: Lines) -> None:
    with under(span_context(TRACEPARENT)):
        logging.getLogger("some.library").error("cannot reach %s", "amqp://guest:guest@host")
    (line,) = lines()
    assert (line["level"], line["logger"], line["trace_id"][:4]) == ("error", "some.library", "0af7")
    assert line["event"] == "cannot reach amqp://guest:[redacted]@host"


def test_an_exception_is_told_with_its_place(lines: Lines) -> None:
    try:
        int("no mail for ana@medellin.example")
    except ValueError:
        structlog.get_logger().exception("step failed")
        logging.getLogger("some.library").exception("step failed")
    for line in lines():
        assert "test_logs.py" in line["exception"]
        assert "no mail for [address]" in line["exception"]


def test_a_repeating_library_is_heard_five_times_a_minute(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("shared.telemetry.logs.monotonic", lambda: clock[0])
    for number in range(40):
        logging.getLogger("aiokafka.conn").error("Unable to connect to node %d", number)
    clock[0] += 61
    logging.getLogger("aiokafka.conn").error("Unable to connect to node %d", 41)
    said = lines()
    assert len(said) == 6
    assert said[-1]["repeated"] == 35


def test_what_is_not_worth_a_line_is_not_written(lines: Lines) -> None:
    structlog.get_logger().debug("too fine")
    logging.getLogger("aiokafka").info("Discovered coordinator")
    logging.getLogger("uvicorn.access").info("GET /")
    assert lines() == []


def test_a_closed_stderr_stops_nobody(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    structlog.get_logger().error("into the void")


def test_an_error_that_ends_the_process_is_a_line_too(lines: Lines) -> None:
    error = RuntimeError("secret=abc?token=xyz")
    sys.excepthook(RuntimeError, error, None)
    (line,) = lines()
    assert line["level"] == "critical"
    assert "xyz" not in line["exception"]


@pytest.mark.parametrize(
    "name", ["authorization", "Password", "smtp_password", "client_secret", "access_token", "email", "e-mail", "recipient"]
)
def test_values_of_telling_names_are_hidden(name: str) -> None:
    assert redact({name: "value"}) == {name: "[redacted]"}
    assert redact({"deep": {"er": [{name: "value"}]}}) == {"deep": {"er": [{name: "[redacted]"}]}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://partners:pa55w0rd@127.0.0.1/partners", "postgresql://partners:[redacted]@127.0.0.1/partners"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
        ("got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "got [redacted]"),
        ("GET /v1/confirm?token=s3cr3t&lang=es", "GET /v1/confirm?token=[redacted]&lang=es"),
        ("550 <ana.maria@alcaldía.medellin.gov.co> unknown", "550 <[address]> unknown"),
        ("DETAIL:  Failing row contains (1, Ana Restrepo, +57 604 123 4567).", "DETAIL:  Failing row contains [redacted]"),
        ("invalid input for query argument $2: 'Ana' (a date is needed)", "invalid input for query argument $2: [redacted]"),
        ("nothing to hide: 12:30, a/b, 50 %", "nothing to hide: 12:30, a/b, 50 %"),
    ],
)
def test_secrets_and_addresses_within_texts_are_hidden(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_what_is_no_text_is_left_alone() -> None:
    assert redact({"count": 3, "ok": True, "none": None, "message_id": "<0199@interurbe.example>"}) == {
        "count": 3,
        "ok": True,
        "none": None,
        "message_id": "<0199@interurbe.example>",
    }


def test_a_failure_of_a_test_is_told_without_what_its_frames_held(capsys: pytest.CaptureFixture[str]) -> None:
    """To show that takes seconds of a running event loop, so that everything else the test waits for seems slow (`tests/conftest.py`)."""
    held = "what a frame held"
    try:
        json.loads("no JSON")
    except ValueError:
        structlog.get_logger("interurbe.test").exception("request failed", length=len(held))
    told = capsys.readouterr().out
    assert "JSONDecodeError: Expecting value" in told
    assert held not in told
