"""A small world for tests of exchanges: two networks bound by an agreement, a city in one of them, a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from shared.events import Visibility
from tests.initiatives.conftest import InitiativesService


@dataclass
class Cast:
    """Who is in it: ids of partners, and of the agreement."""

    service: InitiativesService
    host: str
    other: str
    city: str
    stranger: str
    membership: str
    agreement: str

    async def schedule(self, caller: str | None = None, **changes: Any) -> httpx.Response:
        """POST a plan that is right, but for these changes (a member that is None is left out)."""
        body = {name: value for name, value in (self.plan() | changes).items() if value is not None}
        return await self.service.client_of(caller or self.host).post("/v1/exchanges", json=body)

    async def scheduled(self, **changes: Any) -> dict[str, Any]:
        """The exchange that such a plan leads to."""
        answer = await self.schedule(**changes)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def change(self, exchange: dict[str, Any], verb: str, caller: str | None = None, **body: Any) -> httpx.Response:
        """POST a change of an exchange on the strength of the version in it."""
        client = self.service.client_of(caller or self.host)
        headers = {"If-Match": f'"{exchange["version"]}"'}
        return await client.post(f"/v1/exchanges/{exchange['id']}/{verb}", json={"reason": "Cambio de agenda."} | body, headers=headers)

    def plan(self) -> dict[str, Any]:
        """A plan in a year from now, on a day without any change of clocks."""
        return {
            "kind": "workshop",
            "titles": {"es": "Taller de datos abiertos", "en": "Open data workshop"},
            "starts_at": f"{next_year()}-03-04T09:00",
            "ends_at": f"{next_year()}-03-04T12:30",
            "timezone": "America/Bogota",
            "modality": "hybrid",
            "place": "Ruta N, Medellín",
            "languages": ["es", "en"],
            "hosts": [self.host],
            "participants": [self.city],
            "topics": ["open-data"],
            "agreement": self.agreement,
            "line": "knowledge_exchange",
        }


async def cast_of(service: InitiativesService, visibility: Visibility = Visibility.PUBLIC, **terms: Any) -> Cast:
    """Asocapitales and WeGO, bound by an agreement on these terms; Medellín, a member of the first; Berlin, of none."""
    say = service.neighbour
    host, other = say.partner("Asocapitales", "city_network"), say.partner("WeGO", "city_network")
    city, stranger = say.partner("Medellín"), say.partner("Berlin")
    membership = say.joins(city, host)
    agreement = say.binds([host, other], visibility=visibility, **terms)
    say.entitle(agreement, city, (membership, city, host))
    await service.hear()
    return Cast(service, host, other, city, stranger, membership, agreement)


def next_year() -> int:
    """The year after this one: plans must lie ahead, whenever the tests run."""
    return datetime.now(UTC).year + 1


def in_days(days: int) -> str:
    """That many days from now, as a clock on a wall of Bogotá shows it at nine."""
    return f"{(datetime.now(UTC) + timedelta(days=days)).date()}T09:00"
