"""No token outlives the secret it was got with: dropped, followed by another at once, or at the end of its rotation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from services.partners.access.commands import found
from services.partners.access.secrets.models import ClientSecret
from services.partners.access.views import revoked_since
from shared.revoked import Revoked
from tests.partners.access.test_revoking import refused
from tests.partners.access.test_secrets import following, made
from tests.partners.conftest import BOOTSTRAP_SECRET, PartnerClient, PartnersService

RETIRED = "org.interurbe.client.secret_retired.v1"
MINUTE = timedelta(minutes=1)


async def entered(service: PartnersService, client: dict[str, Any], *secrets: dict[str, Any]) -> list[PartnerClient]:
    """One who got a token with each of these secrets."""
    return [await service.enter(client["id"], secret["secret"]) for secret in secrets]


async def out(*systems: PartnerClient) -> list[bool]:
    """Who of them is refused."""
    return [refused(await system.get("/v1/partners")) for system in systems]


async def look(service: PartnersService) -> None:
    """As another process does, which hears of it from the database alone."""
    service.runtime.revoked = Revoked(service.runtime.database, revoked_since)
    await service.runtime.revoked.step()


async def told(service: PartnersService, client: dict[str, Any]) -> list[dict[str, Any]]:
    return [fact["data"] for fact in await service.facts(f"client/{client['id']}") if fact["type"] == RETIRED]


async def test_the_tokens_of_a_dropped_secret_are_refused_at_once_and_no_others(service: PartnersService) -> None:
    client = await made(service)
    second = await following(service, client)
    systems = await entered(service, client, client, second)
    assert await out(*systems) == [False, False]
    for _ in range(2):
        assert (await service.operator.delete(f"/v1/clients/{client['id']}/secrets/1")).status_code == 200
        assert await out(*systems) == [True, False]
    await look(service)
    assert await out(*systems) == [True, False], "also in another process"
    assert len(await told(service, client)) == 2, "that it would end in a week, and that it ended"


async def test_the_tokens_of_a_secret_that_another_follows_at_once_are_refused(service: PartnersService) -> None:
    client = await made(service)
    (system,) = await entered(service, client, client)
    second = await following(service, client, old_valid_until=datetime.now(UTC).isoformat())
    assert await out(system, *await entered(service, client, second)) == [True, False]
    await look(service)
    assert await out(system) == [True], "also in another process"
    (fact,) = await told(service, client)
    assert (fact["client"], fact["secret"]) == (client["id"], 1)
    assert datetime.fromisoformat(fact["good_until"]) <= datetime.now(UTC)


async def test_a_token_lives_no_longer_than_the_rotation_of_its_secret(service: PartnersService) -> None:
    client, end = await made(service), datetime.now(UTC) + 3 * MINUTE
    (before,) = await entered(service, client, client)
    second = await following(service, client, old_valid_until=end.isoformat())
    answers = [
        await service.anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client["id"], secret))
        for secret in (client["secret"], second["secret"])
    ]
    assert [answer.json()["expires_in"] <= 180 for answer in answers] == [True, False]
    await look(service)
    assert await out(before) == [False], "not one request is refused while the secret is good"
    assert [datetime.fromisoformat(fact["good_until"]) for fact in await told(service, client)] == [end]
    async with service.runtime.database.session() as session:
        ended = update(ClientSecret).where(ClientSecret.client == client["id"], ClientSecret.n == 1)
        await session.execute(ended.values(expires_at=datetime.now(UTC)))
        await session.commit()
    await look(service)
    assert await out(before, *await entered(service, client, second)) == [True, False]


async def test_the_operators_tokens_end_with_the_secret_that_the_settings_no_longer_name(service: PartnersService) -> None:
    now = datetime.now(UTC)
    async with service.runtime.database.session() as session:
        await found(session, BOOTSTRAP_SECRET + " anew", now)
        await session.commit()
    await look(service)
    assert await out(service.operator, await service.enter("bootstrap", BOOTSTRAP_SECRET + " anew")) == [True, False]
    (fact,) = await told(service, {"id": "bootstrap"})
    assert (fact["secret"], fact.get("partner"), datetime.fromisoformat(fact["good_until"])) == (1, None, now)
