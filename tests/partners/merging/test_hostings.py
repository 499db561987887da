"""Whom a merged partner housed, houses or will house is housed by the survivor, and goes back when the merge is undone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.partners.merging.conftest import Two


async def hosts(two: Two, guest: str) -> list[dict[str, Any]]:
    return [{name: stay[name] for name in ("host", "valid_from")} for stay in (await two.read(f"/v1/partners/{guest}/hostings"))["items"]]


async def hosted(two: Two, guest: str, host: str, first: str, last: str | None) -> None:
    version = (await two.read(f"/v1/partners/{guest}"))["version"]
    said = {"host": host, "valid_from": first, "valid_to": last}
    answer = await two.service.operator.put(f"/v1/partners/{guest}/hosting", json=said, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


async def test_stays_of_other_days_than_today_pass_on_and_return(two: Two) -> None:
    guest, other = (await two.service.client_of("academia")).partner, (await two.service.client_of("city")).partner
    await hosted(two, guest, two.old.partner, "2020-01-01", "2020-12-31")
    await hosted(two, guest, other, "2021-01-01", "2021-12-31")
    await hosted(two, guest, two.survivor.partner, "2022-01-01", "2022-12-31")
    before = await hosts(two, guest)
    assert (await two.merged())["moved"]["hostings"] == 1
    assert sorted(stay["host"] for stay in await hosts(two, guest)) == sorted([two.survivor.partner, other, two.survivor.partner])
    assert (await two.undo()).status_code == 200
    assert await hosts(two, guest) == before


async def test_who_was_hosted_by_its_own_old_record_is_nobody_s_guest(two: Two) -> None:
    await hosted(two, two.survivor.partner, two.old.partner, "2020-01-01", None)
    await two.merged()
    assert (await two.read(f"/v1/partners/{two.survivor.partner}"))["hosted_by"] is None
    assert [stay["valid_to"] for stay in (await two.read(f"/v1/partners/{two.survivor.partner}/hostings"))["items"]] != [None]


async def test_who_was_hosted_by_its_own_old_record_is_its_guest_again_when_the_merge_is_undone(two: Two) -> None:
    survivor, coming = two.survivor.partner, f"{datetime.now(UTC).year + 2}-01-01"
    await hosted(two, survivor, two.old.partner, "2019-01-01", "2019-12-31")
    await hosted(two, survivor, two.old.partner, "2020-01-01", f"{datetime.now(UTC).year + 1}-06-30")
    await hosted(two, survivor, two.old.partner, coming, None)
    before = await two.read(f"/v1/partners/{survivor}/hostings")
    await two.merged()
    assert [stay["valid_from"] for stay in await hosts(two, survivor)] == ["2020-01-01", "2019-01-01"]
    await two.service.act(datetime.fromisoformat(f"{coming}T12:00:00+00:00"))
    assert (await two.read(f"/v1/partners/{survivor}"))["hosted_by"] is None
    assert (await two.undo()).status_code == 200
    assert await two.read(f"/v1/partners/{survivor}/hostings") == before
    assert (await two.read(f"/v1/partners/{survivor}"))["hosted_by"] == two.old.partner


async def test_what_came_since_stays_when_a_merge_is_undone(two: Two) -> None:
    survivor, other = two.survivor.partner, (await two.service.client_of("city")).partner
    await hosted(two, survivor, two.old.partner, "2020-01-01", None)
    await two.merged()
    await two.hosted(survivor, other)
    assert (await two.undo()).status_code == 200
    assert (await two.read(f"/v1/partners/{survivor}"))["hosted_by"] == other


async def test_nobody_is_under_its_own_roof_by_way_of_a_guest_of_its_old_record(two: Two) -> None:
    survivor, guest = two.survivor.partner, (await two.service.client_of("academia")).partner
    await hosted(two, guest, two.old.partner, "2020-01-01", None)
    await hosted(two, survivor, guest, "2020-01-01", None)
    await two.merged()
    places = [f"/v1/partners/{one}" for one in (guest, survivor)]
    assert [(await two.read(place))["hosted_by"] for place in places] == [survivor, None]
    assert (await two.undo()).status_code == 200
    assert [(await two.read(place))["hosted_by"] for place in places] == [two.old.partner, guest]
