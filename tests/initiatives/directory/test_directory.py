"""What is known of the neighbour: right after any order and number of deliveries, and shown only to those who may know."""

import random
from datetime import date
from typing import Any

from shared.db import new_id
from shared.events import Visibility
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.neighbour import HEARD_AT

VIEWS = ("known_partner", "known_membership", "known_agreement", "known_entitlement")


async def views(service: InitiativesService) -> dict[str, list[dict[str, Any]]]:
    return {view: await service.rows(view) for view in VIEWS}


def a_history(service: InitiativesService) -> None:
    say = service.neighbour
    network, other, city = say.partner("Red", "city_network"), say.partner("Otra", "city_network"), say.partner("Cali")
    membership = say.joins(city, network)
    agreement = say.binds([network, other])
    say.entitle(agreement, city, (membership, city, network))
    say.enters_into_force(agreement, [network, other], expires_on=date(2030, 12, 31))
    say.rename(city, "Santiago de Cali")
    say.leaves(membership, city, network, date(2026, 6, 30))
    say.entitle(agreement, city, (membership, city, network), held=False)
    say.rename(city, "Cali, Distrito")


async def test_the_views_say_what_was_said_last(service: InitiativesService) -> None:
    a_history(service)
    await service.hear()
    known = await views(service)
    assert [row["names"]["es"] for row in known["known_partner"]] == ["Red", "Otra", "Cali, Distrito"]
    assert [(row["valid_to"], row["inherits_agreements"]) for row in known["known_membership"]] == [(date(2026, 6, 30), "auto")]
    [agreement] = known["known_agreement"]
    assert (agreement["state"], agreement["expires_on"], len(agreement["bound"])) == ("in_force", date(2030, 12, 31), 2)


async def test_every_fact_twice_and_out_of_order_comes_to_the_same(service: InitiativesService) -> None:
    a_history(service)
    facts = service.neighbour.take()
    shuffled = [*facts, *facts]
    random.Random(7).shuffle(shuffled)
    for fact in shuffled:
        await service.hear([fact])
    one_by_one = await views(service)
    await service.hear(facts)
    assert await views(service) == one_by_one
    assert [row["names"]["es"] for row in one_by_one["known_partner"]] == ["Red", "Otra", "Cali, Distrito"]
    assert one_by_one["known_agreement"][0]["state"] == "in_force"
    assert sorted(row["held"] for row in one_by_one["known_entitlement"]) == [False, True, True]
    assert await service.facts() == []


async def test_a_partner_is_shown_with_the_time_of_the_news(service: InitiativesService) -> None:
    seoul = service.neighbour.partner("서울", country="KR", timezone="Asia/Seoul", languages=("ko",))
    await service.hear()
    shown = (await service.client_of(seoul).get(f"/v1/directory/partners/{seoul}")).json()
    assert (shown["names"], shown["country"], shown["languages"]) == ({"es": "서울"}, "KR", ["ko"])
    assert shown["heard_at"] == HEARD_AT.isoformat().replace("+00:00", "Z")
    missing = await service.client_of(seoul).get(f"/v1/directory/partners/{new_id()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


async def seen(service: InitiativesService, caller: str, agreement: str) -> tuple[int, bool]:
    client = service.client_of(caller)
    single = await client.get(f"/v1/directory/agreements/{agreement}")
    listed = (await client.get("/v1/directory/agreements")).json()["items"]
    return single.status_code, agreement in [one["id"] for one in listed]


async def test_an_agreement_of_its_parties_is_hidden_from_others(service: InitiativesService) -> None:
    say = service.neighbour
    network, other, member, stranger = (say.partner(name) for name in ("Red", "Otra", "Miembro", "Extraño"))
    membership = say.joins(member, network)
    hidden = say.binds([network, other], visibility=Visibility.PARTIES)
    say.entitle(hidden, member, (membership, member, network))
    await service.hear()
    assert await seen(service, other, hidden) == (200, True)
    assert await seen(service, member, hidden) == await seen(service, stranger, hidden) == (404, False)
    operator = await service.operator.get(f"/v1/directory/agreements/{hidden}")
    assert operator.status_code == 200
    own = await service.client_of(member).get(f"/v1/partners/{member}/entitlements")
    assert own.json()["items"] == []
    told = await service.client_of(other).get(f"/v1/partners/{member}/entitlements")
    assert len(told.json()["items"]) == 4


async def test_an_agreement_of_networks_is_shown_to_their_present_members(service: InitiativesService) -> None:
    say = service.neighbour
    network, other, member, former, stranger = (say.partner(name) for name in ("Red", "Otra", "Miembro", "Antiguo", "Extraño"))
    membership = say.joins(member, network)
    say.leaves(say.joins(former, network), former, network, date(2025, 1, 1))
    inner, nested, late = (say.partner(name) for name in ("Subred", "Ciudad", "Tardía"))
    say.joins(inner, network)
    say.joins(nested, inner)
    say.leaves(say.joins(late, inner), late, inner, date(2025, 1, 1))
    agreement = say.binds([network, other], visibility=Visibility.NETWORK)
    say.entitle(agreement, member, (membership, member, network))
    await service.hear()
    assert await seen(service, member, agreement) == await seen(service, nested, agreement) == (200, True)
    assert await seen(service, late, agreement) == (404, False)
    assert await seen(service, former, agreement) == await seen(service, stranger, agreement) == (404, False)
    assert len((await service.client_of(member).get(f"/v1/partners/{member}/entitlements")).json()["items"]) == 4


async def test_agreements_are_found_by_party_and_day_page_by_page(service: InitiativesService) -> None:
    say = service.neighbour
    a, b, c = (say.partner(name) for name in "ABC")
    of_a = [say.sign([a, b]) for _ in range(3)]
    say.sign([b, c], effective_on=date(2026, 1, 1), expires_on=date(2026, 1, 31))
    await service.hear()
    client = service.client_of(a)
    first = await client.get("/v1/directory/agreements", params={"party": a, "limit": 2})
    second = await client.get(first.links["next"]["url"])
    assert [one["id"] for one in first.json()["items"] + second.json()["items"]] == sorted(of_a)
    assert "next" not in second.links
    assert len((await client.get("/v1/directory/agreements", params={"on": "2026-01-15"})).json()["items"]) == 4
    assert len((await client.get("/v1/directory/agreements", params={"on": "2026-02-01"})).json()["items"]) == 3
    unknown = await client.get("/v1/directory/agreements", params={"signatory": a})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "?signatory")


async def test_a_fact_from_the_future_shape_is_still_understood(service: InitiativesService) -> None:
    say = service.neighbour
    city = say.partner("Cali", kind="floating_city")
    await service.hear()
    shown = (await service.client_of(city).get(f"/v1/directory/partners/{city}")).json()
    assert shown["kind"] == "floating_city"
