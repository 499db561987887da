"""A network and a city, what they do to a membership, and what is told of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from services.partners.models import Seen
from services.partners.networks.days import Status
from services.partners.networks.models import Membership
from shared.auth import PLATFORM, Caller
from tests.partners.conftest import PartnerClient, PartnersService
from tests.partners.entitlements.conftest import World

OPERATOR = Caller("operator", PLATFORM, frozenset({"read", "write", "admin"}))
NAME = {"es": "Asocapitales"}


@dataclass
class Pair:
    """A network and a city with clients of their own."""

    service: PartnersService
    network: PartnerClient
    city: PartnerClient

    async def apply(self, **said: Any) -> dict[str, Any]:
        """The city applies."""
        answer = await self.city.post(f"/v1/networks/{self.network.partner}/applications", json=said)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def join(self, **said: Any) -> dict[str, Any]:
        """The network takes the city in."""
        body = {"partner": self.city.partner, "valid_from": "2020-01-01"} | said
        answer = await self.network.post(f"/v1/networks/{self.network.partner}/members", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def read(self, membership: dict[str, Any]) -> dict[str, Any]:
        """The membership as it is now."""
        return dict((await self.service.operator.get(f"/v1/memberships/{membership['id']}")).json())

    async def agreement(self) -> str:
        """An agreement that binds the network and lets its members take part."""
        return await World(self.service).agreement(self.network.partner, (await self.service.register())["id"])

    async def entitled(self, agreement: str) -> bool:
        """Whether the city may take part in it."""
        return self.city.partner in await World(self.service).held(agreement)

    async def act(self, client: PartnerClient, membership: dict[str, Any], deed: str, **said: Any) -> httpx.Response:
        """Do something to a membership as it was read."""
        headers = {"If-Match": f'"{membership["version"]}"'}
        return await client.post(f"/v1/memberships/{membership['id']}/{deed}", json=said or None, headers=headers)

    async def later(self, command: Callable[..., Awaitable[Membership]], membership: dict[str, Any], *said: Any) -> Status:
        """Let the operator do something to the membership at the instant that is said last; what it is then."""
        async with self.service.runtime.database.session() as session:
            done = await command(session, OPERATOR, Seen(membership["id"]), *said)
            await session.commit()
            return done.status(said[-1].date())

    async def told(self, membership: dict[str, Any]) -> list[tuple[str, str]]:
        """What was told of the membership, and to whom it is open."""
        facts = await self.service.facts(f"membership/{membership['id']}")
        return [(fact["type"].split(".")[3], fact["headers"]["ce_visibility"]) for fact in facts]


@pytest.fixture
async def pair(service: PartnersService) -> Pair:
    return Pair(service, await service.client_of("city_network", names=NAME), await service.client_of("city"))


def today() -> date:
    """The day that it is now, asked for in the test: between the beginning of a run and a test of it midnight may pass."""
    return datetime.now(UTC).date()


def on(day: date, hour: int = 0) -> datetime:
    """An instant of a day, its first second unless an hour is said."""
    return datetime(day.year, day.month, day.day, hour, 0, 1, tzinfo=UTC)
