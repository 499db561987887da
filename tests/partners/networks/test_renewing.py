"""A network renews a membership before it runs out, in its grace, or not long after it lapsed."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.partners.networks.days import Status
from services.partners.networks.tenure.commands import renew_membership
from services.partners.networks.tenure.models import Renewal
from tests.partners.networks.conftest import Pair, on

TODAY = datetime.now(UTC).date()
LAST = TODAY + timedelta(days=60)
NEXT = LAST + timedelta(days=365)


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


async def kinds(pair: Pair, membership: dict[str, Any]) -> list[str]:
    return [kind for kind, _ in await pair.told(membership)]


async def test_a_renewal_puts_off_what_the_old_last_day_would_bring(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(valid_to=LAST.isoformat(), grace_days=10)
    await pair.service.act(on(LAST - timedelta(days=30)))
    renewed = await pair.act(pair.network, await pair.read(made), "renew", valid_to=NEXT.isoformat())
    assert (renewed.status_code, renewed.headers["etag"]) == (200, '"3"'), renewed.text
    assert renewed.json() == made | {
        "valid_to": NEXT.isoformat(),
        "lapses_on": (NEXT + timedelta(days=11)).isoformat(),
        "version": 3,
    }
    for day in (LAST, LAST + timedelta(days=1), LAST + timedelta(days=11)):
        await pair.service.act(on(day))
        assert await pair.entitled(agreement)
    assert await pair.told(made) == [("started", "public"), ("lapse_warned", "parties"), ("renewed", "public")]
    await pair.service.act(on(NEXT - timedelta(days=30)))
    await pair.service.act(on(NEXT + timedelta(days=11)))
    assert (await kinds(pair, made))[3:] == ["lapse_warned", "entered_grace", "lapsed"]
    fact = (await pair.service.facts(f"membership/{made['id']}"))[2]["data"]
    assert (fact["was_valid_to"], fact["lapses_on"]) == (LAST.isoformat(), renewed.json()["lapses_on"])


async def test_a_membership_in_its_grace_goes_on_with_another_grace(pair: Pair) -> None:
    made = await pair.read(await pair.join(valid_to=ago(5), grace_days=10))
    renewed = (await pair.act(pair.network, made, "renew", valid_to=NEXT.isoformat(), grace_days=0)).json()
    assert (renewed["status"], renewed["lapses_on"]) == ("current", (NEXT + timedelta(days=1)).isoformat())
    assert await kinds(pair, made) == ["started", "entered_grace", "renewed"]


async def test_what_lapsed_not_long_ago_goes_on_and_entitles_again(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(valid_to=ago(366))
    assert (made["status"], await pair.entitled(agreement)) == ("lapsed", False)
    renewed = await pair.act(pair.service.operator, made, "renew", valid_to=NEXT.isoformat())
    assert (renewed.status_code, renewed.json()["status"]) == (200, "current")
    assert await pair.entitled(agreement)


async def test_what_cannot_be_renewed_is_refused(pair: Pair) -> None:
    other = await pair.service.client_of("city")
    past = await pair.join(valid_to=ago(368))
    late = await pair.act(pair.network, past, "renew", valid_to=NEXT.isoformat())
    assert (late.status_code, late.json()["code"], late.json()["allowed"]) == (409, "membership-state", ["end"])
    opened = await pair.join(partner=other.partner)
    never = await pair.act(pair.network, opened, "renew", valid_to=NEXT.isoformat())
    assert (never.status_code, never.json()["allowed"]) == (409, ["change", "end", "suspend"])
    ended = (await pair.act(pair.network, opened, "end", valid_to=LAST.isoformat())).json()
    again = await pair.act(pair.network, ended, "renew", valid_to=NEXT.isoformat())
    assert (again.status_code, again.json()["allowed"]) == (409, ["change", "end"])


async def test_a_renewal_leads_to_a_later_day_that_is_ahead(pair: Pair) -> None:
    made = await pair.join(valid_to=ago(20))
    for day in (ago(20), ago(21), ago(1)):
        answer = await pair.act(pair.network, made, "renew", valid_to=day)
        assert (answer.status_code, answer.json()["field"]) == (422, "/valid_to"), day
    assert (await pair.act(pair.city, made, "renew", valid_to=NEXT.isoformat())).status_code == 403
    assert (await pair.act(pair.network, made | {"version": 9}, "renew", valid_to=NEXT.isoformat())).status_code == 412


async def test_a_renewal_takes_no_days_of_another_membership(pair: Pair) -> None:
    lapsed = await pair.join(valid_to=ago(20))
    following = await pair.join(valid_from=ago(2))
    answer = await pair.act(pair.network, lapsed, "renew", valid_to=NEXT.isoformat())
    assert (answer.status_code, answer.json()["code"], answer.json()["membership"]) == (409, "membership-overlaps", following["id"])


async def test_a_renewal_that_would_close_a_circle_is_refused(pair: Pair) -> None:
    outer = await pair.service.client_of("multilateral")
    body = {"partner": pair.network.partner, "valid_from": "2020-01-01", "valid_to": ago(20)}
    lapsed = (await outer.post(f"/v1/networks/{outer.partner}/members", json=body)).json()
    await pair.join(partner=outer.partner, valid_from=ago(10))
    answer = await pair.act(outer, lapsed, "renew", valid_to=NEXT.isoformat())
    assert (answer.status_code, answer.json()["code"]) == (409, "membership-circle")


async def test_a_renewal_forgives_a_lapse_that_nobody_was_awake_for(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(valid_to=LAST.isoformat())
    moment = on(LAST + timedelta(days=50))
    assert await pair.later(renew_membership, made, Renewal(valid_to=NEXT), moment) == Status.CURRENT
    await pair.service.act(moment)
    assert await kinds(pair, made) == ["started", "renewed"]
    assert await pair.entitled(agreement)


async def test_of_a_lapse_and_a_renewal_at_once_the_renewal_stands(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(valid_to=LAST.isoformat())
    moment: datetime = on(LAST + timedelta(days=1))
    await asyncio.gather(pair.service.act(moment), pair.later(renew_membership, made, Renewal(valid_to=NEXT), moment))
    assert await kinds(pair, made) in (["started", "renewed"], ["started", "lapsed", "renewed"])
    assert await pair.entitled(agreement)
    assert (await pair.read(made))["valid_to"] == date.isoformat(NEXT)
