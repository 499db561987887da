"""No token outlives its client: it ends with it, and is refused where the client's end is moved to come sooner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import httpx
import pytest

from services.partners.access.views import revoked_since
from shared.auth import LEEWAY_SECONDS, InvalidToken, Verifier
from shared.revoked import Revoked
from tests.partners.access.test_revoking import refused
from tests.partners.conftest import ADDRESS, PartnerClient, PartnersService

REVOKED = "org.interurbe.client.revoked.v1"
MINUTE = timedelta(minutes=1)


async def made(service: PartnersService, end: datetime | None) -> dict[str, Any]:
    said = {"partner": (await service.register())["id"], "name": "Sistema", "scopes": ["read"]}
    answer = await service.operator.post("/v1/clients", json=said | {"expires_at": end.isoformat() if end else None})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def token(service: PartnersService, client: dict[str, Any]) -> dict[str, Any]:
    form = {"grant_type": "client_credentials"}
    answer = await service.anyone.post("/oauth/token", data=form, auth=(client["id"], client["secret"]))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def entered(service: PartnersService, client: dict[str, Any]) -> PartnerClient:
    """A client with the token that it has now."""
    return await service.enter(client["id"], client["secret"])


async def moved(service: PartnersService, client: dict[str, Any], end: datetime | None) -> httpx.Response:
    place = f"/v1/clients/{client['id']}"
    version = (await service.operator.get(place)).headers["etag"]
    said = {"expires_at": end.isoformat() if end else None}
    answer = await service.operator.patch(place, json=said, headers={"If-Match": version})
    assert answer.status_code == 200, answer.text
    return answer


async def told(service: PartnersService, client: dict[str, Any]) -> int:
    """How often everybody was told to refuse its tokens."""
    return len([fact for fact in await service.facts(f"client/{client['id']}") if fact["type"] == REVOKED])


@pytest.mark.parametrize("left", [3 * MINUTE, timedelta(seconds=90, milliseconds=700)])
async def test_a_token_lives_no_longer_than_its_client(service: PartnersService, left: timedelta) -> None:
    end = datetime.now(UTC) + left
    given = await token(service, await made(service, end))
    assert given["expires_in"] <= ceil(left.total_seconds())
    ring = service.app.state.access.ring
    before = Verifier(ADDRESS, "interurbe", ring, clock=lambda: end.timestamp() - 1)
    after = Verifier(ADDRESS, "interurbe", ring, clock=lambda: end.timestamp() + LEEWAY_SECONDS + 1)
    caller = await before.verify(given["access_token"])
    with pytest.raises(InvalidToken):
        await after.verify(given["access_token"])
    assert abs(caller.issued + given["expires_in"] - end.timestamp()) <= 1


async def test_a_token_of_a_client_that_ends_late_or_never_lives_as_long_as_any(service: PartnersService) -> None:
    for end in (None, datetime.now(UTC) + 60 * MINUTE):
        assert (await token(service, await made(service, end)))["expires_in"] == 600


@pytest.mark.parametrize("first", [None, 60 * MINUTE, 9 * MINUTE])
async def test_tokens_that_would_outlive_an_end_moved_to_come_sooner_are_refused(service: PartnersService, first: timedelta | None) -> None:
    now = datetime.now(UTC)
    client = await made(service, now + first if first else None)
    system = await entered(service, client)
    assert (await system.get("/v1/partners")).status_code == 200
    await moved(service, client, now + 5 * MINUTE)
    assert refused(await system.get("/v1/partners"))
    assert await told(service, client) == 1
    another = Revoked(service.runtime.database, revoked_since)
    service.runtime.revoked = another
    await another.step()
    assert refused(await system.get("/v1/partners")), "also in another process"
    assert (await token(service, client))["expires_in"] <= 300


async def test_an_end_moved_beyond_every_token_or_later_refuses_none(service: PartnersService) -> None:
    now = datetime.now(UTC)
    client = await made(service, now + 8 * MINUTE)
    system = await entered(service, client)
    for end in (now + 9 * MINUTE, now + 90 * MINUTE, None, now + 60 * MINUTE):
        await moved(service, client, end)
        assert (await system.get("/v1/partners")).status_code == 200, end
    assert await told(service, client) == 0
