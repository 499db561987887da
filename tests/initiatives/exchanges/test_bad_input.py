"""What cannot be meant is refused with the field, the rule and the fix; nothing changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.db import new_id
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import cast_of, next_year

YEAR = next_year()
SAME = "01939f6e-8f1a-7c3e-9b52-000000000009"
OUTSIDE = {"agreement": None, "line": None, "outside_agreement": True}

BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": {"es": "x"}}, "/title"),
    ({"kind": "party"}, "/kind"),
    ({"kind": None}, "/kind"),
    ({"titles": {}}, "/titles"),
    ({"titles": {"xx": "x"}}, "/titles/xx"),
    ({"titles": {"es": "a\nSubject: b"}}, "/titles/es"),
    ({"titles": {"es": "a\u0000"}}, "/titles/es"),
    ({"titles": {"es": "   "}}, "/titles/es"),
    ({"titles": "Taller"}, "/titles"),
    ({"starts_at": f"{YEAR}-02-30T09:00"}, "/starts_at"),
    ({"starts_at": f"{YEAR}-03-04T09:00:00-05:00"}, "/starts_at"),
    ({"starts_at": f"{YEAR}-03-04"}, "/starts_at"),
    ({"starts_at": 1_800_000_000}, "/starts_at"),
    ({"ends_at": f"{YEAR}-03-04T08:00"}, "/ends_at"),
    ({"ends_at": f"{YEAR + 2}-03-04T08:00"}, "/ends_at"),
    ({"starts_at": "2024-07-12T09:00", "ends_at": "2024-07-12T10:00"}, "/starts_at"),
    ({"starts_at": f"{YEAR + 9}-03-04T09:00", "ends_at": f"{YEAR + 9}-03-04T10:00"}, "/starts_at"),
    ({"timezone": "Bogota"}, "/timezone"),
    ({"timezone": "../../etc/passwd"}, "/timezone"),
    ({"timezone": None}, "/timezone"),
    ({"modality": "hologram"}, "/modality"),
    ({"place": "Ruta N\r\nBcc: x@example.org"}, "/place"),
    ({"url": "javascript:alert(1)"}, "/url"),
    ({"url": "http://example.org"}, "/url"),
    ({"languages": ["es", "klingon"]}, "/languages/1"),
    ({"capacity": 0}, "/capacity"),
    ({"capacity": "60"}, "/capacity"),
    ({"capacity": 1.5}, "/capacity"),
    ({"hosts": []}, "/hosts"),
    ({"hosts": ["Asocapitales"]}, "/hosts/0"),
    ({"participants": [SAME, SAME]}, "/participants/1"),
    ({"topics": ["x" * 81]}, "/topics/0"),
    ({"agreement": "MOU-2024-0001"}, "/agreement"),
    ({"agreement": None}, "/agreement"),
    ({"line": None}, "/line"),
    ({"line": "a"}, "/line"),
    ({"outside_reason": "Porque sí"}, "/outside_reason"),
    ({"visibility": "public"}, "/visibility"),
    ({"outside_agreement": True, "outside_reason": "Porque sí"}, "/outside_agreement"),
    ({"outside_agreement": "true"}, "/outside_agreement"),
    (OUTSIDE, "/outside_reason"),
    (OUTSIDE | {"outside_reason": "x", "visibility": "owner"}, "/visibility"),
]


async def test_what_cannot_be_meant_is_refused_by_field_and_changes_nothing(service: InitiativesService) -> None:
    cast = await cast_of(service)
    for changes, field in BAD:
        answer = await cast.schedule(**changes)
        problem = answer.json()
        assert (answer.status_code, problem.get("field")) == (422, field), changes
        assert all(problem[member] for member in ("detail", "fix", "code", "trace_id")), changes
    assert await service.rows("exchange") == await service.facts() == []


async def test_a_host_is_no_participant_and_a_line_must_be_the_agreements(service: InitiativesService) -> None:
    cast = await cast_of(service, lines=())
    twice = (await cast.schedule(participants=[cast.host])).json()
    assert (twice["status"], twice["field"]) == (422, "/participants/0")
    assert twice["detail"] == f"The partner {cast.host} is named twice, in /hosts/0 and in /participants/0."
    line = (await cast.schedule()).json()
    assert (line["status"], line["field"]) == (422, "/line")
    assert line["detail"] == "The agreement MOU-2024-0001 has no line knowledge_exchange; it has none."


NO_PLANS = [(b"{", 400), (b'{"capacity": NaN}', 400), (b"[" * 1000 + b"]" * 1000, 400), (b"[]", 422), (b'"x"', 422)]


@pytest.mark.parametrize(("body", "status"), [*NO_PLANS, (b'{"titles": {"es": "\\ud800"}}', 422)])
async def test_a_body_that_is_no_plan_is_refused(service: InitiativesService, body: bytes, status: int) -> None:
    client = service.client_of(new_id())
    answer = await client.post("/v1/exchanges", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_time_the_clocks_skip_is_explained(service: InitiativesService) -> None:
    cast = await cast_of(service)
    sunday = next(day for day in (datetime(YEAR, 3, 31, tzinfo=UTC) - timedelta(days=back) for back in range(7)) if day.weekday() == 6)
    times = {"starts_at": f"{sunday.date()}T02:30", "ends_at": f"{sunday.date()}T05:00", "timezone": "Europe/Berlin"}
    problem = (await cast.schedule(**times)).json()
    assert (problem["status"], problem["code"], problem["field"]) == (422, "impossible-time", "/starts_at")
    assert "are put forward and never show 02:30" in problem["detail"]


async def test_ids_in_the_path_that_are_none_are_refused(service: InitiativesService) -> None:
    client = service.client_of(new_id())
    for path in ("exchanges/x", "exchanges/x/calendar.ics", "commitments/1", "directory/partners/'--", "partners/x/entitlements"):
        answer = await client.get(f"/v1/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), path


async def test_nobody_reads_without_a_token(service: InitiativesService) -> None:
    anyone = service.client_with({})
    for path in ("exchanges", f"exchanges/{SAME}", "commitments", "directory/agreements"):
        assert (await anyone.get(f"/v1/{path}")).status_code == 401, path
    assert (await anyone.post("/v1/exchanges", json={})).status_code == 401
    assert (await anyone.get(f"/v1/exchanges/{SAME}/calendar.ics")).status_code == 404
