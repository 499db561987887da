"""Bringing somebody here: what a partner's client may do, what it is told, and what is refused."""

import hashlib
from typing import Any

import pytest

from shared.db import new_id
from tests.notifications.conftest import NotificationsService

ANA = {"email": "Ana.Perez@medellin.example", "language": "es-CO", "timezone": "America/Bogota"}


async def test_a_new_subscriber_is_pending_and_gets_one_mail_that_asks(service: NotificationsService) -> None:
    city = service.neighbours.partner("Medellín")
    answer = await service.client_of(city).post("/v1/subscribers", json=ANA)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["language"], body["mail_language"], body["version"]) == ("pending", "es-CO", "es", 1)
    assert "email" not in body
    assert answer.headers["ETag"] == '"1"'
    await service.send()
    (mail,) = service.server.mails
    assert mail.to == "Ana.Perez@medellin.example"
    assert mail.message["Subject"] == "Confirme su suscripción a Interurbe"
    assert mail.message["List-Unsubscribe"] is None
    assert mail.message["X-Trace-Id"] == answer.headers["X-Trace-Id"]


async def test_the_same_address_in_other_letters_is_the_same_subscriber(service: NotificationsService) -> None:
    client = service.client_of(service.neighbours.partner("Medellín"))
    spellings = ("José@x.example", "ana@münchen.example", "ANA@MÜNCHEN.example", "ana@xn--mnchen-3ya.example")
    answers = [await client.post("/v1/subscribers", json={"email": spelling}) for spelling in spellings]
    assert [answer.status_code for answer in answers] == [422, 201, 201, 201]
    assert len({answer.json()["id"] for answer in answers[1:]}) == 1
    await service.send()
    assert [mail.to for mail in service.server.mails] == ["ana@xn--mnchen-3ya.example"]


async def test_an_address_is_not_asked_twice_within_minutes(service: NotificationsService) -> None:
    for name in ("Medellín", "Kyiv", "Berlín"):
        assert (await service.client_of(service.neighbours.partner(name)).post("/v1/subscribers", json=ANA)).status_code == 201
    await service.send()
    assert len(service.server.mails) == 1


async def test_what_somebody_chose_is_not_overwritten_by_the_next_partner(service: NotificationsService) -> None:
    medellin, kyiv = service.neighbours.partner("Medellín"), service.neighbours.partner("Kyiv")
    await service.hear()
    await service.subscriber("ana@medellin.example", medellin, "es")
    answer = await service.client_of(kyiv).post("/v1/subscribers", json={"email": "ana@medellin.example", "language": "en"})
    assert (answer.status_code, answer.json()["state"], answer.json()["language"]) == (201, "confirmed", "es")
    await service.send()
    assert service.server.mails == []


async def test_only_who_brought_somebody_here_sees_them_and_only_operators_the_address(service: NotificationsService) -> None:
    medellin, kyiv = service.neighbours.partner("Medellín"), service.neighbours.partner("Kyiv")
    subscriber = (await service.client_of(medellin).post("/v1/subscribers", json=ANA)).json()["id"]
    seen = await service.client_of(medellin).get(f"/v1/subscribers/{subscriber}")
    assert (seen.status_code, "email" in seen.json()) == (200, False)
    assert (await service.client_of(kyiv).get(f"/v1/subscribers/{subscriber}")).status_code == 404
    assert (await service.client_of(kyiv).get(f"/v1/subscribers/{new_id()}")).status_code == 404
    assert (await service.operator.get(f"/v1/subscribers/{subscriber}")).json()["email"] == "Ana.Perez@medellin.example"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "ana@medellin.example\r\nBcc: all@example.org"}, "/email"),
        ({"email": "Ana <ana@medellin.example>"}, "/email"),
        ({"email": "ana@medellin.example, leo@medellin.example"}, "/email"),
        ({"email": '"ana\r\nRSET"@medellin.example'}, "/email"),
        ({"email": "ana@localhost"}, "/email"),
        ({"email": "a" * 250 + "@b.example"}, "/email"),
        ({"email": "ana\u0000@medellin.example"}, "/email"),
        ({"email": 5}, "/email"),
        ({"language": "klingon"}, "/language"),
        ({"timezone": "America/Macondo"}, "/timezone"),
        ({"state": "confirmed"}, "/state"),
    ],
)
async def test_bad_input_is_refused_with_field_rule_and_fix(service: NotificationsService, change: dict[str, Any], field: str) -> None:
    client = service.client_of(service.neighbours.partner("Medellín"))
    answer = await client.post("/v1/subscribers", json=ANA | change)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["field"] == field
    assert problem["detail"]
    assert problem["fix"]
    assert await service.rows("subscriber") == []


async def test_a_key_used_again_registers_nobody_twice(service: NotificationsService) -> None:
    client, key = service.client_of(service.neighbours.partner("Medellín")), {"Idempotency-Key": "k-1"}
    first, again = [await client.post("/v1/subscribers", json=ANA, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (201, 201, "true")
    assert first.content == again.content


async def test_whoever_may_only_read_brings_nobody(service: NotificationsService) -> None:
    client = service.client_of(service.neighbours.partner("Medellín"), "read")
    assert (await client.post("/v1/subscribers", json=ANA)).status_code == 403
    assert (await service.client_with({}).post("/v1/subscribers", json=ANA)).status_code == 401


async def test_addresses_are_kept_apart_from_digests_and_tokens_from_links(service: NotificationsService) -> None:
    client = service.client_of(service.neighbours.partner("Medellín"))
    await client.post("/v1/subscribers", json=ANA)
    (queued,) = await service.rows("message")
    (asked,) = await service.rows("confirmation")
    assert asked["token_hash"] == hashlib.sha256(queued["secret"].encode()).hexdigest()
    await service.send()
    assert (await service.rows("message"))[0]["secret"] is None
