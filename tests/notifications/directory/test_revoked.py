"""What the notifications service hears of a revoked client: its tokens are refused from then on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from shared.events import ClientRevoked, Visibility
from tests.notifications.conftest import NotificationsService
from tests.notifications.neighbours import Reach

PATH = "/v1/subscribers/01939f6e-8f1a-7c3e-9b52-000000000006"


async def heard(service: NotificationsService, partner: str, at: datetime) -> None:
    """The client of this partner was revoked then; the process has looked since."""
    client = f"client of {partner}"
    say = service.neighbours
    say.say(ClientRevoked(client=client, partner=partner, revoked_at=at), client, Reach(Visibility.OWNER, (partner,)))
    await service.hear()
    assert service.runtime.revoked is not None
    await service.runtime.revoked.step()


def known(answer: httpx.Response) -> bool:
    assert answer.status_code in (404, 401), answer.text
    return answer.status_code == 404


async def test_a_revoked_client_is_refused_and_no_other(service: NotificationsService) -> None:
    city, other = service.neighbours.partner("Medellín"), service.neighbours.partner("Kyiv")
    await heard(service, "somebody else", datetime.now(UTC))
    mine, theirs = service.client_of(city), service.client_of(other)
    assert [known(await client.get(PATH)) for client in (mine, theirs)] == [True, True]
    await heard(service, city, datetime.now(UTC))
    assert [known(await client.get(PATH)) for client in (mine, theirs)] == [False, True]
    assert (await mine.get(PATH)).json()["code"] == "token-revoked"


async def test_a_token_given_after_the_revocation_is_good(service: NotificationsService) -> None:
    city = service.neighbours.partner("Medellín")
    await heard(service, city, datetime.now(UTC) - timedelta(minutes=2))
    assert known(await service.client_of(city).get(PATH))
