"""Whom a merged partner housed, houses or will house is housed by the survivor, and goes back when the merge is undone."""

from __future__ import annotations

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
