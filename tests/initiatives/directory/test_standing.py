"""Suspended and archived partners read and no longer act here either, and nobody names them in something new; what exists stays."""

from __future__ import annotations

import random
from typing import Any

import pytest

from services.initiatives.directory.handlers import HANDLERS
from services.initiatives.directory.models import VIEWS
from shared.applying import Application
from shared.db import new_id
from shared.events import Envelope, PartnerArchived, PartnerResumed, PartnerSuspended
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import Cast, cast_of, next_year
from tests.initiatives.neighbour import Neighbour

REASON = "Sin convenio desde enero."
OUTSIDE: dict[str, Any] = {"agreement": None, "line": None, "outside_agreement": True, "outside_reason": "Visita."}
MOVED = {"starts_at": f"{next_year()}-04-01T09:00", "ends_at": f"{next_year()}-04-01T10:00"}


def suspend(say: Neighbour, partner: str) -> Envelope:
    return say.say(PartnerSuspended(partner=partner, names={"es": "?"}, reason=REASON), partner)


def resume(say: Neighbour, partner: str) -> Envelope:
    return say.say(PartnerResumed(partner=partner, names={"es": "?"}), partner)


def archive(say: Neighbour, partner: str) -> Envelope:
    return say.say(PartnerArchived(partner=partner, names={"es": "?"}, reason=REASON), partner)


async def barred(cast: Cast, caller: str) -> bool:
    """Whether the caller is kept from every change, whatever else is wrong with it."""
    await cast.service.hear()
    answers = [await cast.schedule(caller), await cast.schedule(caller, kind="?")]
    codes = {answer.json()["code"] for answer in answers}
    return codes == {"partner-barred"}


@pytest.mark.parametrize(("told", "state"), [(suspend, "suspended"), (archive, "archived")])
async def test_its_clients_read_and_change_nothing(service: InitiativesService, told: Any, state: str) -> None:
    cast = await cast_of(service)
    exchange = await cast.scheduled()
    told(service.neighbour, cast.host)
    await service.hear()
    refused = [await cast.schedule(), await cast.change(exchange, "reschedule", **MOVED), await cast.change(exchange, "cancel")]
    for answer in refused:
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["state"], problem["reason"]) == (403, "partner-barred", state, REASON)
        assert problem["detail"] == f"Your partner is {state}: it may read, and change nothing."
    client = service.client_of(cast.host)
    reads = ("/v1/exchanges", f"/v1/exchanges/{exchange['id']}", f"/v1/exchanges/{exchange['id']}/calendar.ics", "/v1/commitments")
    assert [(await client.get(path)).status_code for path in reads] == [200] * len(reads)
    assert (await client.get(reads[1])).json() == exchange
    assert len(await service.facts()) == 1


async def test_a_resumed_partner_goes_on_and_its_refused_request_is_done_when_sent_again(service: InitiativesService) -> None:
    cast = await cast_of(service)
    suspend(service.neighbour, cast.host)
    await service.hear()
    client, key = service.client_of(cast.host), {"Idempotency-Key": "once"}
    assert (await client.post("/v1/exchanges", json=cast.plan(), headers=key)).status_code == 403
    resume(service.neighbour, cast.host)
    await service.hear()
    assert (await client.post("/v1/exchanges", json=cast.plan(), headers=key)).status_code == 201


@pytest.mark.parametrize(("told", "state"), [(suspend, "suspended"), (archive, "archived")])
@pytest.mark.parametrize("basis", [{}, OUTSIDE], ids=["under an agreement", "outside any"])
async def test_nobody_names_it_in_a_new_exchange(service: InitiativesService, told: Any, state: str, basis: dict[str, Any]) -> None:
    cast = await cast_of(service)
    told(service.neighbour, cast.other)
    await service.hear()
    for field, named in (("/hosts/1", {"hosts": [cast.host, cast.other]}), ("/participants/1", {"participants": [cast.city, cast.other]})):
        refused = await cast.schedule(None, **basis, **named)
        problem = refused.json()
        assert (refused.status_code, problem["code"], problem["field"]) == (409, "partner-not-active", field)
        assert (problem["partner"], problem["state"], problem["fix"]) == (cast.other, state, "Name an active partner.")
    operator = await service.operator.post("/v1/exchanges", json=cast.plan() | {"hosts": [cast.other]})
    assert operator.json()["code"] == "partner-not-active"
    assert await service.rows("exchange") == []
    await cast.scheduled(**basis)


async def test_of_many_the_first_field_is_named_and_a_stranger_before_it(service: InitiativesService) -> None:
    cast = await cast_of(service)
    for partner in (cast.city, cast.other):
        suspend(service.neighbour, partner)
    await service.hear()
    refused = await cast.schedule(participants=[cast.other, cast.city])
    assert (refused.json()["field"], refused.json()["partner"]) == ("/participants/0", cast.other)
    unknown = await cast.schedule(participants=[cast.other, new_id()])
    assert (unknown.json()["code"], unknown.json()["field"]) == ("unknown-partner", "/participants/1")


async def test_what_exists_stays_and_may_be_moved_and_cancelled_by_a_host_that_may_act(service: InitiativesService) -> None:
    cast = await cast_of(service)
    exchange = await cast.scheduled(hosts=[cast.host, cast.other])
    suspend(service.neighbour, cast.other)
    archive(service.neighbour, cast.city)
    await service.hear()
    moved = await cast.change(exchange, "reschedule", **MOVED)
    assert (moved.status_code, moved.json()["hosts"]) == (200, exchange["hosts"])
    assert moved.json()["participants"] == exchange["participants"]
    assert (await cast.change(moved.json(), "cancel")).status_code == 200


async def test_a_merged_id_counts_as_its_survivor(service: InitiativesService) -> None:
    cast = await cast_of(service)
    say = service.neighbour
    old = say.partner("C4IR Kyiv")
    say.merge(old, cast.other)
    suspend(say, cast.other)
    assert [await barred(cast, each) for each in (old, cast.other)] == [True, True]
    refused = await cast.schedule(participants=[old], **OUTSIDE)
    assert (refused.json()["code"], refused.json()["partner"]) == ("partner-not-active", old)
    say.undo_merge(old, cast.other, "C4IR Kyiv")
    assert [await barred(cast, each) for each in (old, cast.other)] == [False, True]
    await cast.scheduled(participants=[old], **OUTSIDE)


async def test_a_partner_suspended_before_it_was_merged_is_so_again_when_that_is_undone(service: InitiativesService) -> None:
    cast = await cast_of(service)
    say = service.neighbour
    old = say.partner("C4IR Kyiv")
    suspend(say, old)
    assert await barred(cast, old)
    say.merge(old, cast.other)
    assert not await barred(cast, old)
    await cast.scheduled(participants=[old], **OUTSIDE)
    say.undo_merge(old, cast.other, "C4IR Kyiv")
    assert await barred(cast, old)


async def test_a_partner_of_which_nothing_else_was_heard_is_barred(service: InitiativesService) -> None:
    cast = await cast_of(service)
    strange = new_id()
    suspend(service.neighbour, strange)
    assert await barred(cast, strange)


@pytest.mark.parametrize("seed", range(3))
async def test_the_news_twice_in_any_order_and_a_rebuild_come_to_the_same(service: InitiativesService, seed: int) -> None:
    say = service.neighbour
    partners = [say.partner(name) for name in "ABC"]
    for partner, deeds in zip(partners, ((suspend, resume, suspend), (suspend, resume), (suspend, archive)), strict=True):
        for deed in deeds:
            deed(say, partner)
    facts = say.take()
    mixed = [*facts, *facts]
    random.Random(seed).shuffle(mixed)
    for fact in mixed:
        await service.hear([fact])
    heard = await service.rows("partner_standing")
    assert {row["id"]: row["state"] for row in heard} == dict(zip(partners, ("suspended", "active", "archived"), strict=True))
    await Application("initiatives.directory", service.runtime, HANDLERS).empty([view.__tablename__ for view in VIEWS])
    assert await service.rows("partner_standing") == []
    await service.hear(facts)
    assert await service.rows("partner_standing") == heard
