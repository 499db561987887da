"""Moving and cancelling: a host does it, on the version it has seen, and everybody is told old and new."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import update

from services.initiatives.exchanges.models import Exchange
from shared.db import new_id
from shared.events import Visibility
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import Cast, cast_of, next_year


def later(**more: Any) -> dict[str, Any]:
    return {"starts_at": f"{next_year()}-03-11T10:00", "ends_at": f"{next_year()}-03-11T12:00"} | more


async def test_a_moved_exchange_keeps_its_zone_and_raises_its_sequence(service: InitiativesService) -> None:
    cast = await cast_of(service)
    before = await cast.scheduled()
    answer = await cast.change(before, "reschedule", **later(reason="Coincide con un festivo."))
    after = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert (after["starts_at"], after["timezone"]) == (f"{next_year()}-03-11T15:00:00Z", "America/Bogota")
    assert (after["ics_uid"], after["ics_sequence"], after["reason"]) == (before["ics_uid"], 1, "Coincide con un festivo.")
    abroad = (await cast.change(after, "reschedule", **later(timezone="Asia/Seoul"))).json()
    assert (abroad["starts_at"], abroad["timezone"], abroad["ics_sequence"]) == (f"{next_year()}-03-11T01:00:00Z", "Asia/Seoul", 2)


async def test_the_facts_of_an_exchange_are_numbered_and_say_old_and_new(service: InitiativesService) -> None:
    cast = await cast_of(service)
    before = await cast.scheduled()
    moved = (await cast.change(before, "reschedule", **later())).json()
    gone = (await cast.change(moved, "cancel", reason="La sede no está disponible.")).json()
    facts = await service.facts(f"exchange/{before['id']}")
    assert [fact["type"].split(".")[-2] for fact in facts] == ["scheduled", "rescheduled", "cancelled"]
    assert [fact["sequence"] for fact in facts] == [1, 2, 3]
    assert [fact["data"]["about"]["ics_sequence"] for fact in facts] == [0, 1, 2]
    assert facts[1]["data"]["previous"]["starts_at"] == before["starts_at"]
    assert facts[1]["data"]["about"]["starts_at"] == moved["starts_at"]
    assert facts[2]["data"]["reason"] == "La sede no está disponible."
    assert (gone["state"], gone["version"]) == ("cancelled", 3)
    assert len({fact["headers"]["ce_audience"] for fact in facts}) == 1


async def test_messages_say_the_names_partners_have_now(service: InitiativesService) -> None:
    cast = await cast_of(service)
    before = await cast.scheduled()
    service.neighbour.rename(cast.city, "Distrito de Medellín")
    await service.hear()
    moved = (await cast.change(before, "reschedule", **later())).json()
    fact = (await service.facts())[-1]
    assert fact["data"]["about"]["participants"][0]["names"] == moved["participants"][0]["names"] == {"es": "Distrito de Medellín"}


async def refusals(cast: Cast, exchange: dict[str, Any], **body: Any) -> set[tuple[int, str]]:
    return {
        ((answer := await cast.change(exchange, "reschedule", **later(**body))).status_code, answer.json()["code"]),
        ((answer := await cast.change(exchange, "cancel")).status_code, answer.json()["code"]),
    }


async def test_only_a_host_changes_it_and_a_stranger_does_not_learn_of_it(service: InitiativesService) -> None:
    cast = await cast_of(service, Visibility.PARTIES)
    exchange = await cast.scheduled()
    for verb, body in (("reschedule", later()), ("cancel", {})):
        guest = await cast.change(exchange, verb, cast.city, **body)
        assert (guest.status_code, guest.json()["code"]) == (403, "not-a-host")
        stranger = await cast.change(exchange, verb, cast.stranger, **body)
        nothing = await cast.change(exchange | {"id": (unknown := new_id())}, verb, cast.stranger, **body)
        assert stranger.status_code == nothing.status_code == 404
        assert stranger.json()["detail"].replace(exchange["id"], "") == nothing.json()["detail"].replace(unknown, "")


async def test_a_stale_or_missing_version_changes_nothing(service: InitiativesService) -> None:
    cast = await cast_of(service)
    exchange = await cast.scheduled()
    await cast.change(exchange, "reschedule", **later())
    assert await refusals(cast, exchange) == {(412, "stale")}
    client = service.client_of(cast.host)
    for verb, body in (("reschedule", later()), ("cancel", {})):
        answer = await client.post(f"/v1/exchanges/{exchange['id']}/{verb}", json=body | {"reason": "x"})
        assert (answer.status_code, answer.json()["code"]) == (428, "precondition-required")
    assert len(await service.facts()) == 2


async def test_what_is_over_stays_as_it_is(service: InitiativesService) -> None:
    cast = await cast_of(service)
    exchange = await cast.scheduled()
    gone = (await cast.change(exchange, "cancel")).json()
    assert await refusals(cast, gone) == {(409, "exchange-is-over")}
    past = await cast.scheduled()
    async with service.runtime.database.session() as session:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        await session.execute(update(Exchange.__table__).where(Exchange.id == past["id"]).values(starts_at=yesterday, ends_at=yesterday))  # type: ignore[arg-type]  # a table, as every model has
        await session.commit()
    assert await refusals(cast, past) == {(409, "exchange-is-over")}


async def test_the_same_times_are_no_move(service: InitiativesService) -> None:
    cast = await cast_of(service)
    exchange = await cast.scheduled()
    same = {name: cast.plan()[name] for name in ("starts_at", "ends_at")}
    answer = await cast.change(exchange, "reschedule", **same)
    assert (answer.status_code, answer.json()["field"]) == (422, "/starts_at")


async def test_partners_must_be_entitled_on_the_new_day_too(service: InitiativesService) -> None:
    cast = await cast_of(service)
    exchange = await cast.scheduled()
    service.neighbour.leaves(cast.membership, cast.city, cast.host, date(next_year(), 3, 10))
    await service.hear()
    still = (await service.client_of(cast.city).get(f"/v1/exchanges/{exchange['id']}")).json()
    assert still["because"] == exchange["because"]
    refused = await cast.change(exchange, "reschedule", **later())
    assert (refused.status_code, refused.json()["missing"][0]["partner"]) == (409, cast.city)
    earlier = {"starts_at": f"{next_year()}-03-09T09:00", "ends_at": f"{next_year()}-03-09T10:00"}
    moved = await cast.change(exchange, "reschedule", **earlier)
    assert moved.json()["because"][1]["path"]["until"] == f"{next_year()}-03-10"


async def test_a_host_that_is_no_party_moves_what_is_under_a_hidden_agreement(service: InitiativesService) -> None:
    cast = await cast_of(service, Visibility.PARTIES)
    exchange = await cast.scheduled(hosts=[cast.host, cast.city], participants=[])
    moved = await cast.change(exchange, "reschedule", cast.city, **later())
    assert moved.status_code == 200


async def test_two_changes_at_once_have_one_winner(service: InitiativesService) -> None:
    import asyncio  # noqa: PLC0415 - only here are two things done at once

    cast = await cast_of(service)
    exchange = await cast.scheduled()
    answers = await asyncio.gather(cast.change(exchange, "reschedule", **later()), cast.change(exchange, "cancel"))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert [fact["sequence"] for fact in await service.facts()] == [1, 2]
