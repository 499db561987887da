"""A partner is verified by somebody, in some way, until some day; and it is seen to that somebody looks again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.partners.conftest import PartnersService
from tests.partners.registry.standing.test_standing import do, done, facts

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def night(day: str, zone_hours: int = 5) -> datetime:
    """The first moment of a day in Bogotá, by UTC."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=zone_hours)


async def test_the_operator_says_how_and_until_when_and_everybody_reads_it(service: PartnersService) -> None:
    city = await service.client_of()
    assert (await city.get(f"/v1/partners/{city.partner}")).json()["verified"] is False
    said = {"method": "document", "valid_until": in_days(400), "evidence_sha256": HASH}
    verified = await done(service.operator, city.partner, "verify", **said)
    assert (verified["verified"], verified["verified_until"], verified["state"]) == (True, said["valid_until"], "active")
    [listed] = (await (await service.client_of()).get(f"/v1/partners/{city.partner}/verifications")).json()["items"]
    assert said.items() <= listed.items()
    assert listed["verified_by"] is None
    fact = (await service.facts(f"partner/{city.partner}"))[-1]
    assert fact["type"] == "org.interurbe.partner.verified.v1"
    assert (fact["data"]["method"], fact["data"]["valid_until"]) == ("document", said["valid_until"])


async def test_the_last_word_counts_and_the_earlier_ones_are_kept(service: PartnersService) -> None:
    city = (await service.register())["id"]
    await done(service.operator, city, "verify", method="document", valid_until=in_days(900))
    again = await done(service.operator, city, "verify", method="visit", valid_until=in_days(100))
    assert again["verified_until"] == in_days(100)
    place = f"/v1/partners/{city}/verifications"
    first = (await service.operator.get(place, params={"limit": 1})).json()
    rest = (await service.operator.get(place, params={"after": first["next"]})).json()["items"]
    assert [item["method"] for item in (*first["items"], *rest)] == ["visit", "document"]


async def test_without_a_day_it_counts_for_two_years(service: PartnersService) -> None:
    city = (await service.register())["id"]
    until = date.fromisoformat((await done(service.operator, city, "verify", method="visit"))["verified_until"])
    assert abs(until - datetime.now(UTC).date() - timedelta(days=730)) <= timedelta(days=1)


async def test_a_network_vouches_for_its_own_members_and_in_no_other_way(service: PartnersService) -> None:
    network, stranger = await service.client_of("city_network"), await service.client_of("city_network")
    city = (await service.register())["id"]
    joining = {"partner": city, "valid_from": "2020-01-01"}
    assert (await do(network, city, "verify", method="network_vouch")).status_code == 403
    membership = (await network.post(f"/v1/networks/{network.partner}/members", json=joining)).json()["id"]
    assert (await do(network, city, "verify", method="network_vouch")).status_code == 403, "nobody made sure who the network is"
    for one in (network, stranger):
        await done(service.operator, one.partner, "verify", method="visit")
    assert (await do(stranger, city, "verify", method="network_vouch")).json()["code"] == "forbidden"
    other_way = await do(network, city, "verify", method="document")
    assert (other_way.status_code, other_way.json()["field"]) == (403, "/method")
    assert (await done(network, city, "verify", method="network_vouch"))["verified"] is True
    [listed] = (await network.get(f"/v1/partners/{city}/verifications")).json()["items"]
    assert listed["verified_by"] == network.partner
    ended = {"valid_to": "2020-12-31"}
    assert (await network.post(f"/v1/memberships/{membership}/end", json=ended, headers={"If-Match": '"1"'})).status_code == 200
    assert (await do(network, city, "verify", method="network_vouch")).status_code == 403


async def test_nobody_verifies_itself(service: PartnersService) -> None:
    network = await service.client_of("city_network")
    await done(service.operator, network.partner, "verify", method="visit")
    assert (await do(network, network.partner, "verify", method="network_vouch")).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"method": "hearsay"}, "/method"),
        ({}, "/method"),
        ({"method": "visit", "valid_until": "2001-01-01"}, "/valid_until"),
        ({"method": "visit", "valid_until": "2999-01-01"}, "/valid_until"),
        ({"method": "visit", "evidence_sha256": "abc"}, "/evidence_sha256"),
        ({"method": "visit", "note": "x"}, "/note"),
    ],
)
async def test_what_is_no_proof_is_refused(service: PartnersService, body: dict[str, Any], field: str) -> None:
    city = (await service.register())["id"]
    answer = await service.operator.post(f"/v1/partners/{city}/verify", json=body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_a_day_that_has_passed_is_told_so_and_not_how_long_is_too_long(service: PartnersService) -> None:
    city = (await service.register())["id"]
    body = {"method": "visit", "valid_until": "2001-01-01"}
    told = (await service.operator.post(f"/v1/partners/{city}/verify", json=body, headers={"If-Match": '"1"'})).json()
    assert "2001-01-01 has passed" in told["detail"]
    assert "five years" not in told["detail"]
    assert told["fix"].startswith("Send a day from ")


async def test_a_renewal_is_asked_for_sixty_days_before_and_then_the_verification_lapses(service: PartnersService) -> None:
    city = (await service.register())["id"]
    until = in_days(100)
    await done(service.operator, city, "verify", method="document", valid_until=until)
    asked, ends = night(in_days(40)), night(in_days(101))
    second, week = timedelta(seconds=1), timedelta(days=7)
    for now, told in ((asked - second, 0), (asked, 1), (ends - second, 1), (ends, 2), (ends + week, 2)):
        await service.act(now)
        assert len(await facts(service, city)) == 2 + told, now
    assert (await facts(service, city))[-2:] == ["verification_renewal_asked.v1", "verification_lapsed.v1"]
    renewal = (await service.facts(f"partner/{city}"))[-2]
    assert (renewal["headers"]["ce_visibility"], renewal["data"]["valid_until"]) == ("owner", until)
    read = (await service.operator.get(f"/v1/partners/{city}")).json()
    assert (read["verified"], read["verified_until"], read["state"]) == (False, until, "active")
    history = (await service.operator.get(f"/v1/partners/{city}/history")).json()["items"]
    assert (history[0]["changes"], history[0]["by_partner"]) == ({"verified": {"old": True, "new": False}}, None)


async def test_a_renewal_in_time_moves_both_days(service: PartnersService) -> None:
    city = (await service.register())["id"]
    await done(service.operator, city, "verify", method="document", valid_until=in_days(100))
    await done(service.operator, city, "verify", method="document", valid_until=in_days(500))
    await service.act(night(in_days(101)))
    assert (await facts(service, city))[-1] == "verified.v1"
    await service.act(night(in_days(440)))
    assert (await facts(service, city))[-1] == "verification_renewal_asked.v1"
    assert (await service.operator.get(f"/v1/partners/{city}")).json()["verified"] is True


async def test_a_verification_ends_by_the_clocks_where_the_partner_is_now(service: PartnersService) -> None:
    city = await service.client_of()
    await done(service.operator, city.partner, "verify", method="document", valid_until=in_days(100))
    moved = {"timezone": "Pacific/Pago_Pago"}
    assert (await city.patch(f"/v1/partners/{city.partner}", json=moved, headers={"If-Match": '"2"'})).status_code == 200
    await service.act(night(in_days(101)))
    assert (await service.operator.get(f"/v1/partners/{city.partner}")).json()["verified"] is True
    await service.act(night(in_days(101), 11))
    assert (await service.operator.get(f"/v1/partners/{city.partner}")).json()["verified"] is False


async def test_an_archived_partner_is_asked_for_nothing(service: PartnersService) -> None:
    city = (await service.register())["id"]
    await done(service.operator, city, "verify", method="document", valid_until=in_days(100))
    await done(service.operator, city, "archive", reason="Cerrada.")
    await service.act(night(in_days(200)))
    assert (await facts(service, city))[-1] == "archived.v1"


async def test_operators_list_who_is_not_verified_and_whose_renewal_is_near(service: PartnersService) -> None:
    never, soon, later = [(await service.register())["id"] for _ in range(3)]
    await done(service.operator, soon, "verify", method="document", valid_until=in_days(30))
    await done(service.operator, later, "verify", method="document", valid_until=in_days(300))
    asked: list[tuple[dict[str, str], list[str]]] = [
        ({"verified": "false"}, [never]),
        ({"verified": "true"}, [soon, later]),
        ({"renewal_by": in_days(60)}, [soon]),
        ({"renewal_by": in_days(300)}, [soon, later]),
    ]
    for params, expected in asked:
        listed = (await service.operator.get("/v1/partners", params=params)).json()["items"]
        assert [partner["id"] for partner in listed] == expected, params


@pytest.mark.parametrize("said", [{"names": {"en": "World Bank"}}, {"country": "US", "subdivision": None}])
async def test_who_says_it_is_another_is_verified_no_longer(service: PartnersService, said: dict[str, Any]) -> None:
    city = await service.client_of()
    place = f"/v1/partners/{city.partner}"
    await done(service.operator, city.partner, "verify", method="visit")
    plain = await city.patch(place, json={"locality": "Norte", "website": "https://example.org"}, headers={"If-Match": '"2"'})
    assert plain.json()["verified"] is True
    renamed = (await city.patch(place, json=said, headers={"If-Match": '"3"'})).json()
    yesterday = renamed["verified_until"]
    assert (renamed["verified"], date.fromisoformat(yesterday) < datetime.now(UTC).date()) == (False, True)
    told = (await service.facts(f"partner/{city.partner}"))[-2:]
    assert [fact["type"].split(".")[-2] for fact in told] == ["updated", "verification_lapsed"]
    assert told[1]["data"]["valid_until"] == yesterday
    changes = (await city.get(f"{place}/history")).json()["items"][0]["changes"]
    assert {"verified", "verified_until", next(iter(said))} <= set(changes)
    again = await done(service.operator, city.partner, "verify", method="visit")
    assert again["verified"] is True
    kept = await service.operator.patch(place, json={"names": {"en": "City of Medellín"}}, headers={"If-Match": f'"{again["version"]}"'})
    assert kept.json()["verified"] is True, "the operator knows whom it renames"
