"""A partner may take part because it is bound itself, or because a network that it belongs to is, directly or through others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.partners.agreements.commands import ENTITLES
from services.partners.networks.models import MEMBERSHIP_DAY
from shared.due import owe
from tests.partners.entitlements.conftest import World

NOW = datetime.now(UTC)
TODAY = NOW.date()


async def test_the_parties_that_are_bound_may_take_part_and_those_that_look_on_may_not(world: World) -> None:
    parties = [await world.city(), await world.city()]
    roles = {await world.city(): role for role in ("supporting", "observer", "witness")}
    agreement = await world.agreement(*parties, roles=roles)
    bound = [*parties, next(partner for partner, role in roles.items() if role == "supporting")]
    assert await world.held(agreement) == {partner: [] for partner in bound}
    assert sorted(await world.told(agreement)) == sorted(("granted", partner, "agreement_in_force") for partner in bound)


async def test_a_member_may_take_part_in_what_its_network_signed(world: World) -> None:
    medellin, asocapitales, wego = await world.city(), await world.network(), await world.network("WeGO")
    membership = await world.join(medellin, asocapitales)
    agreement = await world.agreement(asocapitales, wego)
    assert await world.held(agreement) == {medellin: [asocapitales], asocapitales: [], wego: []}
    facts = [fact for fact in await world.service.facts() if fact["subject"].startswith("entitlement/")]
    (fact,) = [fact for fact in facts if fact["data"]["partner"] == medellin]
    assert (fact["type"], fact["topic"]) == ("org.interurbe.entitlement.granted.v1", "interurbe.partners")
    assert fact["data"] == {
        "entitlement": fact["subject"].partition("/")[2],
        "partner": medellin,
        "agreement": agreement,
        "lines": ["knowledge_exchange", "partnership_facilitation"],
        "party": asocapitales,
        "path": [{"membership": membership["id"], "partner": medellin, "network": asocapitales}],
        "reason": "agreement_in_force",
    }


async def test_a_network_within_a_network_passes_on_what_the_outer_one_signed(world: World) -> None:
    medellin, asocapitales, wego, other = await world.city(), await world.network(), await world.network("WeGO"), await world.city()
    agreement = await world.agreement(wego, other)
    inner = await world.join(medellin, asocapitales)
    assert medellin not in await world.held(agreement)
    outer = await world.join(asocapitales, wego)
    assert await world.held(agreement) == {medellin: [asocapitales, wego], asocapitales: [wego], wego: [], other: []}
    await world.leave(inner)
    assert await world.held(agreement) == {asocapitales: [wego], wego: [], other: []}
    await world.join(medellin, asocapitales, valid_from="2025-06-01")
    await world.leave(outer)
    assert await world.held(agreement) == {wego: [], other: []}
    assert [told for told in await world.told(agreement) if told[1] == medellin] == [
        ("granted", medellin, "membership_started"),
        ("withdrawn", medellin, "membership_ended"),
        ("granted", medellin, "membership_started"),
        ("withdrawn", medellin, "membership_ended"),
    ]


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ({"role": "observer"}, False),
        ({"inherits_agreements": "no"}, False),
        ({"inherits_agreements": "opt_in"}, False),
        ({"role": "founding"}, True),
        ({"role": "member"}, True),
        ({"role": "associate"}, True),
        ({"role": "host"}, True),
        ({"role": "secretariat"}, True),
    ],
)
async def test_as_what_a_partner_belongs_to_a_network_decides_what_passes(world: World, said: dict[str, Any], passes: bool) -> None:
    before, after, network, other = await world.city(), await world.city(), await world.network(), await world.city()
    await world.join(before, network, **said)
    agreement = await world.agreement(network, other)
    await world.join(after, network, **said)
    assert {before, after} & set(await world.held(agreement)) == ({before, after} if passes else set())


async def test_every_step_of_a_path_must_pass_it_on(world: World) -> None:
    medellin, inner, outer, other = await world.city(), await world.network(), await world.network(), await world.city()
    await world.join(medellin, inner)
    await world.join(inner, outer, inherits_agreements="no")
    assert await world.held(await world.agreement(outer, other)) == {outer: [], other: []}


async def test_many_are_entitled_a_portion_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.partners.inheritance.commands.PORTION", 2)
    inner, outer, other = await world.network(), await world.network(), await world.city()
    cities = [await world.city() for _ in range(3)]
    for city in cities:
        await world.join(city, inner)
    agreements = [await world.agreement(outer, other) for _ in range(2)]
    await world.join(inner, outer)
    last = TODAY + timedelta(days=1)
    agreements.append(await world.agreement(outer, other, expires_on=last.isoformat()))
    for agreement in agreements:
        assert await world.held(agreement) == {outer: [], other: [], inner: [outer]} | {city: [inner, outer] for city in cities}
        assert len(await world.told(agreement)) == 6
    await world.service.act(at(last + timedelta(days=1), 6))
    assert await world.held(agreements[-1]) == {}


async def test_another_path_takes_over_in_silence(world: World) -> None:
    medellin, one, two, other = await world.city(), await world.network(), await world.network(), await world.city()
    agreement = await world.agreement(one, two, other)
    first, second = await world.join(medellin, one), await world.join(medellin, two)
    before = await world.told(agreement)
    assert (await world.held(agreement))[medellin] == [one]
    await world.leave(first)
    assert (await world.held(agreement))[medellin] == [two]
    assert await world.told(agreement) == before
    await world.leave(second)
    assert (await world.told(agreement))[len(before) :] == [("withdrawn", medellin, "membership_ended")]


async def test_who_is_a_party_and_a_member_keeps_its_own_place(world: World) -> None:
    medellin, network = await world.city(), await world.network()
    membership = await world.join(medellin, network)
    agreement = await world.agreement(network, medellin)
    assert (await world.held(agreement))[medellin] == []
    await world.leave(membership)
    assert (await world.held(agreement))[medellin] == []


async def test_a_membership_entitles_on_its_days_alone(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    agreement = await world.agreement(network, other)
    first, last = TODAY + timedelta(days=10), TODAY + timedelta(days=20)
    await world.join(medellin, network, valid_from=first.isoformat(), valid_to=last.isoformat())
    days = {first - timedelta(days=1): False, first: True, last: True, last + timedelta(days=1): False}
    for day, entitled in days.items():
        await world.service.act(datetime(day.year, day.month, day.day, 0, 0, 1, tzinfo=UTC))
        assert (medellin in await world.held(agreement)) is entitled, day
    assert [kind for kind, partner, _ in await world.told(agreement) if partner == medellin] == ["granted", "withdrawn"]


async def test_an_end_that_lies_ahead_ends_on_that_day_and_not_with_the_news(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    agreement = await world.agreement(network, other)
    membership = await world.join(medellin, network)
    await world.leave(membership, (TODAY + timedelta(days=30)).isoformat())
    assert medellin in await world.held(agreement)
    await world.service.act(NOW + timedelta(days=29))
    assert medellin in await world.held(agreement)
    await world.service.act(NOW + timedelta(days=31))
    assert medellin not in await world.held(agreement)


async def test_a_membership_that_is_ended_before_it_began_never_entitles(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    agreement = await world.agreement(network, other)
    first = TODAY + timedelta(days=10)
    membership = await world.join(medellin, network, valid_from=first.isoformat())
    await world.leave(membership, first.isoformat())
    await world.service.act(NOW + timedelta(days=40))
    assert medellin not in await world.held(agreement)


async def test_an_agreement_entitles_from_the_day_it_binds_to_the_end_of_its_last_day(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    await world.join(medellin, network)
    first, last = TODAY + timedelta(days=10), TODAY + timedelta(days=20)
    days: dict[str, Any] = {"effective_rule": "fixed_date", "effective_on": first.isoformat(), "expires_on": last.isoformat()}
    agreement = await world.agreement(network, other, **days)
    assert await world.held(agreement) == {}
    # Its days are those of Bogotá, where it is at home: they begin and end five hours after those of UTC.
    moments = {(first, 4): 0, (first, 6): 3, (last + timedelta(days=1), 4): 3, (last + timedelta(days=1), 6): 0}
    for (day, hour), entitled in moments.items():
        await world.service.act(at(day, hour))
        assert len(await world.held(agreement)) == entitled, (day, hour)
    assert [reason for kind, _, reason in await world.told(agreement) if kind == "withdrawn"] == ["agreement_over"] * 3
    await world.join(await world.city(), network)
    assert await world.held(agreement) == {}


async def test_what_is_older_than_entitlements_comes_to_entitle_by_what_is_due(world: World) -> None:
    medellin, network, other = await world.city(), await world.network(), await world.city()
    membership, agreement = await world.join(medellin, network), await world.agreement(network, other)
    async with world.service.runtime.database.session() as session:
        await session.execute(text("TRUNCATE entitlement, tie, bound_party, agreement_in_force"))
        await owe(session, MEMBERSHIP_DAY, f"membership/{membership['id']}", NOW)
        await owe(session, ENTITLES, f"agreement/{agreement}", NOW)
        await session.commit()
    await world.service.act(NOW + timedelta(minutes=1))
    assert await world.held(agreement) == {medellin: [network], network: [], other: []}


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("visibility", "member_is_told", "nested_is_told"), [("public", True, True), ("network", True, True), ("parties", False, False)]
)
async def test_who_may_know_of_an_entitlement_is_who_may_know_of_the_agreement(
    world: World, visibility: str, member_is_told: bool, nested_is_told: bool
) -> None:
    nested, inner, outer, other = await world.city(), await world.network(), await world.network(), await world.city()
    await world.join(nested, inner)
    membership = await world.join(inner, outer)
    await world.agreement(outer, other, visibility=visibility)
    await world.leave(membership)
    facts = [fact for fact in await world.service.facts() if fact["subject"].startswith("entitlement/")]
    headers = {(fact["data"]["partner"], fact["type"]): fact["headers"] for fact in facts}
    for partner, told in ((inner, member_is_told), (nested, nested_is_told)):
        for kind in ("granted", "withdrawn"):
            said = headers[partner, f"org.interurbe.entitlement.{kind}.v1"]
            assert said["ce_visibility"] == visibility
            audience = set(said["ce_audience"].split(","))
            assert audience == {outer, other} | ({partner} if told else set())
