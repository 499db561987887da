"""A network suspends a membership: nothing passes to the member until it is resumed, while its days go on."""

from __future__ import annotations

from datetime import timedelta

from services.partners.networks.days import Status
from services.partners.networks.tenure.commands import renew_membership, resume_membership
from services.partners.networks.tenure.models import Renewal
from tests.partners.entitlements.conftest import World
from tests.partners.networks.conftest import Pair, on, today

LAST = today() + timedelta(days=60)
REASON = "Cuota pendiente."


async def test_a_suspended_member_may_not_take_part_until_it_is_resumed(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join()
    suspended = await pair.act(pair.network, made, "suspend", reason=REASON)
    assert (suspended.status_code, suspended.headers["etag"]) == (200, '"2"'), suspended.text
    assert suspended.json() == made | {"status": "suspended", "suspended_on": today().isoformat(), "reason": REASON, "version": 2}
    assert not await pair.entitled(agreement)
    resumed = await pair.act(pair.network, suspended.json(), "resume")
    assert resumed.json() == made | {"version": 3}
    assert await pair.entitled(agreement)
    assert await pair.told(made) == [("started", "public"), ("suspended", "public"), ("resumed", "public")]
    assert REASON not in str([fact["payload"].decode() for fact in await pair.service.facts()])


async def test_why_it_is_suspended_is_known_to_the_two_alone(pair: Pair) -> None:
    made = (await pair.act(pair.network, await pair.join(), "suspend", reason=REASON)).json()
    stranger = await pair.service.client_of("city")
    for client, reason in ((pair.city, REASON), (pair.network, REASON), (pair.service.operator, REASON), (stranger, None)):
        read = (await client.get(f"/v1/memberships/{made['id']}")).json()
        assert (read["status"], read["reason"]) == ("suspended", reason)
        (listed,) = (await client.get(f"/v1/networks/{pair.network.partner}/members?status=suspended")).json()["items"]
        assert listed["reason"] == reason


async def test_a_suspended_member_sees_nothing_of_its_network(pair: Pair) -> None:
    world, other = World(pair.service), (await pair.service.register())["id"]
    agreement = await world.agreement(pair.network.partner, other, visibility="network")
    made = await pair.join()
    place, members = f"/v1/agreements/{agreement}", f"/v1/networks/{pair.network.partner}/members?on="
    assert (await pair.city.get(place)).status_code == 200
    await pair.act(pair.network, made, "suspend", reason=REASON)
    assert (await pair.city.get(place)).status_code == 404
    assert (await pair.city.get("/v1/partners", params={"network": pair.network.partner})).json()["items"] == []
    assert (await pair.city.get(f"{members}{today()}")).json()["items"] == []
    before = (await pair.city.get(f"{members}{today() - timedelta(days=1)}")).json()["items"]
    assert [one["id"] for one in before] == [made["id"]]


async def test_its_days_go_on_to_the_lapse(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(valid_to=LAST.isoformat(), grace_days=10)
    await pair.act(pair.network, made, "suspend", reason=REASON)
    for after in (-30, 1, 11):
        await pair.service.act(on(LAST + timedelta(days=after)))
    assert [kind for kind, _ in await pair.told(made)] == ["started", "suspended", "lapse_warned", "lapsed"]
    moment = on(LAST + timedelta(days=12))
    assert await pair.later(renew_membership, made, Renewal(valid_to=LAST + timedelta(days=300)), moment) == Status.CURRENT
    assert await pair.entitled(agreement)
    assert (await pair.read(made))["suspended_on"] is None


async def test_resumed_in_its_grace_it_enters_the_grace(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(valid_to=LAST.isoformat(), grace_days=10)
    await pair.act(pair.network, made, "suspend", reason=REASON)
    await pair.service.act(on(LAST + timedelta(days=1)))
    assert await pair.later(resume_membership, made, on(LAST + timedelta(days=2))) == Status.GRACE
    assert [kind for kind, _ in await pair.told(made)] == ["started", "suspended", "lapse_warned", "resumed", "entered_grace"]
    assert await pair.entitled(agreement)


async def test_a_suspended_membership_keeps_its_place(pair: Pair) -> None:
    outer = await pair.service.client_of("multilateral")
    body = {"partner": pair.network.partner, "valid_from": "2020-01-01"}
    inner = (await outer.post(f"/v1/networks/{outer.partner}/members", json=body)).json()
    assert (await pair.act(outer, inner, "suspend", reason=REASON)).status_code == 200
    again = await outer.post(f"/v1/networks/{outer.partner}/members", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "membership-overlaps")
    around = await pair.network.post(f"/v1/networks/{pair.network.partner}/members", json=body | {"partner": outer.partner})
    assert (around.status_code, around.json()["code"]) == (409, "membership-circle")


async def test_what_cannot_be_suspended_or_resumed_is_refused(pair: Pair) -> None:
    made = await pair.join()
    resumed = await pair.act(pair.network, made, "resume")
    assert (resumed.status_code, resumed.json()["allowed"]) == (409, ["change", "end", "suspend"])
    assert (await pair.act(pair.city, made, "suspend", reason=REASON)).status_code == 403
    assert (await pair.act(pair.network, made, "suspend")).status_code == 422
    suspended = (await pair.act(pair.network, made, "suspend", reason=REASON)).json()
    twice = await pair.act(pair.network, suspended, "suspend", reason=REASON)
    assert (twice.status_code, twice.json()["allowed"]) == (409, ["change", "end", "resume"])
    assert (await pair.act(pair.city, suspended, "resume")).status_code == 403
    ended = (await pair.act(pair.network, suspended, "end", valid_to=LAST.isoformat())).json()
    assert (ended["status"], ended["reason"]) == ("suspended", None)
    back = (await pair.act(pair.network, ended, "resume")).json()
    assert (back["status"], back["lapses_on"]) == ("current", (LAST + timedelta(days=1)).isoformat())
    ahead = await pair.act(pair.network, back, "suspend", reason=REASON)
    assert (ahead.status_code, ahead.json()["allowed"]) == (409, ["change", "end"])
