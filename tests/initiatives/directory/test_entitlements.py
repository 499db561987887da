"""What a partner may use and why: what the partners service entitles it to, on the days to which agreement and memberships last."""

from datetime import date
from typing import Any

import pytest

from services.initiatives.directory.entitlements.models import LINES
from shared.db import new_id
from shared.events import LineTerms
from tests.initiatives.conftest import InitiativesService


async def entitlements(service: InitiativesService, partner: str, on: str = "2026-03-02") -> list[dict[str, Any]]:
    answer = await service.client_of(partner).get(f"/v1/partners/{partner}/entitlements", params={"on": on})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_party_may_use_each_line_of_its_agreement(service: InitiativesService) -> None:
    say = service.neighbour
    wego, seoul = say.partner("WeGO", "city_network"), say.partner("Seoul")
    agreement = say.binds([wego, seoul])
    await service.hear()
    found = await entitlements(service, seoul)
    assert sorted(one["line"] for one in found) == sorted(LINES)
    assert {(one["agreement"], one["path"]["via"], one["path"]["party"]) for one in found} == {(agreement, "party", seoul)}
    words = next(one["because"] for one in found if one["line"] == "knowledge_exchange")
    assert words["en"] == "Seoul may take part because it is party to “Memorandum”, line a (knowledge exchange)."
    assert words["es"].startswith("Seoul puede participar porque es parte de «Memorando de Entendimiento», línea a")


async def test_a_member_may_join_because_its_network_signed(service: InitiativesService) -> None:
    say = service.neighbour
    asocapitales, wego = say.partner("Asocapitales", "city_network"), say.partner("WeGO", "city_network")
    medellin = say.partner("Medellín")
    membership = say.joins(medellin, asocapitales)
    agreement = say.sign([asocapitales, wego], lines=(LineTerms(line="knowledge_exchange"),))
    say.entitle(agreement, medellin, (membership, medellin, asocapitales))
    await service.hear()
    [one] = await entitlements(service, medellin)
    assert one["path"] == {
        "via": "membership", "party": asocapitales, "membership": membership, "role": "member", "until": None,
        "networks": [asocapitales],
    }  # fmt: skip
    assert one["because"]["en"] == (
        "Medellín may take part because it is a member of Asocapitales, which is party to “Memorandum”, line a (knowledge exchange)."
    )
    assert set(one["because"]) == {"es", "en", "pt", "de", "uk", "ms", "ko"}


async def test_who_leaves_the_network_is_entitled_up_to_its_last_day(service: InitiativesService) -> None:
    say = service.neighbour
    network, other, city = say.partner("Red", "city_network"), say.partner("Otra", "city_network"), say.partner("Cali")
    membership = say.joins(city, network, since=date(2026, 1, 10))
    agreement = say.sign([network, other])
    say.entitle(agreement, city, (membership, city, network))
    say.leaves(membership, city, network, date(2026, 6, 30))
    await service.hear()
    by_day = {on: len(await entitlements(service, city, on)) for on in ("2026-01-09", "2026-01-10", "2026-06-30", "2026-07-01")}
    assert by_day == {"2026-01-09": 0, "2026-01-10": 4, "2026-06-30": 4, "2026-07-01": 0}
    assert {one["path"]["until"] for one in await entitlements(service, city)} == {"2026-06-30"}


async def test_only_who_is_told_to_be_entitled_is(service: InitiativesService) -> None:
    say = service.neighbour
    network, other = say.partner("Red", "city_network"), say.partner("Otra", "city_network")
    chosen, silent = say.partner("Elegida"), say.partner("Callada")
    ways = {city: (say.joins(city, network, inherits="opt_in"), city, network) for city in (chosen, silent)}
    agreement = say.binds([network, other])
    say.entitle(agreement, chosen, ways[chosen])
    await service.hear()
    assert [len(await entitlements(service, city)) for city in (chosen, silent)] == [4, 0]
    say.entitle(agreement, chosen, ways[chosen], held=False)
    await service.hear()
    assert await entitlements(service, chosen) == []


async def test_a_member_of_a_network_within_a_network_is_told_the_whole_way(service: InitiativesService) -> None:
    say = service.neighbour
    region, network, other = (say.partner(name, "city_network") for name in ("Región", "Red", "Otra"))
    city = say.partner("Cali")
    below, above = say.joins(city, region), say.joins(region, network)
    agreement = say.binds([network, other], lines=(LineTerms(line="joint_projects"),))
    say.entitle(agreement, city, (below, city, region), (above, region, network), lines=("joint_projects",))
    say.leaves(above, region, network, date(2026, 6, 30))
    await service.hear()
    [one] = await entitlements(service, city)
    path = one["path"]
    assert (path["party"], path["membership"], path["networks"], path["until"]) == (network, below, [region, network], "2026-06-30")
    assert "because it is a member of Región → Red, which is party to" in one["because"]["en"]
    assert await entitlements(service, city, "2026-07-01") == []


async def test_another_way_holds_when_the_one_that_was_told_ends(service: InitiativesService) -> None:
    say = service.neighbour
    red, liga, city = say.partner("Red", "city_network"), say.partner("Liga", "city_network"), say.partner("Cali")
    first, second = say.joins(city, red), say.joins(city, liga)
    agreement = say.binds([red, liga], lines=(LineTerms(line="joint_projects"),))
    say.entitle(agreement, city, (first, city, red))
    say.leaves(first, city, red, date(2026, 6, 30))
    await service.hear()
    parties = {on: [one["path"]["membership"] for one in await entitlements(service, city, on)] for on in ("2026-06-30", "2026-07-01")}
    assert parties == {"2026-06-30": [first], "2026-07-01": [second]}
    say.leaves(second, city, liga, date(2026, 8, 31))
    await service.hear()
    assert await entitlements(service, city, "2026-09-01") == []


@pytest.mark.parametrize("change", [{"inherits": "no"}, {"role": "observer"}])
async def test_another_way_holds_when_nothing_passes_on_the_one_that_was_told(service: InitiativesService, change: dict[str, str]) -> None:
    say = service.neighbour
    red, liga, city = say.partner("Red", "city_network"), say.partner("Liga", "city_network"), say.partner("Cali")
    first, second = say.joins(city, red), say.joins(city, liga)
    agreement = say.binds([red, liga], lines=(LineTerms(line="joint_projects"),))
    say.entitle(agreement, city, (first, city, red))
    say.changes(first, city, red, **change)
    await service.hear()
    assert [one["path"]["membership"] for one in await entitlements(service, city)] == [second]
    say.changes(second, city, liga, **change)
    await service.hear()
    assert await entitlements(service, city) == []
    say.changes(first, city, red, role="host")
    await service.hear()
    (way,) = [one["path"] for one in await entitlements(service, city)]
    assert (way["membership"], way["role"]) == (first, "host")


async def test_an_agreement_entitles_while_it_is_in_force(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    agreement = say.binds([a, b], effective_on=date(2026, 2, 1), expires_on=date(2026, 2, 28))
    await service.hear()
    days = ("2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01")
    assert [len(await entitlements(service, a, on)) for on in days] == [0, 4, 4, 0]
    say.enters_into_force(agreement, [a, b], expires_on=date(2027, 2, 28))
    await service.hear()
    assert len(await entitlements(service, a, "2026-03-01")) == 4


async def test_a_line_this_code_does_not_know_is_told_as_it_is(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    agreement = say.sign([a, b], lines=(LineTerms(line="space_travel"),))
    say.entitle(agreement, a, lines=("space_travel",))
    await service.hear()
    [one] = await entitlements(service, a)
    assert one["because"]["en"].endswith("line ? (space_travel).")


async def test_pages_of_entitlements_hold_each_once(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    for _ in range(3):
        say.binds([a, b])
    await service.hear()
    client, met, address = service.client_of(a), [], f"/v1/partners/{a}/entitlements?on=2026-03-02&limit=5"
    while address:
        answer = await client.get(address)
        met += [(one["agreement"], one["line"]) for one in answer.json()["items"]]
        address = answer.links.get("next", {}).get("url", "")
    assert len(met) == len(set(met)) == 12


async def test_an_unknown_partner_has_no_entitlements_to_tell(service: InitiativesService) -> None:
    partner = new_id()
    answer = await service.client_of(partner).get(f"/v1/partners/{partner}/entitlements")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    bad = await service.client_of(partner).get(f"/v1/partners/{partner}/entitlements", params={"on": "30/02/2026"})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "?on")
