"""Spans in files: one trace across services read back and drawn, files bounded, torn lines passed over."""

import json
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind, Status, StatusCode

from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry, tracefile
from shared.telemetry.messaging import at_offset, of_message, process_span, send_span
from shared.telemetry.tracetree import SpanRow, TraceNotFound, load_trace, tree
from shared.telemetry.tracing import child_of, span_context

TRACE = "0af7651916cd43dd8448eb211c80319c"


def row(span: str, parent: str | None, at: int, took: int, **more: object) -> SpanRow:
    """A span that began `at` ms after 2026-03-01 12:00 UTC."""
    start = 1_772_366_400_000_000_000 + at * 1_000_000
    told = {"service": "partners", "name": f"step {span}", "kind": "internal"} | more
    return SpanRow(trace=TRACE, span=span, parent=parent, start=start, end=start + took * 1_000_000, **told)  # type: ignore[arg-type]  # fields by name, for short tests


def write_story(folder: Path) -> str:
    """A request in one service, its fact handled in another; gives the trace's id."""
    partners = Telemetry("partners", TelemetrySettings(traces_dir=folder))
    initiatives = Telemetry("initiatives", TelemetrySettings(traces_dir=folder))
    partners.take_spans()
    with partners.tracer.start_as_current_span("POST /v1/agreements/{id}/sign", kind=SpanKind.SERVER) as request:
        request.set_attribute("http.response.status_code", 200)
    maker = request.get_span_context()
    about = of_message("0199", "agreement/1", "org.interurbe.agreement.signed.v1")
    send_span("kafka", "interurbe.partners").record(child_of(maker), maker, (maker.span_id, maker.span_id), about)
    partners.close()
    initiatives.take_spans()
    handled = process_span("kafka", "interurbe.partners", "interurbe.initiatives.directory")
    handled.record(child_of(maker), maker, (1, 2), {**about, **at_offset(3, 17, 2), "error.type": "ValueError"}, (maker,))
    initiatives.close()
    return f"{maker.trace_id:032x}"


def test_one_trace_of_two_services_is_read_back(tmp_path: Path) -> None:
    trace_id = write_story(tmp_path)
    rows = {one.name: one for one in load_trace(tmp_path, trace_id)}
    request = rows["POST /v1/agreements/{id}/sign"]
    handled = rows["process interurbe.partners"]
    assert (request.service, handled.service) == ("partners", "initiatives")
    assert rows["send interurbe.partners"].parent == handled.parent == request.span
    assert handled.links == (f"{trace_id}-{request.span}",)
    assert handled.error
    assert handled.attributes["messaging.delivery.attempt"] == 2
    assert {one.name for one in load_trace(tmp_path, trace_id[:8])} == set(rows)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    write_story(tmp_path)
    with pytest.raises(TraceNotFound, match="is not a trace id"):
        load_trace(tmp_path, "sign")
    with pytest.raises(TraceNotFound, match="no span of trace"):
        load_trace(tmp_path, "0" * 32)
    with pytest.raises(TraceNotFound, match="no span of trace"):
        load_trace(tmp_path / "nowhere", "0" * 32)


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    trace_id = write_story(tmp_path)
    with next(tmp_path.glob("partners.*")).open("a") as file:
        file.write(f'{{"trace":"{trace_id}","span":"12')
    assert len(load_trace(tmp_path, trace_id)) == 3


def test_a_short_id_of_two_traces_asks_for_more(tmp_path: Path) -> None:
    for tail in ("1", "2"):
        line = {**{name: getattr(row("a1", None, 0, 1), name) for name in SpanRow.__slots__}, "trace": "abcdef12" + tail * 24}
        (tmp_path / f"partners.{tail}.jsonl").write_text(json.dumps(line, separators=(",", ":")) + "\n")
    with pytest.raises(TraceNotFound, match="2 traces begin with abcdef12"):
        load_trace(tmp_path, "abcdef12")


def test_the_tree_shows_offset_duration_service_and_what_matters() -> None:
    rows = [
        row("a", None, 0, 12, name="POST /v1/agreements/{id}/sign", attributes={"http.response.status_code": 200, "url.path": "/v1/x"}),
        row("b", "a", 20, 4, name="send interurbe.partners", attributes={"messaging.kafka.message.key": "agreement/1"}),
        row("c", "a", 30, 5, name="process interurbe.partners", service="notifications", attributes={"interurbe.attempt": 1}),
        row("d", "c", 40, 1500, name="send mail", service="notifications", error=True),
        row("e", "ffff", 50, 1, name="GET /v1/partners", service="initiatives"),
    ]
    assert tree(rows).splitlines() == [
        f"trace {TRACE} · 5 spans of 3 services · 1.540 s from 2026-03-01 12:00:00 UTC",
        "     at ms    took ms  service        span",
        "       0.0       12.0  partners       POST /v1/agreements/{id}/sign  [200]",
        "      20.0        4.0  partners       ├─ send interurbe.partners  [agreement/1]",
        "      30.0        5.0  notifications  └─ process interurbe.partners  [attempt=1]",
        "      40.0     1500.0  notifications     └─ send mail ✗",
        "      50.0        1.0  initiatives    (parent ffff is not here) GET /v1/partners",
    ]


def test_ten_thousand_spans_below_one_another_are_drawn() -> None:
    rows = [row(f"{number:x}", f"{number - 1:x}" if number else None, number, 1) for number in range(10_000)]
    assert len(tree(rows).splitlines()) == 10_002


def test_a_span_that_is_its_own_parent_is_drawn_once() -> None:
    assert len(tree([row("a", "a", 0, 1)]).splitlines()) == 3


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefile, "MAX_FILE_BYTES", 100)
    telemetry = Telemetry("partners", TelemetrySettings(traces_dir=tmp_path))
    (tmp_path / "initiatives.1.jsonl").write_text("")
    for _ in range(tracefile.MAX_FILES * 2):
        telemetry.tracer.start_span("a step").end()
        telemetry.flush()
    telemetry.close()
    assert len(list(tmp_path.glob("partners.*.jsonl"))) <= tracefile.MAX_FILES
    assert (tmp_path / "initiatives.1.jsonl").exists()


def test_an_error_and_its_place_are_kept(tmp_path: Path) -> None:
    telemetry = Telemetry("partners", TelemetrySettings(traces_dir=tmp_path))
    with telemetry.tracer.start_as_current_span("a step", set_status_on_exception=False) as span:
        span.record_exception(ValueError("no"))
        span.set_status(Status(StatusCode.ERROR, "no"))
    telemetry.close()
    line = json.loads(next(tmp_path.glob("*.jsonl")).read_text())
    assert line["error"] == "no"
    assert line["events"][0]["attributes"]["exception.type"] == "ValueError"


def test_an_unsampled_trace_leaves_no_span(tmp_path: Path) -> None:
    telemetry = Telemetry("partners", TelemetrySettings(traces_dir=tmp_path, trace_ratio=0))
    telemetry.take_spans()
    telemetry.tracer.start_span("a step").end()
    maker = span_context(f"00-{TRACE}-b7ad6b7169203331-00")
    send_span("kafka", "interurbe.partners").record(child_of(maker), maker, (1, 2), {})
    telemetry.close()
    assert not list(tmp_path.glob("*.jsonl"))
