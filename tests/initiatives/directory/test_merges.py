"""Merged partners are one: whichever id something names, in whatever order it was told, and two again when it was a mistake."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest

from shared.db import new_id
from shared.events import Envelope, LineTerms, MembershipSucceeded, Visibility
from tests.initiatives.commitments.test_commitments import promise
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import Cast, next_year
from tests.initiatives.neighbour import line

VIEWS = ("known_partner", "merged_partner", "known_membership", "known_agreement", "known_entitlement")
OUTSIDE: dict[str, Any] = {"agreement": None, "line": None, "outside_agreement": True, "outside_reason": "Visita."}


async def survivors(service: InitiativesService) -> dict[str, str]:
    return {row["id"]: row["survivor"] for row in await service.rows("merged_partner")}


async def shown(service: InitiativesService, partner: str) -> tuple[int, str]:
    answer = await service.client_of(partner).get(f"/v1/directory/partners/{partner}")
    return answer.status_code, answer.json().get("id", "")


def a_merge(service: InitiativesService) -> tuple[Cast, str]:
    """A centre registered twice; what its first record had goes over to the second, fact by fact."""
    say = service.neighbour
    old, new = say.partner("C4IR Kyiv", "tech_centre"), say.partner("GGTC Kyiv", "tech_centre")
    other, city = say.partner("WeGO", "city_network"), say.partner("Lviv")
    membership = say.joins(city, old)
    agreement = say.binds([old, other], visibility=Visibility.PARTIES, lines=(line("knowledge_exchange", promise(old, other)),))
    say.entitle(agreement, city, (membership, city, old))
    say.merge(old, new)
    say.succeeds(agreement, old, new)
    moved = MembershipSucceeded(membership=membership, partner=city, network=new, was_partner=city, was_network=old, because="merged")
    say.say(moved, membership)
    say.entitle(agreement, old, held=False)
    say.entitle(agreement, new)
    return Cast(service, new, other, city, city, membership, agreement), old


async def views(service: InitiativesService) -> dict[str, list[dict[str, Any]]]:
    return {view: await service.rows(view) for view in VIEWS}


@pytest.mark.parametrize("seed", range(6))
async def test_merges_heard_in_any_order_come_to_the_same(service: InitiativesService, seed: int) -> None:
    cast, old = a_merge(service)
    say = service.neighbour
    third = say.partner("Kyiv Digital", "tech_centre")
    say.merge(cast.host, third)
    say.undo_merge(cast.host, third, "GGTC Kyiv")
    say.merge(cast.host, third)
    facts = say.take()
    mixed: list[Envelope] = [*facts, *facts]
    random.Random(seed).shuffle(mixed)
    for fact in mixed:
        await service.hear([fact])
    heard = await views(service)
    assert await survivors(service) == {old: third, cast.host: third}
    [agreement] = heard["known_agreement"]
    assert ([party["partner"] for party in agreement["parties"]], agreement["bound"]) == ([cast.host, cast.other],) * 2
    assert set(agreement["audience"]) == {cast.host, cast.other}
    assert [row["network"] for row in heard["known_membership"]] == [cast.host]


async def test_a_merge_may_be_heard_before_either_partner(service: InitiativesService) -> None:
    say = service.neighbour
    old, new = new_id(), new_id()
    say.names[new] = {"es": "Nuevo"}
    merged = say.merge(old, new)
    await service.hear([merged])
    assert await survivors(service) == {old: new}
    assert (await shown(service, old))[0] == 404


async def test_whoever_asks_for_the_old_id_is_shown_the_survivor_until_it_is_undone(service: InitiativesService) -> None:
    say = service.neighbour
    a, b, c = (say.partner(name) for name in ("A", "B", "C"))
    say.merge(b, c)
    say.merge(a, b)
    await service.hear()
    assert [await shown(service, each) for each in (a, b, c)] == [(200, c)] * 3
    say.undo_merge(b, c, "B otra vez")
    await service.hear()
    assert [await shown(service, each) for each in (a, b, c)] == [(200, b), (200, b), (200, c)]
    say.undo_merge(a, b, "A")
    await service.hear()
    assert [await shown(service, each) for each in (a, b, c)] == [(200, each) for each in (a, b, c)]


async def test_a_ring_of_news_ends_when_the_undoing_comes(service: InitiativesService) -> None:
    say = service.neighbour
    a, b = say.partner("A"), say.partner("B")
    say.merge(a, b)
    await service.hear()
    undone, turned = say.undo_merge(a, b, "A"), say.merge(b, a)
    await service.hear([turned])
    assert await survivors(service) == {a: a, b: b}
    await service.hear([undone])
    assert await survivors(service) == {a: a, b: a}


async def test_the_survivor_s_clients_act_on_what_the_old_id_hosts(service: InitiativesService) -> None:
    say = service.neighbour
    old, new, guest = say.partner("C4IR Kyiv"), say.partner("GGTC Kyiv"), say.partner("Lviv")
    await service.hear()
    cast = Cast(service, old, guest, guest, guest, "", new_id())
    exchange = await cast.scheduled(participants=[guest], **OUTSIDE)
    assert (await service.client_of(new).get(f"/v1/exchanges/{exchange['id']}")).status_code == 404
    say.merge(old, new)
    await service.hear()
    now = (await service.client_of(new).get(f"/v1/exchanges/{exchange['id']}")).json()
    assert now["hosts"] == [{"partner": new, "names": {"es": "GGTC Kyiv"}}]
    for asked in (old, new):
        found = await service.client_of(guest).get("/v1/exchanges", params={"partner": asked})
        assert [one["id"] for one in found.json()["items"]] == [exchange["id"]]
    moved = await cast.change(exchange, "reschedule", new, starts_at=f"{next_year()}-04-01T09:00", ends_at=f"{next_year()}-04-01T10:00")
    assert moved.status_code == 200, moved.text
    assert (await service.facts())[-1]["data"]["about"]["hosts"] == now["hosts"]
    assert (await cast.change(moved.json(), "cancel", old)).status_code == 200
    say.undo_merge(old, new, "C4IR Kyiv")
    await service.hear()
    assert (await service.client_of(new).get(f"/v1/exchanges/{exchange['id']}")).status_code == 404
    again = (await service.client_of(old).get(f"/v1/exchanges/{exchange['id']}")).json()
    assert again["hosts"] == exchange["hosts"]


async def test_what_one_of_them_may_use_the_other_may_in_every_order_of_the_news(service: InitiativesService) -> None:
    cast, old = a_merge(service)
    say = service.neighbour
    facts = say.take()
    merged = next(place for place, fact in enumerate(facts) if fact.type.endswith("partner.merged.v1"))
    await service.hear(facts[: merged + 1])
    why = (await cast.scheduled())["because"]
    assert [one["partner"] for one in why] == [cast.host, cast.city]
    by_the_old_id = await cast.schedule(old, hosts=[old])
    assert by_the_old_id.json()["hosts"][0]["partner"] == cast.host
    twice = await cast.schedule(hosts=[cast.host, old])
    assert (twice.status_code, twice.json()["field"]) == (422, "/hosts/1")
    await service.hear(facts[merged + 1 :])
    assert [one["partner"] for one in (await cast.scheduled())["because"]] == [cast.host, cast.city]
    for asked in (old, cast.host):
        listed = await service.client_of(asked).get(f"/v1/partners/{asked}/entitlements?on={next_year()}-03-04")
        assert {(one["partner"], one["path"]["party"]) for one in listed.json()["items"]} == {(cast.host, cast.host)}


async def test_agreements_and_commitments_of_the_old_id_are_the_survivor_s(service: InitiativesService) -> None:
    cast, old = a_merge(service)
    await service.hear()
    for caller in (old, cast.host):
        client = service.client_of(caller)
        for asked in (old, cast.host):
            listed = (await client.get("/v1/directory/agreements", params={"party": asked})).json()["items"]
            assert [one["id"] for one in listed] == [cast.agreement]
            [one] = (await client.get("/v1/commitments", params={"giver": asked})).json()["items"]
            assert (one["giver"], one["receiver"]) == (cast.host, cast.other)
    say = service.neighbour
    say.undo_merge(old, cast.host, "C4IR Kyiv")
    say.succeeds(cast.agreement, cast.host, old, "merge_undone")
    await service.hear()
    [agreement] = await service.rows("known_agreement")
    assert ([party["partner"] for party in agreement["parties"]], agreement["bound"]) == ([old, cast.other],) * 2
    seen = {
        caller: (await service.client_of(caller).get(f"/v1/directory/agreements/{cast.agreement}")).status_code
        for caller in (old, cast.host)
    }
    assert seen == {old: 200, cast.host: 404}


async def test_of_two_parties_that_were_one_the_undoing_finds_the_right_one(service: InitiativesService) -> None:
    say = service.neighbour
    a, b, c = (say.partner(name) for name in "ABC")
    agreement = say.sign(
        {b: "witness", a: "signatory", c: "signatory"}, lines=(LineTerms(line="joint_projects"),), effective_on=date(2025, 1, 1)
    )
    say.succeeds(agreement, a, b)
    await service.hear()
    [kept] = await service.rows("known_agreement")
    assert (kept["bound"], [party["partner"] for party in kept["parties"]]) == ([b, c], [b, b, c])
    say.succeeds(agreement, b, a, "merge_undone")
    await service.hear()
    [kept] = await service.rows("known_agreement")
    assert (kept["bound"], [party["partner"] for party in kept["parties"]]) == ([a, c], [b, a, c])
    assert set(kept["audience"]) == {a, b, c}
