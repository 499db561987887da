"""What partners for trying out do together is marked here too, and shown to them alone."""

from __future__ import annotations

from typing import Any

from shared.events import CommitmentTerms, PartnerRegistered
from shared.sandbox import sandbox_id
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import Cast, cast_of
from tests.initiatives.neighbour import line, profile

OUTSIDE: dict[str, Any] = {"agreement": None, "line": None, "outside_agreement": True, "outside_reason": "Prueba.", "visibility": "public"}


async def of_the_sandbox(service: InitiativesService, name: str) -> str:
    partner = sandbox_id()
    service.neighbour.names[partner] = {"es": name}
    service.neighbour.say(PartnerRegistered(partner=partner, profile=profile(name)), partner)
    await service.hear()
    return partner


async def pretended(service: InitiativesService) -> tuple[Cast, str, str]:
    return await cast_of(service), await of_the_sandbox(service, "Ciudad de Prueba"), await of_the_sandbox(service, "Otra de Prueba")


async def test_an_exchange_of_the_sandbox_is_marked_and_public_there_alone(service: InitiativesService) -> None:
    cast, host, guest = await pretended(service)
    answer = await cast.schedule(host, hosts=[host], participants=[guest], **OUTSIDE)
    assert (answer.status_code, answer.headers["interurbe-sandbox"]) == (201, "true"), answer.text
    assert (await cast.change(answer.json(), "cancel", host)).status_code == 200
    assert [fact["headers"]["ce_sandbox"] for fact in await service.facts()] == ["true", "true"]
    path = f"/v1/exchanges/{answer.json()['id']}"
    tester = service.client_of(await of_the_sandbox(service, "Tercera de Prueba"))
    assert [(await who.get(path)).status_code for who in (service.client_of(cast.city), tester)] == [404, 200]
    assert (await service.client_of(cast.city).get("/v1/exchanges")).json()["items"] == []


async def test_the_commitments_of_an_agreement_of_the_sandbox_are_marked_and_both_are_public_there_alone(
    service: InitiativesService,
) -> None:
    cast, host, guest = await pretended(service)
    promised = CommitmentTerms(id="c1", giver=host, receiver=guest, statement={"es": "Presentar algo."})
    agreement = service.neighbour.sign([host, guest], lines=(line("knowledge_exchange", promised),))
    await service.hear()
    assert [(fact["type"], fact["headers"]["ce_sandbox"]) for fact in await service.facts()] == [
        ("org.interurbe.commitment.planned.v1", "true")
    ]
    for path, key in ((f"/v1/directory/agreements/{agreement}", "id"), (f"/v1/commitments?agreement={agreement}", "items")):
        shown = [(await service.client_of(who).get(path)).json().get(key) for who in (host, sandbox_id(), cast.city)]
        assert shown[0]
        assert shown[0] == shown[1]
        assert not shown[2]


async def test_real_partners_are_not_drawn_into_it_and_it_not_into_real_agreements(service: InitiativesService) -> None:
    cast, host, _ = await pretended(service)
    mixed = await cast.schedule(host, hosts=[host], participants=[cast.city], **OUTSIDE)
    assert (mixed.status_code, mixed.json()["code"]) == (422, "sandbox-and-real")
    under = await cast.schedule(host, hosts=[host], participants=[])
    assert (under.status_code, under.json()["code"]) == (409, "not-entitled")


async def test_what_is_real_carries_no_mark(service: InitiativesService) -> None:
    cast = await cast_of(service)
    answer = await cast.schedule()
    assert "interurbe-sandbox" not in answer.headers
    assert {fact["headers"].get("ce_sandbox") for fact in await service.facts()} == {None}
