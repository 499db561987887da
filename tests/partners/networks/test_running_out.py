"""A membership that nobody renews is warned of, enters its grace and lapses, by its days alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.partners.networks.commands import OLDER
from services.partners.networks.days import Stage, Term
from shared.due import owe
from tests.partners.networks.conftest import Pair, on

TODAY = datetime.now(UTC).date()
LAST = TODAY + timedelta(days=60)


def days(last: date = LAST, grace: int = 10) -> dict[str, Any]:
    return {"valid_to": last.isoformat(), "grace_days": grace}


def after(number: int) -> date:
    return LAST + timedelta(days=number)


async def test_it_holds_through_its_grace_and_lapses_by_itself(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(**days())
    expected = {
        after(-31): ["started"],
        after(-30): ["started", "lapse_warned"],
        after(0): ["started", "lapse_warned"],
        after(1): ["started", "lapse_warned", "entered_grace"],
        after(10): ["started", "lapse_warned", "entered_grace"],
        after(11): ["started", "lapse_warned", "entered_grace", "lapsed"],
        after(400): ["started", "lapse_warned", "entered_grace", "lapsed"],
    }
    for day, facts in expected.items():
        await pair.service.act(on(day))
        assert [kind for kind, _ in await pair.told(made)] == facts, day
        assert await pair.entitled(agreement) is ("lapsed" not in facts), day
    assert [reach for _, reach in await pair.told(made)] == ["public", "parties", "parties", "public"]
    told = [fact["data"] for fact in await pair.service.facts(f"membership/{made['id']}")]
    names = {"partner_names", "network_names"}
    assert [(said["valid_to"], said.get("lapses_on", said.get("lapsed_on"))) for said in told[1:]] == [
        (LAST.isoformat(), after(11).isoformat())
    ] * 3
    assert all(names <= said.keys() for said in told[1:])


async def test_without_grace_it_lapses_the_day_after_its_last(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(**days(grace=0))
    await pair.service.act(on(after(0), 23))
    assert await pair.entitled(agreement)
    await pair.service.act(on(after(1)))
    assert not await pair.entitled(agreement)
    assert [kind for kind, _ in await pair.told(made)] == ["started", "lapse_warned", "lapsed"]


async def test_one_that_passes_nothing_on_runs_out_as_well(pair: Pair) -> None:
    made = await pair.join(role="observer", **days())
    for day in (after(-30), after(1), after(11)):
        await pair.service.act(on(day))
    assert [kind for kind, _ in await pair.told(made)] == ["started", "lapse_warned", "entered_grace", "lapsed"]


async def test_days_that_nobody_was_awake_for_are_made_up_for_in_order(pair: Pair) -> None:
    agreement, slept = await pair.agreement(), await pair.join(**days())
    await pair.service.act(on(after(5)))
    assert [kind for kind, _ in await pair.told(slept)] == ["started", "lapse_warned", "entered_grace"]
    await pair.service.act(on(after(50)))
    assert [kind for kind, _ in await pair.told(slept)] == ["started", "lapse_warned", "entered_grace", "lapsed"]
    assert not await pair.entitled(agreement)


async def test_nobody_is_warned_of_what_has_happened(pair: Pair) -> None:
    made = await pair.join(**days())
    await pair.service.act(on(after(50)))
    assert [kind for kind, _ in await pair.told(made)] == ["started", "entered_grace", "lapsed"]


async def test_what_a_deed_ended_runs_out_in_silence(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(**days())
    ended = await pair.act(pair.city, made, "end", valid_to=after(-1).isoformat(), reason="Retiro.")
    assert (ended.json()["status"], ended.json()["grace_days"], ended.json()["lapses_on"]) == ("current", 0, LAST.isoformat())
    await pair.service.act(on(after(-1)))
    assert await pair.entitled(agreement)
    await pair.service.act(on(after(0)))
    assert not await pair.entitled(agreement)
    assert [kind for kind, _ in await pair.told(made)] == ["started", "ended"]


async def test_in_its_grace_it_is_ended_at_once(pair: Pair) -> None:
    made = await pair.join(**days(TODAY - timedelta(days=3)))
    assert made["status"] == "grace"
    assert [kind for kind, _ in await pair.told(made)] == ["started", "entered_grace"]
    over = await pair.act(pair.network, made, "end", valid_to=(TODAY + timedelta(days=7)).isoformat())
    assert (over.status_code, over.json()["code"]) == (409, "membership-over")
    ended = await pair.act(pair.network, made, "end", valid_to=(TODAY - timedelta(days=1)).isoformat())
    assert (ended.status_code, ended.json()["status"]) == (200, "ended")


async def test_who_names_a_day_that_is_near_is_not_warned_of_it(pair: Pair) -> None:
    near = await pair.join(**days(TODAY + timedelta(days=20)))
    await pair.service.act(on(TODAY + timedelta(days=19)))
    assert [kind for kind, _ in await pair.told(near)] == ["started"]


async def test_what_was_over_when_it_was_recorded_is_no_news(pair: Pair) -> None:
    past = await pair.join(valid_to="2021-12-31", grace_days=30)
    assert (past["status"], past["lapses_on"]) == ("lapsed", "2022-01-31")
    await pair.service.act(on(TODAY + timedelta(days=1)))
    assert [kind for kind, _ in await pair.told(past)] == ["started"]


async def test_grace_takes_the_days_that_it_holds_on(pair: Pair) -> None:
    made = await pair.join(**days())
    place, city = f"/v1/networks/{pair.network.partner}/members", pair.city.partner
    for first, status in ((after(10), 409), (after(11), 201)):
        answer = await pair.network.post(place, json={"partner": city, "valid_from": first.isoformat()})
        assert answer.status_code == status, answer.text
    held = await pair.network.get(f"{place}?on={after(10)}")
    assert [one["id"] for one in held.json()["items"]] == [made["id"]]
    found = await pair.network.get("/v1/partners", params={"network": pair.network.partner, "on": after(10).isoformat()})
    assert [one["id"] for one in found.json()["items"]] == [city]


async def test_one_that_is_older_than_warnings_comes_to_its_days(pair: Pair) -> None:
    made = await pair.join(**days(grace=0))
    async with pair.service.runtime.database.session() as session:
        await session.execute(text("DELETE FROM due"))
        await owe(session, OLDER, f"membership/{made['id']}", datetime.now(UTC))
        await session.commit()
    await pair.service.act(on(after(-30)))
    await pair.service.act(on(after(1)))
    assert [kind for kind, _ in await pair.told(made)] == ["started", "lapse_warned", "lapsed"]


@pytest.mark.parametrize("grace", [0, 366])
def test_the_last_days_there_are_never_come(grace: int) -> None:
    term = Term(date(2020, 1, 1), date.max, grace)
    assert (term.lapses_on, term.stages(), term.next_turn(on(date(2020, 1, 1)))) == (None, {}, None)
    first = Term(date.min, date.min, grace)
    assert first.stages()[Stage.WARNED] == date.min
