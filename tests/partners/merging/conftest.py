"""Two records of one centre in Kyiv, and what is on record of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.partners.audit.commands import chain
from tests.partners.agreements.conftest import KYIV, MEDELLIN, Table
from tests.partners.conftest import PartnerClient, PartnersService
from tests.partners.entitlements.conftest import World

REASON = "C4IR Kyiv es el nombre anterior de GGTC Kyiv."
C4IR: dict[str, Any] = {
    "names": {"en": "C4IR Kyiv", "es": "C4IR de Kiev"},
    "acronym": "C4IR Kyiv",
    "country": "UA",
    "timezone": "Europe/Kyiv",
}


@dataclass
class Two:
    """The old record and the survivor, each with a client; `table` and `world` are words for agreements and memberships."""

    service: PartnersService
    old: PartnerClient
    survivor: PartnerClient
    table: Table
    world: World

    async def merge(self, old: str = "", into: str = "", **said: Any) -> httpx.Response:
        """Merge the old record (or another) into the survivor (or another), at its present version."""
        partner = old or self.old.partner
        version = (await self.service.operator.get(f"/v1/partners/{partner}")).json().get("version", 1)
        return await self.service.operator.post(
            f"/v1/partners/{partner}/merge",
            json={"into": into or self.survivor.partner, "reason": REASON},
            headers={"If-Match": f'"{version}"'} | said,
        )

    async def merged(self, **said: str) -> dict[str, Any]:
        """The merge of the two, which must succeed."""
        answer = await self.merge(**said)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def chained(self) -> None:
        """Let what waits for the audit be chained."""
        async with self.service.runtime.database.session() as session:
            await chain(session)
            await session.commit()

    async def hosted(self, partner: str, host: str) -> None:
        """Let the partner be hosted from today on."""
        version = (await self.read(f"/v1/partners/{partner}"))["version"]
        place = f"/v1/partners/{partner}/hosting"
        answer = await self.service.operator.put(place, json={"host": host}, headers={"If-Match": f'"{version}"'})
        assert answer.status_code == 200, answer.text

    async def undo(self, old: str = "") -> httpx.Response:
        """Undo the merge of the old record (or another)."""
        return await self.service.operator.post(f"/v1/partners/{old or self.old.partner}/undo-merge", json={"reason": "Son dos centros."})

    async def types(self, subject: str) -> list[str]:
        """The types of the facts about a subject, without what all have in common."""
        return [fact["type"].removeprefix("org.interurbe.").removesuffix(".v1") for fact in await self.service.facts(subject)]

    async def read(self, path: str) -> dict[str, Any]:
        """What the operator reads there."""
        answer = await self.service.operator.get(path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def two(service: PartnersService) -> Two:
    """C4IR Kyiv and GGTC Kyiv, and Medellín, which has agreements with both."""
    medellin = await service.client_of("tech_centre", **MEDELLIN)
    old = await service.client_of("tech_centre", **C4IR, identifiers=[{"scheme": "wef", "value": "c4ir-kyiv"}])
    survivor = await service.client_of("tech_centre", **KYIV, force=True)
    return Two(service, old, survivor, Table(service, medellin, old, await service.client_of("city")), World(service))
