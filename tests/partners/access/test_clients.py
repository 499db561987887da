"""Clients: who makes them for whom, a secret seen once, and the operator's first one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from services.partners.access.commands import found
from services.partners.access.secrets.models import ClientSecret, digest
from shared.http.idempotency import idempotency
from tests.partners.conftest import BOOTSTRAP_SECRET, PartnersService

NOBODY = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"
NOW = datetime(2025, 3, 4, 15, tzinfo=UTC)


async def test_the_secret_is_shown_once_and_kept_nowhere(service: PartnersService) -> None:
    partner = (await service.register())["id"]
    body = {"partner": partner, "name": "Sistema de convenios", "scopes": ["write", "read"]}
    key = {"Idempotency-Key": "once"}
    made = await service.operator.post("/v1/clients", json=body, headers=key)
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret.startswith("iub_")
    assert len(secret) >= 47
    again = await service.operator.post("/v1/clients", json=body, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "shown-once")
    read = await service.operator.get(made.headers["location"])
    assert read.json() == {name: value for name, value in made.json().items() if name != "secret"}
    async with service.runtime.database.reader() as reader:
        rows = (await reader.execute(select(ClientSecret.sha256).where(ClientSecret.client == made.json()["id"]))).all()
        kept = (await reader.execute(select(idempotency))).all()
    assert [row.sha256 for row in rows] == [digest(secret)]
    assert secret not in str(kept)


async def test_a_partners_admin_makes_clients_of_its_own_partner_only(service: PartnersService) -> None:
    admin = await service.client_of("city", scopes="read admin")
    other = (await service.register())["id"]
    body: dict[str, Any] = {"name": "Sistema", "scopes": ["read", "write", "sign"]}
    own = await admin.post("/v1/clients", json=body | {"partner": admin.partner})
    assert own.status_code == 201, own.text
    for partner in (other, None):
        answer = await admin.post("/v1/clients", json=body | {"partner": partner})
        assert (answer.status_code, answer.json()["field"]) == (403, "/partner")
    writer = await service.client_for(admin.partner, "read write sign")
    assert (await writer.post("/v1/clients", json=body | {"partner": admin.partner})).status_code == 403
    assert (await writer.get("/v1/clients")).status_code == 403


async def test_a_partners_admin_is_no_operator(service: PartnersService) -> None:
    admin = await service.client_of("city_network", scopes="read write sign admin")
    other = (await service.register("city_network"))["id"]
    city = (await service.register("city"))["id"]
    attempts = [
        await admin.post("/v1/partners", json={"kind": "city", "names": {"es": "X1"}, "country": "CO", "timezone": "America/Bogota"}),
        await admin.patch(f"/v1/partners/{city}", json={"locality": "X"}, headers={"If-Match": '"1"'}),
        await admin.post(f"/v1/networks/{other}/members", json={"partner": city, "valid_from": "2020-01-01"}),
        await admin.post("/v1/keys/rotate"),
    ]
    assert [answer.status_code for answer in attempts] == [403] * 4


async def test_clients_of_others_are_not_to_be_seen(service: PartnersService) -> None:
    admin = await service.client_of("city", scopes="read admin")
    other = await service.client_of("city", scopes="read admin")
    theirs = (await other.get("/v1/clients")).json()["items"][0]
    for stranger in (other.partner, NOBODY):
        answer = await admin.get("/v1/clients", params={"partner": stranger})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (403, "forbidden", "?partner")
    for asked in ({}, {"partner": admin.partner}):
        mine = (await admin.get("/v1/clients", params=asked)).json()["items"]
        assert {client["partner"] for client in mine} == {admin.partner}
    for answer in (await admin.get(f"/v1/clients/{theirs['id']}"), await admin.post(f"/v1/clients/{theirs['id']}/revoke")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    listed = (await service.operator.get("/v1/clients")).json()["items"]
    assert {client["partner"] for client in listed} == {admin.partner, other.partner, None}
    one = (await service.operator.get("/v1/clients", params={"partner": other.partner})).json()["items"]
    assert [client["id"] for client in one] == [theirs["id"]]


async def test_lists_of_clients_have_pages(service: PartnersService) -> None:
    for _ in range(3):
        await service.client_of("city")
    seen: list[str] = []
    url: str | None = "/v1/clients?limit=2"
    while url:
        answer = await service.operator.get(url)
        seen += [client["id"] for client in answer.json()["items"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert len(seen) == len(set(seen)) == 4
    assert seen[-1] == "bootstrap"


async def test_what_no_client_can_be_is_refused(service: PartnersService) -> None:
    partner = (await service.register())["id"]
    good: dict[str, Any] = {"partner": partner, "name": "Sistema", "scopes": ["read"]}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"partner": NOBODY}, "/partner"),
        ({"partner": "medellin"}, "/partner"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["read", "fly"]}, "/scopes/1"),
        ({"scopes": "read"}, "/scopes"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": ""}, "/name"),
        ({"expires_at": "2024-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "/expires_at"),
        ({"secret": "of my own"}, "/secret"),
    ]
    for said, field in cases:
        answer = await service.operator.post("/v1/clients", json=good | said)
        assert (answer.status_code, answer.json()["field"]) == (422, field), said
    without = await service.operator.post("/v1/clients", json={"name": "Sistema", "scopes": ["read"]})
    assert (without.status_code, without.json()["field"]) == (422, "/partner")


async def test_revoking_twice_is_revoking_once(service: PartnersService) -> None:
    client = (await service.operator.post("/v1/clients", json={"partner": None, "name": "a", "scopes": ["read"]})).json()["id"]
    first = await service.operator.post(f"/v1/clients/{client}/revoke")
    second = await service.operator.post(f"/v1/clients/{client}/revoke")
    assert first.json()["revoked_at"] == second.json()["revoked_at"] is not None
    assert (await service.operator.post("/v1/clients/nobody/revoke")).status_code == 404


async def test_the_first_client_is_founded_once_and_follows_the_setting(service: PartnersService) -> None:
    form = {"grant_type": "client_credentials"}

    async def status(secret: str) -> int:
        return (await service.anyone.post("/oauth/token", data=form, auth=("bootstrap", secret))).status_code

    async def start_again(secret: str | None) -> None:
        async with service.runtime.database.session() as session:
            await found(session, secret, NOW)
            await session.commit()

    await start_again(BOOTSTRAP_SECRET)
    assert await status(BOOTSTRAP_SECRET) == 200
    assert (await service.operator.post("/v1/clients/bootstrap/revoke")).status_code == 200
    await start_again(BOOTSTRAP_SECRET)
    await start_again(None)
    assert await status(BOOTSTRAP_SECRET) == 401
    await start_again("another-secret-for-the-operator")
    assert await status("another-secret-for-the-operator") == 200
    assert await status(BOOTSTRAP_SECRET) == 401
