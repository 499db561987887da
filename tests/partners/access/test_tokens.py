"""The token endpoint: what it gives, what it refuses, and in the words of RFC 6749."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import update

from services.partners.access.models import Client
from shared.auth import PLATFORM, Caller, Issuer, Verifier
from shared.http import RemoteKeys
from shared.signing import new_key
from tests.partners.conftest import ADDRESS, BOOTSTRAP_SECRET, PartnersService, client_on

GRANT = {"grant_type": "client_credentials"}
OPERATOR = ("bootstrap", BOOTSTRAP_SECRET)


async def made(service: PartnersService, **said: Any) -> tuple[str, str]:
    partner = (await service.register())["id"]
    body = {"partner": partner, "name": "Sistema", "scopes": ["read", "write"]} | said
    client = (await service.operator.post("/v1/clients", json=body)).json()
    return client["id"], client["secret"]


async def test_a_client_gets_a_token_that_lives_ten_minutes(service: PartnersService) -> None:
    answer = await service.anyone.post("/oauth/token", data=GRANT, auth=await made(service))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 600, "read write")


async def test_credentials_may_come_in_the_form(service: PartnersService) -> None:
    client, secret = await made(service)
    answer = await service.anyone.post("/oauth/token", data=GRANT | {"client_id": client, "client_secret": secret})
    assert answer.status_code == 200, answer.text


async def test_scopes_are_narrowed_and_never_widened(service: PartnersService) -> None:
    client = await made(service)
    narrow = await service.anyone.post("/oauth/token", data=GRANT | {"scope": "read"}, auth=client)
    assert narrow.json()["scope"] == "read"
    for scope in ("read sign", "admin", "everything", " "):
        wide = await service.anyone.post("/oauth/token", data=GRANT | {"scope": scope}, auth=client)
        assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope"), scope
    reader = client_on(service.app, {"Authorization": f"Bearer {narrow.json()['access_token']}"})
    partner = (await reader.get("/v1/partners")).json()["items"][0]["id"]
    refused = await reader.patch(f"/v1/partners/{partner}", json={}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["scope"]) == (403, "write")
    await reader.aclose()


async def test_a_request_that_is_none_is_told_why(service: PartnersService) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    cases: list[tuple[str, str]] = [
        ("", "invalid_request"),
        ("scope=read", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=%FF", "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(50)), "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
    ]
    for body, error in cases:
        answer = await service.anyone.post("/oauth/token", content=body, headers=form, auth=OPERATOR)
        assert answer.status_code == 400, body
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["error"] == error, body
        assert answer.json()["error_description"], body
    json = await service.anyone.post("/oauth/token", json=GRANT, auth=OPERATOR)
    assert (json.status_code, json.json()["error"]) == (400, "invalid_request")


async def test_who_cannot_prove_who_it_is_gets_one_answer(service: PartnersService) -> None:
    client, secret = await made(service)
    strange = base64.b64encode(b"no colon").decode()
    headers: list[dict[str, str]] = [
        {},
        {"Authorization": "Basic ???"},
        {"Authorization": f"Basic {strange}"},
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}x".encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(b"nobody:" + secret.encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(b"\x00:\x00").decode()},
        {"Authorization": "Basic " + base64.b64encode(f"{client}:\ud7ff".encode()).decode()},
    ]
    details = set()
    for header in headers:
        answer = await service.anyone.post("/oauth/token", data=GRANT, headers=header)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), header
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert secret not in answer.text
        details.add(answer.json()["detail"])
    assert len(details) == 1


async def test_a_revoked_client_gets_no_token(service: PartnersService) -> None:
    client = await made(service)
    revoked = await service.operator.post(f"/v1/clients/{client[0]}/revoke")
    assert revoked.json()["revoked_at"] is not None
    answer = await service.anyone.post("/oauth/token", data=GRANT, auth=client)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_expired_client_gets_no_token(service: PartnersService) -> None:
    client = await made(service, expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert (await service.anyone.post("/oauth/token", data=GRANT, auth=client)).status_code == 200
    async with service.runtime.database.session() as session:
        await session.execute(update(Client).where(Client.id == client[0]).values(expires_at=datetime.now(UTC)))
        await session.commit()
    assert (await service.anyone.post("/oauth/token", data=GRANT, auth=client)).status_code == 401


async def test_use_is_noted(service: PartnersService) -> None:
    client = await made(service)
    place = f"/v1/clients/{client[0]}"
    assert (await service.operator.get(place)).json()["last_used_at"] is None
    await service.anyone.post("/oauth/token", data=GRANT, auth=client)
    first = (await service.operator.get(place)).json()["last_used_at"]
    await service.anyone.post("/oauth/token", data=GRANT, auth=client)
    assert (await service.operator.get(place)).json()["last_used_at"] == first is not None


async def test_guessing_is_slowed_down_for_the_guesser_alone(service: PartnersService) -> None:
    client = await made(service)
    other = await made(service)
    for _ in range(10):
        assert (await service.anyone.post("/oauth/token", data=GRANT, auth=(client[0], "guess"))).status_code == 401
    slowed = await service.anyone.post("/oauth/token", data=GRANT, auth=client)
    assert (slowed.status_code, slowed.json()["code"]) == (429, "too-many-requests")
    assert 1 <= int(slowed.headers["retry-after"]) <= 61
    assert (await service.anyone.post("/oauth/token", data=GRANT, auth=other)).status_code == 200


async def test_forged_and_misdirected_tokens_are_refused(service: PartnersService) -> None:
    caller = Caller(client="test", partner=(await service.register())["id"], scopes=frozenset({"read"}))
    real = await service.app.state.access.ring.signing_key()
    now, life = datetime.now(UTC), timedelta(minutes=10)
    tokens = {
        "a key nobody published": Issuer(ADDRESS, "interurbe", life).issue(new_key(), caller, now),
        "another audience": Issuer(ADDRESS, "elsewhere", life).issue(real, caller, now),
        "another issuer": Issuer("http://evil.test", "interurbe", life).issue(real, caller, now),
        "expired": Issuer(ADDRESS, "interurbe", life).issue(real, caller, now - life - timedelta(minutes=1)),
        "not yet valid": Issuer(ADDRESS, "interurbe", life).issue(real, caller, now + life),
        "no token": "abc",
    }
    for why, token in tokens.items():
        answer = await service.anyone.get("/v1/partners", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token"), why
    good = Issuer(ADDRESS, "interurbe", life).issue(real, caller, now)
    assert (await service.anyone.get("/v1/partners", headers={"Authorization": f"Bearer {good}"})).status_code == 200


async def test_a_neighbour_verifies_offline_with_the_published_keys(service: PartnersService) -> None:
    token = (await service.anyone.post("/oauth/token", data=GRANT, auth=OPERATOR)).json()["access_token"]
    keys = RemoteKeys(ADDRESS, transport=httpx.ASGITransport(service.app))
    caller = await Verifier(ADDRESS, "interurbe", keys).verify(token)
    await keys.close()
    assert (caller.client, caller.partner, caller.is_admin) == ("bootstrap", PLATFORM, True)
