"""What the initiatives service hears of a revoked client: its tokens are refused from then on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from shared.events import ClientRevoked, Visibility
from tests.initiatives.conftest import InitiativesService

PATH = "/v1/exchanges"


async def heard(service: InitiativesService, partner: str, at: datetime) -> None:
    """The client of this partner was revoked then; the process has looked since."""
    client = f"client of {partner}"
    say = service.neighbour
    say.say(ClientRevoked(client=client, partner=partner, revoked_at=at), client, Visibility.OWNER, (partner,))
    await service.hear()
    assert service.runtime.revoked is not None
    await service.runtime.revoked.step()


def known(answer: httpx.Response) -> bool:
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def test_a_revoked_client_is_refused_and_no_other(service: InitiativesService) -> None:
    city, other = service.neighbour.partner("Medellín"), service.neighbour.partner("Kyiv")
    await heard(service, "somebody else", datetime.now(UTC))
    mine, theirs = service.client_of(city), service.client_of(other)
    assert [known(await client.get(PATH)) for client in (mine, theirs)] == [True, True]
    await heard(service, city, datetime.now(UTC))
    assert [known(await client.get(PATH)) for client in (mine, theirs)] == [False, True]
    assert (await mine.get(PATH)).json()["code"] == "token-revoked"


async def test_a_token_given_after_the_revocation_is_good(service: InitiativesService) -> None:
    city = service.neighbour.partner("Medellín")
    await heard(service, city, datetime.now(UTC) - timedelta(minutes=2))
    assert known(await service.client_of(city).get(PATH))
