"""Who hosts a partner from which day to which: today's host is in its profile, the others are on record."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import text

from services.partners.models import Seen
from services.partners.registry.hosting.commands import Wanted, host_partner
from shared.auth import PLATFORM, Caller
from tests.partners.conftest import PartnerClient, PartnersService


def today(shift: int = 0) -> str:
    """A day by the clocks of Bogotá, where the partners of these tests are."""
    return (datetime.now(ZoneInfo("America/Bogota")).date() + timedelta(days=shift)).isoformat()


async def put(client: PartnerClient, partner: str, **said: Any) -> httpx.Response:
    version = (await client.get(f"/v1/partners/{partner}")).json()["version"]
    return await client.put(f"/v1/partners/{partner}/hosting", json=said, headers={"If-Match": f'"{version}"'})


async def hosted(client: PartnerClient, partner: str, **said: Any) -> dict[str, Any]:
    answer = await put(client, partner, **said)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def stays(client: PartnerClient, partner: str) -> list[tuple[str, str, str | None]]:
    listed = (await client.get(f"/v1/partners/{partner}/hostings")).json()["items"]
    return [(item["host"], item["valid_from"], item["valid_to"]) for item in listed]


async def test_a_new_host_follows_the_one_before_and_both_are_on_record(service: PartnersService) -> None:
    centre = await service.client_of("tech_centre")
    chamber, ruta_n = (await service.register())["id"], (await service.register())["id"]
    await hosted(centre, centre.partner, host=chamber, valid_from="2017-05-01")
    now = await hosted(centre, centre.partner, host=ruta_n, valid_from="2019-04-26")
    assert now["hosted_by"] == ruta_n
    assert await stays(centre, centre.partner) == [(ruta_n, "2019-04-26", None), (chamber, "2017-05-01", "2019-04-25")]
    fact = (await service.facts(f"partner/{centre.partner}"))[-1]
    assert (fact["data"]["changed"], fact["data"]["profile"]["hosted_by"]) == (["hosted_by"], ruta_n)
    history = (await centre.get(f"/v1/partners/{centre.partner}/history")).json()["items"]
    assert history[0]["changes"]["hostings"]["new"][1]["valid_from"] == "2019-04-26"


async def test_a_host_of_the_past_leaves_todays_and_tells_nobody(service: PartnersService) -> None:
    centre, old = await service.client_of("tech_centre"), (await service.register())["id"]
    before = len(await service.facts(f"partner/{centre.partner}"))
    past = await hosted(centre, centre.partner, host=old, valid_from="2015-01-01", valid_to="2016-12-31")
    assert (past["hosted_by"], past["version"]) == (None, 2)
    assert len(await service.facts(f"partner/{centre.partner}")) == before
    same = await hosted(centre, centre.partner, host=old, valid_from="2015-01-01", valid_to="2016-12-31")
    assert same["version"] == 2


async def test_the_profile_still_takes_a_host_from_today_on(service: PartnersService) -> None:
    one, other = (await service.register())["id"], (await service.register())["id"]
    centre = await service.client_of("tech_centre", hosted_by=one)
    assert await stays(centre, centre.partner) == [(one, today(), None)]
    await hosted(centre, centre.partner, host=one, valid_from="2020-01-01")
    assert await stays(centre, centre.partner) == [(one, "2020-01-01", None)]
    for host, version in ((other, 2), (None, 3)):
        changed = await centre.patch(f"/v1/partners/{centre.partner}", json={"hosted_by": host}, headers={"If-Match": f'"{version}"'})
        assert changed.json()["hosted_by"] == host
    assert await stays(centre, centre.partner) == [(one, "2020-01-01", today(-1))]


async def test_a_host_comes_and_goes_on_its_day(service: PartnersService) -> None:
    centre, host = await service.client_of("tech_centre"), (await service.register())["id"]
    coming = await hosted(centre, centre.partner, host=host, valid_from=today(3), valid_to=today(5))
    assert coming["hosted_by"] is None
    for shift, expected in ((2, None), (3, host), (5, host), (6, None)):
        day = date.fromisoformat(today(shift))
        await service.act(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        assert (await centre.get(f"/v1/partners/{centre.partner}")).json()["hosted_by"] == expected, shift
    facts = (await service.facts(f"partner/{centre.partner}"))[1:]
    assert [fact["data"]["profile"].get("hosted_by") for fact in facts] == [host, None]


async def test_a_host_to_the_last_day_there_is_comes_on_its_day_and_stays(service: PartnersService) -> None:
    centre, host = await service.client_of("tech_centre"), (await service.register())["id"]
    await hosted(centre, centre.partner, host=host, valid_from=today(3), valid_to="9999-12-31")
    assert await stays(centre, centre.partner) == [(host, today(3), "9999-12-31")]
    day = date.fromisoformat(today(3))
    await service.act(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    assert (await centre.get(f"/v1/partners/{centre.partner}")).json()["hosted_by"] == host


async def test_days_on_which_there_is_another_host_are_refused(service: PartnersService) -> None:
    centre, one, other = await service.client_of("tech_centre"), (await service.register())["id"], (await service.register())["id"]
    await hosted(centre, centre.partner, host=one, valid_from="2018-01-01", valid_to="2019-12-31")
    for first, last in (("2017-06-01", "2018-01-01"), ("2019-12-31", None), ("2018-02-01", "2018-03-01"), ("2017-01-01", None)):
        refused = await put(centre, centre.partner, host=other, valid_from=first, valid_to=last)
        assert (refused.status_code, refused.json()["code"], refused.json()["host"]) == (409, "hosting-overlaps", one)
    assert await stays(centre, centre.partner) == [(one, "2018-01-01", "2019-12-31")]


async def test_nobody_is_under_its_own_roof_on_any_day(service: PartnersService) -> None:
    a, b, c = [await service.client_of("tech_centre") for _ in range(3)]
    await hosted(b, b.partner, host=a.partner, valid_from="2020-01-01", valid_to="2020-12-31")
    await hosted(c, c.partner, host=b.partner, valid_from="2020-06-01")
    refused = await put(a, a.partner, host=c.partner, valid_from="2020-12-31")
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (409, "hosting-circle", "/host")
    assert (await put(a, a.partner, host=a.partner)).json()["field"] == "/host"
    assert (await hosted(a, a.partner, host=c.partner, valid_from="2021-01-01"))["hosted_by"] == c.partner
    assert (await put(a, a.partner, host=c.partner, valid_from="2019-01-01", valid_to="2019-12-31")).status_code == 200
    patched = await b.patch(f"/v1/partners/{b.partner}", json={"hosted_by": a.partner}, headers={"If-Match": '"2"'})
    assert (patched.status_code, patched.json()["code"], patched.json()["field"]) == (409, "hosting-circle", "/hosted_by")


async def test_two_at_once_close_no_circle(service: PartnersService) -> None:
    a, b = await service.client_of("tech_centre"), await service.client_of("tech_centre")
    operator, now = Caller("x", PLATFORM, frozenset({"admin"})), datetime.now(UTC)
    async with service.runtime.database.session() as session:
        await host_partner(session, operator, Seen(a.partner, 1), Wanted(b.partner), now)
        other = asyncio.create_task(put(b, b.partner, host=a.partner))
        while not other.done() and not await waiting(service):
            await asyncio.wait({other}, timeout=0.02)
        await session.commit()
    refused = await other
    assert (refused.status_code, refused.json()["code"]) == (409, "hosting-circle")


async def waiting(service: PartnersService) -> bool:
    """Whether somebody waits for a lock that somebody else holds."""
    async with service.runtime.database.reader() as reader:
        return bool(await reader.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


async def test_who_may_say_it_and_of_whom(service: PartnersService) -> None:
    centre, other = await service.client_of("tech_centre"), await service.client_of()
    draft = (await service.register(state="draft"))["id"]
    assert (await put(other, centre.partner, host=other.partner)).status_code == 403
    assert (await put(centre, centre.partner, host=draft)).json()["code"] == "unknown-partner"
    assert (await put(service.operator, centre.partner, host=other.partner)).status_code == 200
    stale = await centre.put(f"/v1/partners/{centre.partner}/hosting", json={"host": None}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await other.get(f"/v1/partners/{draft}/hostings")).status_code == 404
