"""What every answer carries, what is traced and counted of every request, and what must not be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from shared.http.guard import Guard
from shared.telemetry import current_traceparent
from shared.telemetry import spans as written
from tests.shared.http.conftest import World, close_world, make_world

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def spans(world: World) -> list[ReadableSpan]:
    taken: list[ReadableSpan] = []
    written.send_to(taken.append, world.runtime.telemetry.resource)
    return taken


@pytest.fixture(autouse=True)
def _nobody_takes_spans_afterwards(world: World) -> object:
    yield
    written.send_to(None, world.runtime.telemetry.resource)


async def test_every_answer_is_guarded(world: World) -> None:
    for path in ("/v1/boxes", "/v1/nothing", "/livez", "/page", "/openapi.json"):
        answer = await world.send("GET", path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers["x-trace-id"]) == 32
        assert "server" not in answer.headers


async def test_a_request_is_one_span(world: World, spans: list[ReadableSpan]) -> None:
    await world.send("POST", "/v1/boxes", json={"label": "x"})
    answer = await world.send("GET", "/v1/boxes/1", headers={"traceparent": PARENT})
    post, get = spans
    assert (post.name, post.parent) == ("POST /v1/boxes", None)
    assert (get.name, get.kind.name) == ("GET /v1/boxes/{number}", "SERVER")
    assert get.parent is not None
    assert get.parent.span_id == 0x00F067AA0BA902B7
    assert answer.headers["x-trace-id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    told = dict(get.attributes or {})
    assert told == {
        "http.request.method": "GET",
        "http.route": "/v1/boxes/{number}",
        "url.path": "/v1/boxes/1",
        "http.response.status_code": 200,
    }


async def test_a_failure_is_an_error_and_a_refusal_is_not(world: World, spans: list[ReadableSpan]) -> None:
    await world.send("POST", "/v1/crash")
    await world.send("GET", "/v1/boxes/7")
    crash, missing = spans
    assert (crash.attributes or {})["error.type"] == "RuntimeError"
    assert crash.status.status_code.name == "ERROR"
    assert "error.type" not in (missing.attributes or {})


@pytest.mark.parametrize(
    "header", ["", "nonsense", PARENT + "x", PARENT.replace("4bf92", "xxxxx"), "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "0" * 5000]
)
async def test_a_parent_that_cannot_be_is_ignored(world: World, spans: list[ReadableSpan], header: str) -> None:
    await world.send("GET", "/v1/boxes", headers={"traceparent": header})
    assert spans[0].parent is None


async def test_two_parents_are_none(world: World, spans: list[ReadableSpan]) -> None:
    await world.http.get("/page", headers=[("traceparent", PARENT), ("traceparent", PARENT)])
    assert spans[0].parent is None


async def test_nobody_outside_decides_what_is_kept(world: World, spans: list[ReadableSpan]) -> None:
    guard = Guard(world.app, world.runtime, world.app.state.limits)
    guard._ratio = 0.0
    forced, _ = guard._identity({"headers": [(b"traceparent", PARENT.encode())]})
    guard._ratio = 0.5
    left_out, _ = guard._identity({"headers": [(b"traceparent", PARENT[:-1].encode() + b"0")]})
    kept = sum(guard._identity({"headers": []})[0].trace_flags & 1 for _ in range(1000))
    assert (forced.trace_flags, left_out.trace_flags) == (0, 0)
    assert 350 < kept < 650


async def test_the_work_inside_belongs_to_the_span(world: World, spans: list[ReadableSpan]) -> None:
    answer = await world.send("POST", "/v1/context", headers={"traceparent": PARENT})
    assert answer.json()["traceparent"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert answer.json()["correlation"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert current_traceparent() == (None, None)


async def test_a_token_in_an_open_address_is_not_traced(world: World, spans: list[ReadableSpan]) -> None:
    await world.http.get("/link/very-secret")
    assert "very-secret" not in json.dumps(dict(spans[0].attributes or {}))


async def test_probes_are_not_traced(world: World, spans: list[ReadableSpan]) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        await world.http.get(path)
    assert spans == []


async def test_requests_are_counted_by_template_never_by_id(world: World) -> None:
    for number in range(5):
        await world.send("GET", f"/v1/boxes/{number}")
        await world.send("GET", f"/nothing/{number}")
        await world.send("BREW", f"/v1/boxes/{number}")
    text = (await world.http.get("/metrics")).text
    counted = [line for line in text.splitlines() if line.startswith("interurbe_http_requests_seconds_count")]
    assert sorted(counted) == [
        'interurbe_http_requests_seconds_count{method="GET",route="(none)",status="404"} 5.0',
        'interurbe_http_requests_seconds_count{method="GET",route="/v1/boxes/{number}",status="404"} 5.0',
        'interurbe_http_requests_seconds_count{method="_OTHER",route="/v1/boxes/{number}",status="405"} 5.0',
    ]


async def test_two_services_in_one_process_do_not_mix_their_counts(world: World, database_url: str, tmp_path: Path) -> None:
    other = make_world(database_url, tmp_path)
    await world.send("GET", "/v1/boxes/1")
    assert "requests_seconds_count{" not in (await other.http.get("/metrics")).text
    await close_world(other)
