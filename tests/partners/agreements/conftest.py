"""Parties with clients of their own, and the steps that most tests of agreements begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.partners.agreements.models import Agreement
from tests.partners.conftest import PartnerClient, PartnersService

MEDELLIN: dict[str, Any] = {"names": {"es": "C4IR Medellín"}, "acronym": "C4IR", "country": "CO", "timezone": "America/Bogota"}
KYIV: dict[str, Any] = {"names": {"en": "GGTC Kyiv", "uk": "Центр GovTech, Київ"}, "country": "UA", "timezone": "Europe/Kyiv"}


@dataclass
class Table:
    """Two parties at a table, and somebody who is none."""

    service: PartnersService
    medellin: PartnerClient
    kyiv: PartnerClient
    stranger: PartnerClient

    def draft_body(self, **said: Any) -> dict[str, Any]:
        """A draft between the two; whatever is said replaces what is there."""
        body: dict[str, Any] = {
            "kind": "alliance",
            "titles": {"es": "Alianza GovTech", "en": "GovTech alliance"},
            "parties": [{"partner": self.medellin.partner}, {"partner": self.kyiv.partner}],
            "terms": self.terms(),
            "texts": {"es": {"body": "Las partes intercambian buenas prácticas.", "status": "authentic"}},
        }
        return body | said

    def terms(self, **commitment: Any) -> dict[str, Any]:
        """Terms with one line and one commitment; whatever is said is said of the commitment."""
        promise = {"giver": self.kyiv.partner, "receiver": self.medellin.partner, "statement": {"es": "Presentar Diia."}, "quantity": 2}
        line: dict[str, Any] = {"line": "knowledge_exchange", "topics": ["govtech"], "text": {"es": "Transferencia."}}
        line["commitments"] = [promise | commitment]
        return {"lines": [line], "renewal": "none", "notice_period_days": 90, "governing_languages": ["es"]}

    async def draft(self, **said: Any) -> dict[str, Any]:
        """A draft that Medellín wrote."""
        return good(await self.medellin.post("/v1/agreements", json=self.draft_body(**said)), 201)

    async def proposed(self, **said: Any) -> dict[str, Any]:
        """A draft that was put before both."""
        return await self.act(self.medellin, await self.draft(**said), "propose")

    async def agreed(self, **said: Any) -> dict[str, Any]:
        """Terms that both approved."""
        agreement = await self.proposed(**said)
        for client in (self.medellin, self.kyiv):
            agreement = await self.act(client, agreement, "approve", terms_hash=hash_of(agreement))
        return agreement

    async def signing(self, **said: Any) -> dict[str, Any]:
        """Agreed terms that are open for signature."""
        return await self.act(self.medellin, await self.agreed(**said), "request-signature")

    async def signed(self, **said: Any) -> dict[str, Any]:
        """An agreement that both signed."""
        agreement = await self.signing(**said)
        for client in (self.medellin, self.kyiv):
            agreement = await self.act(client, agreement, "sign", terms_hash=hash_of(agreement))
        return agreement

    async def act(self, client: PartnerClient, agreement: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
        """Do it, on the version at hand; the agreement after it."""
        return good(await self.attempt(client, agreement, verb, **body))

    async def attempt(self, client: PartnerClient, agreement: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
        """Try to do it, on the version at hand."""
        headers = {"If-Match": f'"{agreement["version"]}"'}
        return await client.post(f"/v1/agreements/{agreement['id']}/{verb}", json=body or None, headers=headers)

    async def types(self, agreement: dict[str, Any]) -> list[str]:
        """The facts about the agreement in their order, without what all of their types have in common."""
        facts = await self.service.facts(f"{Agreement.SUBJECT}/{agreement['id']}")
        assert [fact["sequence"] for fact in facts] == list(range(1, len(facts) + 1))
        return [fact["type"].removeprefix("org.interurbe.agreement.").removesuffix(".v1") for fact in facts]


@pytest.fixture
async def table(service: PartnersService) -> Table:
    """Medellín, Kyiv and a stranger, each with a client."""
    medellin = await service.client_of("tech_centre", **MEDELLIN)
    kyiv = await service.client_of("tech_centre", **KYIV)
    return Table(service, medellin, kyiv, await service.client_of("city"))


def good(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The body of an answer that must be a success; its ETag is the version in it."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["etag"] == f'"{body["version"]}"'
    return body


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer that must be a refusal."""
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == code, problem
    assert problem["fix"], problem
    return problem


def hash_of(agreement: dict[str, Any]) -> str:
    """The hash of the agreement's current terms."""
    return str(agreement["current_revision"]["terms_hash"])
