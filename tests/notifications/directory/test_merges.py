"""Merged partners are one to whoever follows or vouches under either id, once and no longer than the merge stands."""

from __future__ import annotations

import random
import re
from itertools import permutations
from typing import Any

import pytest

from shared.db import new_id
from shared.events import MembershipSucceeded, Visibility
from tests.notifications.conftest import NotificationsService
from tests.notifications.neighbours import Reach

ANA = "ana@kyiv.example"


async def merged(service: NotificationsService) -> tuple[str, str, str]:
    """The older record of a centre, the one it was merged into, and another partner that brings people here."""
    say = service.neighbours
    old, new, other = say.partner("C4IR Kyiv"), say.partner("GGTC Kyiv"), say.partner("WeGO", "city_network")
    say.merge(old, new)
    await service.hear()
    return old, new, other


async def outcome_of(service: NotificationsService, event: str) -> list[tuple[str, str | None]]:
    await service.hear()
    await service.send()
    return [(message["status"], message["reason"]) for message in await service.messages(event=event)]


async def survivors(service: NotificationsService) -> dict[str, str]:
    return {row["id"]: row["survivor"] for row in await service.rows("merged_partner")}


@pytest.mark.parametrize("kind", ["partners", "networks"])
async def test_whoever_follows_one_id_is_told_once_of_both(service: NotificationsService, kind: str) -> None:
    old, new, other = await merged(service)
    await service.subscriber(ANA, other, "es", {"filter": {kind: [old, new]}}, {"filter": {kind: [old]}})
    await service.subscriber("olga@kyiv.example", other, "es", {"filter": {kind: [old]}})
    await service.subscriber("ivan@kyiv.example", other, "es", {"filter": {kind: [new]}})
    ids = [service.neighbours.schedule([host]).id for host in (old, new, other)]
    service.neighbours.schedule([old, new])
    assert [await outcome_of(service, event) for event in ids] == [[("submitted", None)] * 3, [("submitted", None)] * 3, []]
    _, of_the_new, _ = service.server.to(ANA)
    assert re.search(r"porque sigue (a|la red) GGTC Kyiv\.", of_the_new.body())


@pytest.mark.parametrize("followed", ["old", "new"])
async def test_an_undone_merge_parts_those_who_follow_them(service: NotificationsService, followed: str) -> None:
    old, new, other = await merged(service)
    of = {"old": old, "new": new}
    await service.subscriber(ANA, other, "es", {"filter": {"partners": [of[followed]]}})
    service.neighbours.undo_merge(old, new)
    await service.hear()
    told = {name: len(await outcome_of(service, service.neighbours.schedule([partner]).id)) for name, partner in of.items()}
    assert told == {"old": followed == "old", "new": followed == "new"}


async def test_what_one_of_them_may_see_the_other_s_people_see(service: NotificationsService) -> None:
    old, new, _ = await merged(service)
    await service.subscriber(ANA, old)
    await service.subscriber("ivan@kyiv.example", new)
    for audience in (old, new):
        event = service.neighbours.schedule([audience], Reach(Visibility.PARTIES, (audience,))).id
        assert await outcome_of(service, event) == [("submitted", None)] * 2
    service.neighbours.undo_merge(old, new)
    await service.hear()
    event = service.neighbours.schedule([old], Reach(Visibility.PARTIES, (old,))).id
    assert sorted(await outcome_of(service, event)) == [("skipped", "not-visible"), ("submitted", None)]


async def test_a_mail_not_sent_yet_is_not_sent_to_those_who_were_parted(service: NotificationsService) -> None:
    old, new, _ = await merged(service)
    await service.subscriber(ANA, new)
    event = service.neighbours.schedule([old], Reach(Visibility.PARTIES, (old,))).id
    await service.hear()
    service.neighbours.undo_merge(old, new)
    assert await outcome_of(service, event) == [("skipped", "not-visible")]


async def test_a_party_that_another_stands_for_is_still_told_of_its_agreement(service: NotificationsService) -> None:
    old, new, other = await merged(service)
    say, reach = service.neighbours, Reach(Visibility.PARTIES, (old, other))
    await service.subscriber(ANA, old)
    signed = say.sign([old, other], reach)
    say.succeeds(signed.subject_id, old, new, Reach(Visibility.PARTIES, (new, other)))
    assert await outcome_of(service, signed.id) == [("submitted", None)]
    [kept] = await service.rows("known_agreement")
    assert ([party["partner"] for party in kept["parties"]], set(kept["audience"])) == ([new, other], {new, other})


async def test_members_of_a_merged_network_are_told_of_both(service: NotificationsService) -> None:
    old, new, _ = await merged(service)
    say = service.neighbours
    city = say.partner("Lviv")
    membership = say.joins(city, old)
    await service.hear()
    await service.subscriber(ANA, city, "es", {"role": "affected"})
    facts = [say.schedule([host], Reach(Visibility.NETWORK, (host,))).id for host in (old, new)]
    assert [await outcome_of(service, event) for event in facts] == [[("submitted", None)]] * 2
    moved = MembershipSucceeded(membership=membership, partner=city, network=new, was_partner=city, was_network=old, because="merged")
    say.say(moved, membership)
    facts = [say.schedule([host], Reach(Visibility.NETWORK, (host,))).id for host in (old, new)]
    assert [await outcome_of(service, event) for event in facts] == [[("submitted", None)]] * 2


async def test_the_survivor_s_clients_rule_what_the_old_id_brought(service: NotificationsService) -> None:
    old, new, other = await merged(service)
    subscriber = await service.subscriber(ANA, old)
    address = f"/v1/subscribers/{subscriber}/subscriptions"
    seen = {who: (await service.client_of(who).get(address)).status_code for who in (old, new, other)}
    assert seen == {old: 200, new: 200, other: 404}
    [one] = (await service.client_of(new).get(address)).json()["items"]
    ended = await service.client_of(new).delete(f"{address}/{one['id']}", headers={"If-Match": f'"{one["version"]}"'})
    assert ended.status_code == 204


async def test_merges_heard_in_any_order_come_to_the_same(service: NotificationsService) -> None:
    say = service.neighbours
    for order in permutations(range(4)):
        a, b, c = new_id(), new_id(), new_id()
        for each in (a, b, c):
            say.names[each] = {"es": "?"}
        say.merge(a, b)
        subject_b = [say.merge(b, c), say.undo_merge(b, c), say.merge(b, c)]
        [first, *_] = say.take()
        facts: list[Any] = [first, *subject_b]
        for place in order:
            await service.hear([facts[place]])
        await service.hear(facts)
        known = await survivors(service)
        assert {each: known[each] for each in (a, b)} == {a: c, b: c}


async def test_every_fact_twice_and_mixed_comes_to_the_same(service: NotificationsService) -> None:
    say = service.neighbours
    old, new, other = say.partner("Viejo"), say.partner("Nuevo"), say.partner("Otro")
    membership = say.joins(other, old)
    signed = say.sign([old, other], Reach(Visibility.PARTIES, (old, other)))
    say.merge(old, new)
    say.succeeds(signed.subject_id, old, new)
    moved = MembershipSucceeded(membership=membership, partner=other, network=new, was_partner=other, was_network=old, because="merged")
    say.say(moved, membership)
    facts = say.take()
    mixed = [*facts, *facts]
    random.Random(5).shuffle(mixed)
    for fact in mixed:
        await service.hear([fact])
    await service.hear(facts)
    assert await survivors(service) == {old: new}
    [agreement], [kept] = await service.rows("known_agreement"), await service.rows("known_membership")
    assert ([party["partner"] for party in agreement["parties"]], kept["network"]) == ([new, other], new)
