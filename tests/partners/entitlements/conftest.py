"""Cities, networks and agreements, and what is on record and was told of who may take part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from services.partners.inheritance.models import Entitlement
from tests.partners.conftest import PartnerClient, PartnersService

EVIDENCE = [{"title": "Memorando firmado", "media_type": "application/pdf", "sha256": "a" * 64, "size": 182044}]


@dataclass
class World:
    """A service in which networks sign and cities are members; partners are named by their ids."""

    service: PartnersService

    async def city(self, name: str = "Medellín") -> str:
        """A city of this name."""
        return str((await self.service.register("city", names={"es": name}, force=True))["id"])

    async def network(self, name: str = "Asocapitales") -> str:
        """A network of this name."""
        return str((await self.service.register("city_network", names={"es": name}, force=True))["id"])

    async def join(self, partner: str, network: str, **said: Any) -> dict[str, Any]:
        """Let the partner belong to the network, since long ago unless other days are said."""
        body = {"partner": partner, "valid_from": "2020-01-01"} | said
        answer = await self.service.operator.post(f"/v1/networks/{network}/members", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def leave(self, membership: dict[str, Any], last_day: str = "2025-01-01") -> dict[str, Any]:
        """End the membership; the day was in the past unless another is said."""
        answer = await self.service.operator.post(
            f"/v1/memberships/{membership['id']}/end", json={"valid_to": last_day}, headers={"If-Match": f'"{membership["version"]}"'}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def agreement(self, *parties: str, roles: dict[str, str] | None = None, visibility: str = "public", **terms: Any) -> str:
        """An agreement of 2024 between these parties, in force; ``roles`` are parties besides them, that do not sign."""
        named = [{"partner": party} for party in parties] + [{"partner": party, "role": role} for party, role in (roles or {}).items()]
        lines = [{"line": line, "text": {"es": "Intercambio."}} for line in ("knowledge_exchange", "partnership_facilitation")]
        body = {
            "kind": "mou",
            "titles": {"es": "Memorando X", "en": "MoU X"},
            "visibility": visibility,
            "parties": named,
            "terms": {"lines": lines, "renewal": "none", "governing_languages": ["es"]} | terms,
            "texts": {"es": {"body": "Las partes intercambian buenas prácticas.", "status": "authentic"}},
            "signed_on": "2024-07-12",
            "evidence": EVIDENCE,
        }
        answer = await self.service.operator.post("/v1/agreements/historic", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def held(self, agreement: str) -> dict[str, list[str]]:
        """Who is entitled by the agreement, and the networks that its path leads over."""
        async with self.service.runtime.database.reader() as reader:
            asked = select(Entitlement.partner, Entitlement.path).where(Entitlement.agreement == agreement, Entitlement.held)
            return {partner: [step["network"] for step in path] for partner, path in await reader.execute(asked)}

    async def told(self, agreement: str) -> list[tuple[str, str, str]]:
        """What was told of who is entitled by the agreement: granted or withdrawn, whom, why. It is told in turns."""
        facts = [fact for fact in await self.service.facts() if fact["subject"].startswith("entitlement/")]
        facts = [fact for fact in facts if fact["data"]["agreement"] == agreement]
        kinds = [(fact["data"]["partner"], fact["type"].split(".")[3], fact["sequence"]) for fact in facts]
        for partner in {partner for partner, _, _ in kinds}:
            own = [(kind, sequence) for whose, kind, sequence in kinds if whose == partner]
            assert own == [(("granted", "withdrawn")[place % 2], place + 1) for place in range(len(own))]
        return [(kind, partner, fact["data"]["reason"]) for (partner, kind, _), fact in zip(kinds, facts, strict=True)]

    async def client_of(self, partner: str) -> PartnerClient:
        """A client of a partner that is registered already."""
        return await self.service.client_for(partner)


@pytest.fixture
async def world(service: PartnersService) -> World:
    """The service before anybody belongs to anything."""
    return World(service)
