"""What the initiatives service hears of a revoked client, or of a secret that ended: the tokens are refused from then on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from shared.events import ClientRevoked, ClientSecretRetired, Visibility
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


async def retired(service: InitiativesService, partner: str, secret: int, until: datetime) -> None:
    """A secret of this partner's client was given its end; the process has looked since."""
    client = f"client of {partner}"
    fact = ClientSecretRetired(client=client, secret=secret, partner=partner, good_until=until)
    service.neighbour.say(fact, client, Visibility.OWNER, (partner,))
    await service.hear()
    assert service.runtime.revoked is not None
    await service.runtime.revoked.step()


async def test_the_tokens_of_an_ended_secret_are_refused_and_no_others_of_that_client(service: InitiativesService) -> None:
    city = service.neighbour.partner("Medellín")
    first, second, older = service.client_of(city, secret=1), service.client_of(city, secret=2), service.client_of(city)
    await retired(service, city, 1, datetime.now(UTC))
    assert [known(await client.get(PATH)) for client in (first, second, older)] == [False, True, True]
    assert (await first.get(PATH)).json()["code"] == "token-revoked"


async def test_the_tokens_of_a_secret_are_good_until_it_ends_and_its_end_can_come_sooner(service: InitiativesService) -> None:
    city = service.neighbour.partner("Medellín")
    system = service.client_of(city, secret=1)
    await retired(service, city, 1, datetime.now(UTC) + timedelta(minutes=5))
    assert known(await system.get(PATH))
    await retired(service, city, 1, datetime.now(UTC))
    assert not known(await system.get(PATH))
