"""A revoked client is out at once: no token any more, and those it has are refused, here and wherever its revocation is heard."""

from __future__ import annotations

import httpx

from services.partners.access.commands import found
from services.partners.access.views import revoked_since
from shared.revoked import Revoked
from tests.partners.access.test_clients import NOW
from tests.partners.conftest import BOOTSTRAP_SECRET, PartnersService


def refused(answer: httpx.Response) -> bool:
    if answer.status_code == 401:
        assert answer.json()["code"] == "token-revoked"
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    return answer.status_code == 401


async def test_the_tokens_it_has_are_refused_with_the_next_request(service: PartnersService) -> None:
    city = await service.client_of("city")
    other = await service.client_for(city.partner)
    (client,) = [item["id"] for item in (await listed(service, city.partner))[:1]]
    assert (await city.get("/v1/partners")).status_code == 200
    assert (await service.operator.post(f"/v1/clients/{client}/revoke")).status_code == 200
    assert refused(await city.get("/v1/partners"))
    assert refused(await city.post("/v1/agreements", json={}))
    assert (await other.get("/v1/partners")).status_code == 200, "another client of the partner goes on"
    assert service.runtime.revoked is not None
    await service.runtime.revoked.step()
    assert refused(await city.get("/v1/partners")), "also once the list was read anew"


async def listed(service: PartnersService, partner: str) -> list[dict[str, str]]:
    return list((await service.operator.get("/v1/clients", params={"partner": partner})).json()["items"])


async def test_another_process_refuses_them_when_it_has_looked(service: PartnersService) -> None:
    city = await service.client_of("city")
    client = (await listed(service, city.partner))[0]["id"]
    await service.operator.post(f"/v1/clients/{client}/revoke")
    another = Revoked(service.runtime.database, revoked_since)
    assert another.trouble() is not None
    service.runtime.revoked = another
    assert (await city.get("/v1/partners")).status_code == 200
    await another.step()
    assert another.trouble() is None
    assert refused(await city.get("/v1/partners"))


async def test_the_neighbours_are_told_and_nobody_else(service: PartnersService) -> None:
    city = await service.client_of("city")
    client = (await listed(service, city.partner))[0]["id"]
    for _ in range(2):
        revoked = (await service.operator.post(f"/v1/clients/{client}/revoke")).json()
    (fact,) = await service.facts(f"client/{client}")
    assert (fact["type"], fact["topic"], fact["sequence"]) == ("org.interurbe.client.revoked.v1", "interurbe.partners", 1)
    assert (fact["headers"]["ce_visibility"], fact["headers"]["ce_audience"]) == ("owner", city.partner)
    assert fact["data"] == {"client": client, "partner": city.partner, "revoked_at": revoked["revoked_at"].replace("+00:00", "Z")}


async def test_the_operators_client_lives_again_but_its_old_tokens_do_not(service: PartnersService) -> None:
    assert (await service.operator.post("/v1/clients/bootstrap/revoke")).status_code == 200
    async with service.runtime.database.session() as session:
        await found(session, BOOTSTRAP_SECRET + " anew", NOW)
        await session.commit()
    assert service.runtime.revoked is not None
    await service.runtime.revoked.step()
    assert refused(await service.operator.get("/v1/partners"))
    answer = await service.anyone.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("bootstrap", BOOTSTRAP_SECRET + " anew")
    )
    assert answer.status_code == 200
