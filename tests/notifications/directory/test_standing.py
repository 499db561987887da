"""Suspended and archived partners read and no longer give their word for anybody; whom they brought decides as before."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import httpx
import pytest

from shared.db import new_id
from shared.events import Event, PartnerArchived, PartnerResumed, PartnerSuspended
from tests.notifications.conftest import NotificationsService

ANA = "ana@medellin.example"
REASON = "Sin convenio desde enero."
NAMES = {"es": "?"}


def suspended(partner: str) -> Event:
    return PartnerSuspended(partner=partner, names=NAMES, reason=REASON)


def resumed(partner: str) -> Event:
    return PartnerResumed(partner=partner, names=NAMES)


def archived(partner: str) -> Event:
    return PartnerArchived(partner=partner, names=NAMES, reason=REASON)


async def heard(service: NotificationsService, partner: str, fact: Event) -> None:
    service.neighbours.say(fact, partner)
    await service.hear()


async def changes(service: NotificationsService, partner: str, subscriber: str, subscription: str) -> list[httpx.Response]:
    """All that a partner's client can change here."""
    client = service.client_of(partner)
    address = f"/v1/subscribers/{subscriber}/subscriptions"
    return [
        await client.post("/v1/subscribers", json={"email": "olga@medellin.example"}),
        await client.post(address, json={"filter": {"types": ["exchange.cancelled"]}}),
        await client.delete(f"{address}/{subscription}", headers={"If-Match": '"1"'}),
    ]


async def brought(service: NotificationsService, partner: str) -> tuple[str, str]:
    """Somebody the partner brought here; the ids of the subscriber and of a subscription."""
    subscriber = await service.subscriber(ANA, partner)
    [one] = (await service.client_of(partner).get(f"/v1/subscribers/{subscriber}/subscriptions")).json()["items"]
    return subscriber, one["id"]


@pytest.mark.parametrize(("told", "state"), [(suspended, "suspended"), (archived, "archived")])
async def test_its_clients_read_and_change_nothing(service: NotificationsService, told: Any, state: str) -> None:
    city = service.neighbours.partner("Medellín")
    await service.hear()
    subscriber, subscription = await brought(service, city)
    await heard(service, city, told(city))
    for answer in await changes(service, city, subscriber, subscription):
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["state"], problem["reason"]) == (403, "partner-barred", state, REASON)
        assert problem["detail"] == f"Your partner is {state}: it may read, and change nothing."
    client = service.client_of(city)
    for path in (f"/v1/subscribers/{subscriber}", f"/v1/subscribers/{subscriber}/subscriptions"):
        assert (await client.get(path)).status_code == 200
    assert len(await service.rows("subscription")) == len(await service.rows("subscriber")) == 1


async def test_a_resumed_partner_goes_on(service: NotificationsService) -> None:
    city = service.neighbours.partner("Medellín")
    await service.hear()
    subscriber, subscription = await brought(service, city)
    await heard(service, city, suspended(city))
    await heard(service, city, resumed(city))
    answers = await changes(service, city, subscriber, subscription)
    assert [answer.status_code for answer in answers] == [201, 201, 204]


async def test_others_and_those_behind_a_link_are_not_kept_from_anything(service: NotificationsService) -> None:
    city, other = service.neighbours.partner("Medellín"), service.neighbours.partner("Kyiv")
    await service.hear()
    await brought(service, city)
    await heard(service, city, suspended(city))
    service.neighbours.sign([city])
    await service.hear()
    await service.send()
    assert (await service.browser.post(service.link("unsubscribe", ANA))).status_code == 200
    for client in (service.client_of(other), service.operator):
        assert (await client.post("/v1/subscribers", json={"email": "olga@medellin.example"})).status_code == 201


async def test_a_merged_id_counts_as_its_survivor_while_the_merge_stands(service: NotificationsService) -> None:
    say = service.neighbours
    old, new = say.partner("C4IR Kyiv"), say.partner("GGTC Kyiv")
    say.merge(old, new)
    await heard(service, new, suspended(new))

    async def statuses() -> list[int]:
        return [(await service.client_of(each).post("/v1/subscribers", json={"email": ANA})).status_code for each in (old, new)]

    assert await statuses() == [403, 403]
    say.undo_merge(old, new)
    await service.hear()
    assert await statuses() == [201, 403]


async def test_the_news_in_any_order_come_to_the_same(service: NotificationsService) -> None:
    for order in permutations(range(3)):
        partner = new_id()
        facts = [service.neighbours.say(fact, partner) for fact in (suspended(partner), resumed(partner), archived(partner))]
        for place in order:
            await service.hear([facts[place]])
        await service.hear(facts)
        [state] = [row["state"] for row in await service.rows("partner_standing") if row["id"] == partner]
        assert state == "archived"
