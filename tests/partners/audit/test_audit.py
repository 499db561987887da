"""The audit: an entry with each change and with it alone, seen by those whom it concerns, and never changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.partners.access.models import KEY_LIFE
from services.partners.audit.chaining import Chaining
from services.partners.audit.commands import write
from shared.db import Database, new_id
from shared.http import ANONYMOUS
from shared.migrations import upgrade
from shared.witness import Deed
from tests.partners.conftest import PartnerClient, PartnersService

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def chained(service: PartnersService) -> None:
    """Let everything that waits be chained."""
    loop = Chaining(service.runtime.database)
    while await loop.step():
        pass


async def entries(service: PartnersService, who: PartnerClient | None = None, **asked: str) -> list[dict[str, Any]]:
    await chained(service)
    answer = await (who or service.operator).get("/v1/audit", params={"limit": "200"} | asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_each_change_has_an_entry_and_what_was_refused_has_none(service: PartnersService) -> None:
    city = await service.client_of("city")
    before = len(await entries(service))
    place, key = f"/v1/partners/{city.partner}", {"Idempotency-Key": new_id()}
    await city.patch(place, json={"locality": "Cali"}, headers={"If-Match": '"1"', "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert (await city.patch(place, json={"locality": "Cali"}, headers={"If-Match": '"1"'})).status_code == 412
    alias = {"text": "María de los Ángeles", "lang": "es"}
    for _ in range(2):
        assert (await city.post(f"{place}/aliases", json=alias, headers=key | {"If-Match": '"2"'})).status_code == 200
    await city.get(place)
    await service.anyone.post("/v1/partners", json={})
    first, second = (await entries(service))[before:]
    assert (first["action"], first["subject"], first["outcome"]) == ("PATCH /v1/partners/{partner}", place, "200")
    assert (first["partner"], first["trace_id"]) == (city.partner, TRACE)
    assert (second["action"], second["subject"]) == ("POST /v1/partners/{partner}/aliases", f"{place}/aliases")
    assert "María" not in str(second)


async def test_what_was_forbidden_tokens_and_what_dates_bring_have_no_entry(service: PartnersService) -> None:
    city = await service.client_of("city")
    before = await entries(service)
    refused = await city.post("/v1/partners", json={"kind": "city", "names": {"es": "x"}, "country": "CO", "timezone": "America/Bogota"})
    denied = await service.anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("bootstrap", "wrong"))
    assert (refused.status_code, denied.status_code) == (403, 401)
    await service.client_for(None)
    assert await service.act(datetime.now(UTC) + KEY_LIFE + timedelta(days=1)) == 1
    (made,) = [entry for entry in await entries(service) if entry not in before]
    assert made["action"] == "POST /v1/clients"


async def test_what_was_made_is_named_and_free_words_of_a_path_are_not(service: PartnersService) -> None:
    partner = (await service.register())["id"]
    body = {"kind": "city", "names": {"es": "Ciudad"}, "country": "CO", "timezone": "America/Bogota", "force": True}
    await service.operator.put("/v1/partners/by-external-id/crm/ana@ejemplo.example", json=body)
    await service.operator.put("/v1/partners/by-external-id/crm/ana@ejemplo.example", json=body | {"locality": "Cali"})
    made, put, again = await entries(service)
    assert (made["subject"], made["outcome"], made["client"]) == (f"/v1/partners/{partner}", "201", "bootstrap")
    assert put["subject"].startswith("/v1/partners/0")
    assert again["subject"] == "/v1/partners/by-external-id/{scheme}/{value}"


async def test_a_partners_admin_sees_what_its_own_clients_did(service: PartnersService) -> None:
    admin = await service.client_of("city", scopes="read admin")
    other = await service.client_of("city", scopes="read write")
    await admin.post("/v1/clients", json={"partner": admin.partner, "name": "Sistema", "scopes": ["read"]})
    await other.patch(f"/v1/partners/{other.partner}", json={"locality": "Cali"}, headers={"If-Match": '"1"'})
    assert [entry["action"] for entry in await entries(service, admin)] == ["POST /v1/clients"]
    assert {entry["partner"] for entry in await entries(service)} >= {admin.partner, other.partner}
    assert (await other.get("/v1/audit")).status_code == 403


async def test_the_audit_is_narrowed_to_a_partner_and_to_an_operation(service: PartnersService) -> None:
    admin, other = await service.client_of("city", scopes="read write admin"), await service.client_of("city")
    for client in (admin, other):
        await client.patch(f"/v1/partners/{client.partner}", json={"locality": "Cali"}, headers={"If-Match": '"1"'})
    change = "PATCH /v1/partners/{partner}"
    by_all, by_other = await entries(service, action=change), await entries(service, partner=other.partner)
    assert [entry["partner"] for entry in by_all] == [admin.partner, other.partner]
    assert by_other == [entry for entry in by_all if entry["partner"] == other.partner]
    assert (
        await entries(service, action="PATCH /v1/partners")
        == await entries(service, partner=other.partner, action="POST /v1/partners")
        == []
    )
    assert await entries(service, admin, action=change) == by_all[:1]
    assert await entries(service, admin, partner=other.partner) == []


async def test_the_audit_has_pages_and_so_has_its_export(service: PartnersService) -> None:
    for _ in range(5):
        await service.register()
    await chained(service)
    for path in ("/v1/audit", "/v1/audit/export"):
        url, seen = f"{path}?limit=2", ""
        pages = 0
        while url:
            answer = await service.operator.get(url)
            seen, pages = seen + answer.text, pages + 1
            url = answer.links["next"]["url"] if "next" in answer.links else ""
        assert pages == 3
        assert seen.count('"hash"') == 5


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET client = 'x'", "UPDATE audit_entry SET n = n + 10", "DELETE FROM audit_entry", "TRUNCATE audit_entry"],
)
async def test_the_database_refuses_to_change_it(service: PartnersService, statement: str) -> None:
    await service.register()
    for _ in range(2):
        async with service.runtime.database.session() as session:
            with pytest.raises(IntegrityError, match="only grows"):
                await session.execute(text(statement))
        await chained(service)
    assert len(await entries(service)) == 1


async def test_the_migration_makes_the_same_guard(database_url: str) -> None:
    await asyncio.to_thread(upgrade, "partners", database_url)
    database = Database(database_url, application="tests")
    async with database.session() as session:
        await session.run_sync(write, Deed(ANONYMOUS, "test", "200"))
        await session.commit()
        with pytest.raises(IntegrityError, match="only grows"):
            await session.execute(text("DELETE FROM audit_entry"))
    await database.close()
