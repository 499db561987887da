"""Subscriptions over HTTP: whose word they stand on, who sees them, who ends them, and what is refused."""

from typing import Any

import pytest

from shared.db import new_id
from tests.notifications.conftest import NotificationsService

EMAIL = "ana@medellin.example"


async def brought(service: NotificationsService) -> tuple[str, str]:
    """A partner, and the path of the subscriptions of somebody it brought here."""
    city = service.neighbours.partner("Medellín")
    await service.hear()
    subscriber = (await service.client_of(city).post("/v1/subscribers", json={"email": EMAIL})).json()["id"]
    return city, f"/v1/subscribers/{subscriber}/subscriptions"


async def test_a_subscription_stands_on_the_word_of_the_callers_partner(service: NotificationsService) -> None:
    city, path = await brought(service)
    wish = {"filter": {"types": ["agreement.signed"], "partners": [city], "lines": ["knowledge_exchange"], "topics": ["open_data"]}}
    answer = await service.client_of(city).post(path, json=wish | {"role": "affected"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["vouched_by"], body["role"], body["cadence"]) == (city, "affected", "immediate")
    assert body["filter"]["partners"] == [city]
    assert [item["id"] for item in (await service.client_of(city).get(path)).json()["items"]] == [body["id"]]


async def test_the_operator_vouches_for_nothing_that_is_not_public(service: NotificationsService) -> None:
    _, path = await brought(service)
    assert (await service.operator.post(path, json={})).json()["vouched_by"] is None
    assert (await service.operator.post(path, json={"role": "affected"})).status_code == 422


async def test_partners_do_not_see_or_end_each_others_subscriptions(service: NotificationsService) -> None:
    city, path = await brought(service)
    other = service.client_of(service.neighbours.partner("Kyiv"))
    mine = (await service.client_of(city).post(path, json={})).json()
    assert (await other.get(path)).status_code == 404
    assert (await other.post(path, json={})).status_code == 404
    assert (await other.delete(f"{path}/{mine['id']}", headers={"If-Match": '"1"'})).status_code == 404
    await other.post("/v1/subscribers", json={"email": EMAIL})
    assert (await other.get(path)).json()["items"] == []
    assert (await other.delete(f"{path}/{mine['id']}", headers={"If-Match": '"1"'})).status_code == 404
    assert len((await service.operator.get(path)).json()["items"]) == 1


async def test_ending_one_needs_the_version_that_was_read(service: NotificationsService) -> None:
    city, path = await brought(service)
    client = service.client_of(city)
    made = await client.post(path, json={})
    one = f"{path}/{made.json()['id']}"
    assert (await client.delete(one)).status_code == 428
    assert (await client.delete(one, headers={"If-Match": '"7"'})).status_code == 412
    assert (await client.delete(one, headers={"If-Match": made.headers["ETag"]})).status_code == 204
    assert (await client.delete(one, headers={"If-Match": made.headers["ETag"]})).status_code == 404
    assert (await client.get(path)).json()["items"] == []


async def test_a_subscription_of_somebody_else_is_not_found_under_this_subscriber(service: NotificationsService) -> None:
    city, path = await brought(service)
    client = service.client_of(city)
    made = (await client.post(path, json={})).json()
    other = (await client.post("/v1/subscribers", json={"email": "leo@medellin.example"})).json()["id"]
    wrong = f"/v1/subscribers/{other}/subscriptions/{made['id']}"
    assert (await client.delete(wrong, headers={"If-Match": '"1"'})).status_code == 404


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({"cadence": "daily"}, "cadence-not-served", "/cadence"),
        ({"cadence": "hourly"}, "invalid", "/cadence"),
        ({"filter": {"types": ["agreement.drafted"]}}, "unknown-kind", "/filter/types"),
        ({"filter": {"partners": ["019a0000-0000-7000-8000-000000000001"]}}, "unknown-partner", "/filter/partners"),
        ({"filter": {"networks": ["019a0000-0000-7000-8000-000000000001"]}}, "unknown-partner", "/filter/networks"),
        ({"filter": {"partners": ["nobody"]}}, "invalid", "/filter/partners/0"),
        ({"filter": {"lines": ["friendship"]}}, "invalid", "/filter/lines/0"),
        ({"filter": {"topics": ["a\nb"]}}, "invalid", "/filter/topics/0"),
        ({"filter": {"topics": ["x"] * 101}}, "invalid", "/filter/topics"),
        ({"filter": {"country": "CO"}}, "invalid", "/filter/country"),
        ({"role": "owner"}, "invalid", "/role"),
        ({"vouched_by": "019a0000-0000-7000-8000-000000000001"}, "invalid", "/vouched_by"),
    ],
)
async def test_bad_input_is_refused_with_field_and_fix(service: NotificationsService, wish: dict[str, Any], code: str, field: str) -> None:
    city, path = await brought(service)
    answer = await service.client_of(city).post(path, json=wish)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, code, field)
    assert problem["fix"]
    assert await service.rows("subscription") == []


async def test_a_subscriber_has_room_for_a_hundred(service: NotificationsService) -> None:
    city, path = await brought(service)
    client = service.client_of(city)
    async with service.runtime.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO subscription "
            "(id, version, subscriber_id, role, cadence, types, partners, networks, agreements, lines, topics, created_at) "
            "SELECT uuidv7(), 1, (SELECT id FROM subscriber), 'follower', 'immediate', '{}', '{}', '{}', '{}', '{}', '{}', now() "
            "FROM generate_series(1, 100)"
        )
    answer = await client.post(path, json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-subscriptions")


async def test_an_unknown_subscriber_has_no_subscriptions(service: NotificationsService) -> None:
    city, _ = await brought(service)
    assert (await service.client_of(city).get(f"/v1/subscribers/{new_id()}/subscriptions")).status_code == 404


async def test_a_removed_subscription_stops_what_it_had_queued(service: NotificationsService) -> None:
    city = service.neighbours.partner("Medellín")
    await service.hear()
    subscriber = await service.subscriber(EMAIL, city)
    service.neighbours.sign([city])
    await service.hear()
    client, path = service.client_of(city), f"/v1/subscribers/{subscriber}/subscriptions"
    (mine,) = (await client.get(path)).json()["items"]
    await client.delete(f"{path}/{mine['id']}", headers={"If-Match": '"1"'})
    await service.send()
    assert service.server.mails == []
    assert [message["reason"] for message in await service.messages(template="agreement_signed")] == ["no-subscription"]
