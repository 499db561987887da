"""Secrets and keys follow each other while systems get tokens and call without a pause: not one request is refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.auth import Verifier
from shared.http import RemoteKeys
from tests.partners.access.test_keys import age
from tests.partners.access.test_secrets import made
from tests.partners.conftest import ADDRESS, PartnersService

SYSTEMS, ROUNDS = 8, 4
KEY_AGE_SECONDS = 3600.0


@dataclass
class Neighbour:
    """Another service, which verifies offline; its clock goes on as the keys age."""

    app: Any
    now: float = 0.0

    def verifier(self) -> Verifier:
        """What it verifies with."""
        return Verifier(ADDRESS, "interurbe", RemoteKeys(ADDRESS, transport=httpx.ASGITransport(self.app), clock=lambda: self.now))


@dataclass
class Systems:
    """The processes of one client: each takes over a new secret when it begins its next turn."""

    service: PartnersService
    verifier: Verifier
    client: str
    secret: str
    over: bool = False
    answers: Counter[int] = field(default_factory=Counter)
    turned: asyncio.Condition = field(default_factory=asyncio.Condition)
    holding: dict[int, str] = field(default_factory=dict)

    async def work(self, number: int) -> None:
        """Get a token, call with it, show it to the neighbour; again and again."""
        while not self.over:
            self.holding[number] = secret = self.secret
            answer = await self.service.anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(self.client, secret))
            self.answers[answer.status_code] += 1
            token = answer.json().get("access_token", "")
            called = await self.service.anyone.get("/v1/partners", headers={"Authorization": f"Bearer {token}"})
            self.answers[called.status_code] += 1
            assert (await self.verifier.verify(token)).client == self.client
            async with self.turned:
                self.turned.notify_all()

    async def take(self, secret: str) -> None:
        """Give them this secret; returns once each has begun a turn with it."""
        self.secret = secret
        async with self.turned:
            await self.turned.wait_for(lambda: set(self.holding.values()) == {secret} and len(self.holding) == SYSTEMS)


async def rotate(systems: Systems, neighbour: Neighbour, number: int) -> None:
    operator, place = systems.service.operator, f"/v1/clients/{systems.client}/secrets"
    following = await operator.post(place)
    assert following.status_code == 201, following.text
    await systems.take(following.json()["secret"])
    dropped = await operator.delete(f"{place}/{number}")
    assert dropped.status_code == 200, dropped.text
    await age(systems.service)
    systems.service.app.state.access.ring.look_again()  # as it does every minute, so within this hour too
    neighbour.now += KEY_AGE_SECONDS
    rotated = await operator.post("/v1/keys/rotate")
    assert rotated.status_code == 200, rotated.text


async def test_no_request_fails_while_secrets_and_keys_rotate(service: PartnersService) -> None:
    client, neighbour = await made(service), Neighbour(service.app)
    systems = Systems(service, neighbour.verifier(), client["id"], client["secret"])
    async with asyncio.TaskGroup() as group:
        for number in range(SYSTEMS):
            group.create_task(systems.work(number))
        await systems.take(client["secret"])
        for number in range(1, ROUNDS + 1):
            await rotate(systems, neighbour, number)
        systems.over = True
    assert set(systems.answers) == {200}
    assert systems.answers[200] >= 2 * SYSTEMS * ROUNDS
    shown = (await service.operator.get(f"/v1/clients/{client['id']}")).json()
    assert [secret["n"] for secret in shown["secrets"]] == [ROUNDS + 1]
