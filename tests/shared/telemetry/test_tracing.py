"""A trace's way through rows and messages."""

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from shared.telemetry import context_from, current_trace_id, current_traceparent, span_context, trace_id_of
from shared.telemetry.tracing import child_of, under

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_outside_a_trace_there_is_nothing_to_carry() -> None:
    assert current_traceparent() == (None, None)
    assert current_trace_id() is None


def test_what_is_written_can_be_read() -> None:
    with under(span_context(TRACEPARENT, "vendor=1,other=2")):
        assert current_traceparent() == (TRACEPARENT, "vendor=1,other=2")
        assert current_trace_id() == TRACE
    assert trace_id_of(TRACEPARENT) == TRACE
    assert trace.get_current_span(context_from(TRACEPARENT)).get_span_context().trace_id == int(TRACE, 16)


def test_the_sampling_decision_travels() -> None:
    with under(span_context(TRACEPARENT[:-2] + "00")):
        assert current_traceparent()[0] == TRACEPARENT[:-2] + "00"


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "garbage",
        TRACEPARENT[:-1],
        TRACEPARENT + "-more",
        TRACEPARENT.upper(),
        "ff" + TRACEPARENT[2:],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        f"00-{TRACE}-" + "0" * 16 + "-01",
        TRACEPARENT + "x" * 100_000,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_a_header_that_breaks_the_rules_is_no_header(wrong: str | None) -> None:
    assert span_context(wrong) is None
    assert trace_id_of(wrong) is None
    assert not trace.get_current_span(context_from(wrong)).get_span_context().is_valid


def test_a_later_version_of_the_header_is_read_by_its_first_fields() -> None:
    assert trace_id_of("01" + TRACEPARENT[2:] + "-something") == TRACE


def test_an_oversized_tracestate_is_left_out() -> None:
    span = span_context(TRACEPARENT, "a=" + "b" * 600)
    assert span is not None
    assert not span.trace_state


def test_a_child_keeps_trace_flags_and_state() -> None:
    parent = span_context(TRACEPARENT, "vendor=1")
    child = child_of(parent)
    assert parent is not None
    assert (child.trace_id, child.trace_flags, child.trace_state) == (parent.trace_id, parent.trace_flags, parent.trace_state)
    assert child.span_id != parent.span_id
    assert child_of(None).is_valid


def test_span_kinds_have_the_names_the_tree_shows() -> None:
    assert [kind.name.lower() for kind in SpanKind] == ["internal", "server", "client", "producer", "consumer"]
