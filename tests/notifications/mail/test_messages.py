"""What operators see of messages: everything, a page at a time; and nobody else sees anything."""

import hashlib

import pytest

from shared.db import new_id
from tests.notifications.conftest import NotificationsService
from tests.notifications.neighbours import TRACE

EMAIL = "ana@medellin.example"


async def told(service: NotificationsService, people: int = 1) -> str:
    """So many people are told of one signed agreement; the partner that vouches."""
    city = service.neighbours.partner("Medellín")
    await service.hear()
    for number in range(people):
        await service.subscriber(EMAIL if number == 0 else f"reader{number}@medellin.example", city)
    service.neighbours.sign([city])
    await service.hear()
    await service.send()
    return city


async def test_a_message_tells_all_that_became_of_it(service: NotificationsService) -> None:
    await told(service)
    (message,) = await service.messages(template="agreement_signed")
    one = (await service.operator.get(f"/v1/messages/{message['id']}")).json()
    assert one == message
    assert (one["to"], one["kind"], one["status"], one["reason"], one["trace_id"]) == (EMAIL, "agreement.signed", "submitted", None, TRACE)
    assert one["attempts_made"] == 1
    (attempt,) = one["attempts"]
    assert (attempt["outcome"], attempt["code"], attempt["stage"], attempt["ambiguous"]) == ("submitted", 250, "content", False)
    assert attempt["at"] <= attempt["ended_at"]
    assert one["next_attempt_at"] is None


async def test_every_filter_narrows(service: NotificationsService) -> None:
    await told(service, 2)
    (wanted,) = [message for message in await service.messages(template="agreement_signed") if message["to"] == EMAIL]
    to = hashlib.sha256(EMAIL.encode()).hexdigest()
    for filters in ({"to": to}, {"subscriber": wanted["subscriber_id"]}):
        assert {message["to"] for message in await service.messages(**filters)} == {EMAIL}
    for filters in ({"event": wanted["event_id"]}, {"trace_id": TRACE}, {"template": "agreement_signed"}):
        assert len(await service.messages(**filters)) == 2
    assert len(await service.messages(status="submitted")) == 4
    assert await service.messages(status="failed") == []
    assert await service.messages(event=new_id()) == []


async def test_the_mail_that_asks_is_found_by_the_trace_of_its_request(service: NotificationsService) -> None:
    client = service.client_of(service.neighbours.partner("Medellín"))
    answer = await client.post("/v1/subscribers", json={"email": EMAIL})
    (message,) = await service.messages(trace_id=answer.headers["X-Trace-Id"])
    assert (message["template"], message["status"]) == ("confirmation", "queued")


async def test_pages_follow_each_other_without_gaps(service: NotificationsService) -> None:
    await told(service, 4)
    seen: list[str] = []
    address = "/v1/messages?limit=3"
    while address:
        answer = await service.operator.get(address)
        seen += [item["id"] for item in answer.json()["items"]]
        address = answer.links.get("next", {}).get("url", "")
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen, reverse=True)


async def test_only_the_operator_sees_messages(service: NotificationsService) -> None:
    city = await told(service)
    (message,) = await service.messages(template="agreement_signed")
    for path in ("/v1/messages", f"/v1/messages/{message['id']}"):
        assert (await service.client_of(city, "read write sign").get(path)).status_code == 403
        assert (await service.client_of(city, "read write sign admin").get(path)).status_code == 403
        assert (await service.client_with({}).get(path)).status_code == 401
    assert (await service.operator.get(f"/v1/messages/{new_id()}")).status_code == 404


@pytest.mark.parametrize(
    "query", ["status=lost", "to=ana@medellin.example", "trace_id=1", "limit=0", "limit=1000", "after=x", "event=1", "colour=red"]
)
async def test_a_filter_that_cannot_be_is_refused(service: NotificationsService, query: str) -> None:
    answer = await service.operator.get(f"/v1/messages?{query}")
    assert answer.status_code in (400, 422)
    assert answer.json()["field"] == f"?{query.partition('=')[0]}"
