"""What a newcomer does first, step by step as with curl: the operator's secret, a token, a partner, its client, its profile."""

from __future__ import annotations

import asyncio
import sys

import httpx

from services.partners.settings import PartnersSettings
from tests.partners.conftest import ADDRESS, BOOTSTRAP_SECRET, PartnersService

MEDELLIN = {
    "kind": "tech_centre",
    "names": {"es": "Centro para la Cuarta Revolución Industrial de Medellín"},
    "acronym": "C4IR",
    "country": "CO",
    "locality": "Medellín",
    "timezone": "America/Bogota",
    "languages": ["es"],
}


async def token_of(http: httpx.AsyncClient, client_id: str, secret: str) -> dict[str, str]:
    answer = await http.post("/oauth/token", auth=(client_id, secret), data={"grant_type": "client_credentials"})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_from_the_operators_secret_to_a_partner_that_speaks_for_itself(service: PartnersService) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url=ADDRESS) as http:
        operator = await token_of(http, "bootstrap", BOOTSTRAP_SECRET)
        registered = await http.post("/v1/partners", headers=operator | {"Idempotency-Key": "register-c4ir"}, json=MEDELLIN)
        assert registered.status_code == 201, registered.text
        partner = registered.json()["id"]

        wanted = {"partner": partner, "name": "Sistema de convenios", "scopes": ["read", "write", "sign"]}
        made = await http.post("/v1/clients", headers=operator | {"Idempotency-Key": "client-c4ir"}, json=wanted)
        assert made.status_code == 201, made.text

        medellin = await token_of(http, made.json()["id"], made.json()["secret"])
        read = await http.get(f"/v1/partners/{partner}", headers=medellin)
        change = {"website": "https://www.rutanmedellin.org", "languages": ["es", "en"]}
        changed = await http.patch(f"/v1/partners/{partner}", headers=medellin | {"If-Match": read.headers["etag"]}, json=change)
        assert changed.status_code == 200, changed.text
        assert changed.json() == read.json() | change | {"version": 2, "changed_at": changed.json()["changed_at"]}
    facts = [fact["type"] for fact in await service.facts(f"partner/{partner}")]
    assert facts == ["org.interurbe.partner.registered.v1", "org.interurbe.partner.updated.v1"]


async def test_the_same_request_twice_registers_once(service: PartnersService) -> None:
    key = {"Idempotency-Key": "register-c4ir"}
    first = await service.operator.post("/v1/partners", json=MEDELLIN, headers=key)
    again = await service.operator.post("/v1/partners", json=MEDELLIN, headers=key)
    assert (again.status_code, again.json(), again.headers["etag"]) == (201, first.json(), '"1"')
    assert len(await service.facts()) == 1


async def test_a_client_made_on_the_command_line_gets_in(service: PartnersService, settings: PartnersSettings) -> None:
    partner = (await service.register())["id"]
    code, told, _ = await command(settings, "client", "create", "--partner", partner, "--name", "Sistema", "--scopes", "read write")
    assert code == 0
    client_id, secret = (line.split()[1] for line in told.splitlines())
    client = await service.enter(client_id, secret, partner)
    changed = await client.patch(f"/v1/partners/{partner}", json={"locality": "Cali"}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    code, _, _ = await command(settings, "revoke-client", client_id)
    assert code == 0
    refused = await service.anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
    assert refused.status_code == 401


async def test_the_command_line_says_what_is_wrong(service: PartnersService, settings: PartnersSettings) -> None:
    nobody = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"
    code, told, wrong = await command(settings, "client", "create", "--partner", nobody, "--name", "Sistema")
    assert (code, told) == (1, "")
    assert nobody in wrong
    assert "Traceback" not in wrong


async def command(settings: PartnersSettings, *words: str) -> tuple[int | None, str, str]:
    """Exit code, output and complaints of `python -m services.partners …`."""
    assert settings.log_url is not None
    environment = {
        "INTERURBE_DATABASE_URL": settings.database_url.get_secret_value(),
        "INTERURBE_LOG_URL": settings.log_url.get_secret_value(),
        "INTERURBE_TRACES_DIR": str(settings.traces_dir),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.partners", *words, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, wrong = await process.communicate()
    return process.returncode, told.decode(), wrong.decode()
