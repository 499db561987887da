"""One secret follows another without a moment in which a client has none, and a client's end can be moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from services.partners.access.models import Client
from shared.db import new_id
from shared.http.idempotency import idempotency
from tests.partners.conftest import PartnerClient, PartnersService

GRANT = {"grant_type": "client_credentials"}


async def made(service: PartnersService) -> dict[str, Any]:
    answer = await service.operator.post("/v1/clients", json={"partner": None, "name": "test", "scopes": ["read"]})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def enters(service: PartnersService, client: dict[str, Any], secret: str) -> bool:
    answer = await service.anyone.post("/oauth/token", data=GRANT, auth=(client["id"], secret))
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def following(service: PartnersService, client: dict[str, Any], **said: Any) -> dict[str, Any]:
    answer = await service.operator.post(f"/v1/clients/{client['id']}/secrets", json=said or None)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_the_older_secret_stays_good_beside_the_new_one_for_a_week(service: PartnersService) -> None:
    client = await made(service)
    second = await following(service, client)
    assert second["n"] == 2
    assert [await enters(service, client, secret) for secret in (client["secret"], second["secret"])] == [True, True]
    shown = (await service.operator.get(f"/v1/clients/{client['id']}")).json()
    ends = datetime.fromisoformat(shown["secrets"][0]["expires_at"]) - datetime.fromisoformat(shown["secrets"][1]["created_at"])
    assert (ends, shown["secrets"][1]["expires_at"], shown["version"]) == (timedelta(days=7), None, 2)
    assert all(secret["last_used_at"] for secret in shown["secrets"])
    assert second["secret"] not in str(shown)


async def test_a_new_secret_is_shown_once(service: PartnersService) -> None:
    client, key = await made(service), {"Idempotency-Key": new_id()}
    path = f"/v1/clients/{client['id']}/secrets"
    first = await service.operator.post(path, headers=key)
    again = await service.operator.post(path, headers=key)
    assert (first.status_code, again.status_code, again.json()["code"]) == (201, 409, "shown-once")
    async with service.runtime.database.reader() as reader:
        assert first.json()["secret"] not in str((await reader.execute(idempotency.select())).all())


async def test_the_older_secret_ends_when_it_was_said_to(service: PartnersService) -> None:
    client = await made(service)
    second = await following(service, client, old_valid_until=datetime.now(UTC).isoformat())
    assert [await enters(service, client, secret) for secret in (client["secret"], second["secret"])] == [False, True]
    late = (datetime.now(UTC) + timedelta(days=91)).isoformat()
    answer = await service.operator.post(f"/v1/clients/{client['id']}/secrets", json={"old_valid_until": late})
    assert (answer.status_code, answer.json()["field"]) == (422, "/old_valid_until")


async def test_two_at_most_are_good_and_either_can_be_dropped_but_the_last(service: PartnersService) -> None:
    client = await made(service)
    place = f"/v1/clients/{client['id']}/secrets"
    second = await following(service, client)
    third = await service.operator.post(place)
    assert (third.status_code, third.json()["code"], third.json()["secrets"]) == (409, "two-secrets", [1, 2])
    dropped = await service.operator.delete(f"{place}/1")
    assert (dropped.status_code, [secret["n"] for secret in dropped.json()["secrets"]]) == (200, [2])
    assert (await service.operator.delete(f"{place}/1")).json() == dropped.json(), "once is enough"
    assert [await enters(service, client, secret) for secret in (client["secret"], second["secret"])] == [False, True]
    last = await service.operator.delete(f"{place}/2")
    assert (last.status_code, last.json()["code"]) == (409, "last-secret")
    assert (await following(service, client))["n"] == 3, "a number is never given again"


async def test_a_secret_that_never_was_is_not_dropped(service: PartnersService) -> None:
    client = await made(service)
    answer = await service.operator.delete(f"/v1/clients/{client['id']}/secrets/7")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.json()["fix"]
    assert (await service.operator.get(f"/v1/clients/{client['id']}")).json()["version"] == 1


async def test_the_secrets_of_others_are_not_to_be_touched(service: PartnersService) -> None:
    client, admin = await made(service), await service.client_of("city", scopes="read admin")
    for answer in (
        await admin.post(f"/v1/clients/{client['id']}/secrets"),
        await admin.delete(f"/v1/clients/{client['id']}/secrets/1"),
        await admin.patch(f"/v1/clients/{client['id']}", json={"name": "mine"}, headers={"If-Match": '"1"'}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert await enters(service, client, client["secret"])


async def change(who: PartnerClient, client: dict[str, Any], version: int, **said: Any) -> tuple[int, Any]:
    answer = await who.patch(f"/v1/clients/{client['id']}", json=said, headers={"If-Match": f'"{version}"'})
    return answer.status_code, answer.json()


async def test_the_end_of_a_client_can_be_moved_even_after_it_has_come(service: PartnersService) -> None:
    client = await made(service)
    async with service.runtime.database.session() as session:
        await session.execute(update(Client).where(Client.id == client["id"]).values(expires_at=datetime.now(UTC)))
        await session.commit()
    assert not await enters(service, client, client["secret"])
    status, shown = await change(service.operator, client, 1, name="Otro", expires_at=None)
    assert (status, shown["name"], shown["expires_at"], shown["version"]) == (200, "Otro", None, 2)
    assert await enters(service, client, client["secret"])
    assert (await change(service.operator, client, 1, name="Tercero"))[0] == 412
    assert (await service.operator.patch(f"/v1/clients/{client['id']}", json={"name": "x"})).status_code == 428
    for said, field in (({"name": None}, "/name"), ({"expires_at": "2024-01-01T00:00:00Z"}, "/expires_at")):
        status, problem = await change(service.operator, client, 2, **said)
        assert (status, problem["field"]) == (422, field)


async def test_a_revoked_client_changes_no_more(service: PartnersService) -> None:
    client = await made(service)
    revoked = (await service.operator.post(f"/v1/clients/{client['id']}/revoke")).json()
    status, problem = await change(service.operator, client, revoked["version"], name="Otro")
    assert (status, problem["code"]) == (409, "client-is-revoked")
    answer = await service.operator.post(f"/v1/clients/{client['id']}/secrets")
    assert (answer.status_code, answer.json()["code"]) == (409, "client-is-revoked")
