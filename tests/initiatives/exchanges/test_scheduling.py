"""Scheduling: entitled partners on the day of the exchange, or explicitly outside any agreement."""

from datetime import date
from typing import Any

import pytest

from shared.db import new_id
from shared.events import Visibility
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import cast_of, next_year

OUTSIDE: dict[str, Any] = {"agreement": None, "line": None, "outside_agreement": True, "outside_reason": "Visita de cortesía."}


async def test_an_exchange_says_when_it_is_and_why_its_partners_may_take_part(service: InitiativesService) -> None:
    cast = await cast_of(service)
    answer = await cast.schedule()
    shown = answer.json()
    assert (answer.status_code, answer.headers["ETag"], answer.headers["Location"]) == (201, '"1"', f"/v1/exchanges/{shown['id']}")
    year = next_year()
    assert (shown["starts_at"], shown["local_ends_at"]) == (f"{year}-03-04T14:00:00Z", f"{year}-03-04T12:30:00-05:00")
    assert (shown["state"], shown["visibility"], shown["ics_sequence"]) == ("scheduled", "public", 0)
    assert [guest["names"]["es"] for guest in shown["participants"]] == ["Medellín"]
    why = {one["partner"]: one for one in shown["because"]}
    assert why[cast.host]["path"]["via"] == "party"
    assert (why[cast.city]["path"]["party"], why[cast.city]["path"]["membership"]) == (cast.host, cast.membership)
    assert why[cast.city]["words"]["en"].startswith("Medellín may take part because it is a member of Asocapitales, which is party to")
    read = await service.client_of(cast.stranger).get(f"/v1/exchanges/{shown['id']}")
    assert (read.json(), read.headers["ETag"]) == (shown, '"1"')


async def test_scheduling_is_told_with_what_a_message_and_a_calendar_need(service: InitiativesService) -> None:
    cast = await cast_of(service)
    shown = await cast.scheduled()
    [fact] = await service.facts()
    assert (fact["type"], fact["subject"], fact["sequence"]) == ("org.interurbe.exchange.scheduled.v1", f"exchange/{shown['id']}", 1)
    about = fact["data"]["about"]
    assert about["hosts"] == [{"partner": cast.host, "names": {"es": "Asocapitales"}}]
    assert (about["ics_uid"], about["ics_sequence"]) == (shown["ics_uid"], 0)
    assert (about["agreement"], about["line"], about["outside_agreement"]) == (cast.agreement, "knowledge_exchange", False)
    assert fact["headers"]["ce_visibility"] == "public"
    assert set(fact["headers"]["ce_audience"].split(",")) == {cast.host, cast.city, cast.other}


async def test_a_repeated_request_schedules_once(service: InitiativesService) -> None:
    cast = await cast_of(service)
    client, key = service.client_of(cast.host), {"Idempotency-Key": "once"}
    answers = [await client.post("/v1/exchanges", json=cast.plan(), headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await service.facts()) == len(await service.rows("exchange")) == 1


async def test_who_is_not_entitled_is_named_with_what_is_missing(service: InitiativesService) -> None:
    cast = await cast_of(service)
    refusal = await cast.schedule(participants=[cast.city, cast.stranger])
    problem = refusal.json()
    assert (refusal.status_code, problem["code"]) == (409, "not-entitled")
    assert problem["detail"].startswith("Berlin may not take part under “Memorandum” (MOU-2024-0001) on")
    assert "neither a party (Asocapitales, WeGO) nor a member of a party" in problem["detail"]
    assert [one["partner"] for one in problem["missing"]] == [cast.stranger]
    assert "outside_agreement" in problem["fix"]
    assert await service.rows("exchange") == await service.facts() == []


async def test_who_leaves_the_network_may_come_up_to_its_last_day(service: InitiativesService) -> None:
    cast = await cast_of(service)
    service.neighbour.leaves(cast.membership, cast.city, cast.host, date(next_year(), 3, 4))
    await service.hear()
    await cast.scheduled()
    late = await cast.schedule(starts_at=f"{next_year()}-03-05T09:00", ends_at=f"{next_year()}-03-05T10:00")
    [missing] = late.json()["missing"]
    assert missing["missing"] == f"its membership of Asocapitales ends with {next_year()}-03-04"
    assert missing["fix"] == "Renew its membership of Asocapitales"


async def test_the_day_is_that_of_the_place_of_the_exchange(service: InitiativesService) -> None:
    cast = await cast_of(service, expires_on=date(next_year(), 3, 4))
    evening = {"starts_at": f"{next_year()}-03-04T22:00", "ends_at": f"{next_year()}-03-04T23:00"}
    assert (await cast.scheduled(**evening))["starts_at"] == f"{next_year()}-03-05T03:00:00Z"
    refusal = await cast.schedule(**evening, timezone="UTC")
    assert refusal.status_code == 201
    next_day = {"starts_at": f"{next_year()}-03-05T08:00", "ends_at": f"{next_year()}-03-05T09:00", "timezone": "Asia/Seoul"}
    late = await cast.schedule(**next_day)
    assert late.json()["missing"][0]["missing"] == f"the agreement ends with {next_year()}-03-04"


async def test_a_day_before_the_agreement_is_in_force_is_refused(service: InitiativesService) -> None:
    cast = await cast_of(service, effective_on=date(next_year(), 6, 1))
    problem = (await cast.schedule()).json()
    assert problem["missing"][0]["missing"] == f"the agreement comes into force on {next_year()}-06-01"
    assert len(problem["missing"]) == 2


@pytest.mark.parametrize("inherits", ["opt_in", "no"])
async def test_a_membership_that_passes_nothing_on_is_said_so(service: InitiativesService, inherits: str) -> None:
    cast = await cast_of(service)
    service.neighbour.joins(cast.stranger, cast.other, inherits=inherits)
    await service.hear()
    [missing] = (await cast.schedule(participants=[cast.stranger])).json()["missing"]
    assert missing["missing"] == f"its membership of WeGO does not pass the network's agreements on (inherits_agreements: {inherits})"


async def test_a_membership_that_came_to_pass_nothing_on_is_said_so(service: InitiativesService) -> None:
    cast = await cast_of(service)
    membership = service.neighbour.joins(cast.stranger, cast.other)
    service.neighbour.changes(membership, cast.stranger, cast.other, role="observer")
    await service.hear()
    [missing] = (await cast.schedule(participants=[cast.stranger])).json()["missing"]
    assert missing["missing"] == "its membership of WeGO passes nothing on (role: observer)"


async def test_outside_any_agreement_anybody_may_come_and_only_they_know(service: InitiativesService) -> None:
    cast = await cast_of(service)
    shown = await cast.scheduled(participants=[cast.stranger], **OUTSIDE)
    assert (shown["outside_agreement"], shown["outside_reason"], shown["because"]) == (True, "Visita de cortesía.", [])
    address = f"/v1/exchanges/{shown['id']}"
    seen = {who: (await service.client_of(who).get(address)).status_code for who in (cast.stranger, cast.city)}
    assert seen == {cast.stranger: 200, cast.city: 404}
    [fact] = await service.facts()
    assert (fact["headers"]["ce_visibility"], fact["data"]["about"]["outside_agreement"]) == ("parties", True)
    public = await cast.scheduled(visibility="public", **OUTSIDE)
    assert (await service.client_of(cast.stranger).get(f"/v1/exchanges/{public['id']}")).status_code == 200


async def test_an_exchange_is_as_visible_as_its_agreement(service: InitiativesService) -> None:
    cast = await cast_of(service, Visibility.PARTIES)
    shown = await cast.scheduled()
    for partner, status in ((cast.other, 200), (cast.city, 200), (cast.stranger, 404)):
        client = service.client_of(partner)
        assert (await client.get(f"/v1/exchanges/{shown['id']}")).status_code == status
        assert (await client.get(f"/v1/exchanges/{shown['id']}/calendar.ics")).status_code == status
        assert len((await client.get("/v1/exchanges")).json()["items"]) == (status == 200)
    assert (await service.client_with({}).get(f"/v1/exchanges/{shown['id']}/calendar.ics")).status_code == 404
    [fact] = await service.facts()
    assert fact["headers"]["ce_visibility"] == "parties"
    hidden = await cast.schedule(cast.city, hosts=[cast.city], participants=[])
    unknown = await cast.schedule(cast.city, hosts=[cast.city], participants=[], agreement=(other := new_id()))
    assert hidden.json()["code"] == unknown.json()["code"] == "unknown-agreement"
    assert hidden.json()["detail"].replace(cast.agreement, "") == unknown.json()["detail"].replace(other, "")


async def test_only_a_host_or_the_operator_schedules(service: InitiativesService) -> None:
    cast = await cast_of(service)
    refused = await cast.schedule(cast.city)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (403, "not-a-host", "/hosts")
    by_operator = await service.operator.post("/v1/exchanges", json=cast.plan())
    assert by_operator.status_code == 201
    only_reads = await service.client_of(cast.host, "read").post("/v1/exchanges", json=cast.plan())
    assert (only_reads.status_code, only_reads.json()["code"]) == (403, "insufficient-scope")


async def test_unknown_partners_and_agreements_are_named_and_the_view_may_be_behind(service: InitiativesService) -> None:
    cast = await cast_of(service)
    unknown = new_id()
    partner = (await cast.schedule(participants=[cast.city, unknown])).json()
    assert (partner["status"], partner["code"], partner["field"]) == (422, "unknown-partner", "/participants/1")
    assert partner["unknown"] == [unknown]
    assert "the newest is of 20" in partner["detail"]
    assert partner["heard_seconds_ago"] > 0
    agreement = (await cast.schedule(agreement=unknown)).json()
    assert (agreement["status"], agreement["code"], agreement["field"]) == (422, "unknown-agreement", "/agreement")
    assert agreement["heard_seconds_ago"] > 0


async def test_exchanges_are_found_by_period_partner_agreement_and_state(service: InitiativesService) -> None:
    cast = await cast_of(service)
    year = next_year()
    march, april = await cast.scheduled(), await cast.scheduled(starts_at=f"{year}-04-04T09:00", ends_at=f"{year}-04-05T09:00")
    lone = await cast.scheduled(participants=[], visibility="public", **OUTSIDE)
    await cast.change(lone, "cancel")
    client = service.client_of(cast.stranger)

    async def found(**asked: str) -> list[str]:
        answer = await client.get("/v1/exchanges", params=asked)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await found() == [*sorted([march["id"], lone["id"]]), april["id"]]
    assert await found(**{"from": f"{year}-04-05", "to": f"{year}-04-05"}) == [april["id"]]
    assert await found(**{"from": "0001-01-01", "to": "9999-12-31"}) == await found()
    assert await found(partner=cast.city) == await found(agreement=cast.agreement) == [march["id"], april["id"]]
    assert await found(state="cancelled") == [lone["id"]]
    assert await found(partner=cast.stranger) == []


async def test_pages_of_exchanges_hold_each_once(service: InitiativesService) -> None:
    cast = await cast_of(service)
    made = {(await cast.scheduled())["id"] for _ in range(5)}
    client, met, address = service.client_of(cast.host), [], "/v1/exchanges?limit=2"
    while address:
        answer = await client.get(address)
        met += [one["id"] for one in answer.json()["items"]]
        address = answer.links.get("next", {}).get("url", "")
    assert (len(met), set(met)) == (5, made)
    for forged in ("WyJ4IiwieSJd", "WyIyMDI3LTAxLTAxIiwiMDE5MzlmNmUtOGYxYS03YzNlLTliNTItMDAwMDAwMDAwMDAxIl0"):
        answer = await client.get("/v1/exchanges", params={"after": forged})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor")


async def test_the_calendar_file_of_a_public_exchange_opens_from_a_mail_without_a_token(service: InitiativesService) -> None:
    cast = await cast_of(service, Visibility.PUBLIC)
    shown = await cast.scheduled()
    answer = await service.client_with({}).get(f"/v1/exchanges/{shown['id']}/calendar.ics")
    assert answer.status_code == 200
    assert shown["ics_uid"] in answer.text
    forged = service.client_with({"Authorization": "Bearer forged"})
    assert (await forged.get(f"/v1/exchanges/{shown['id']}/calendar.ics")).status_code == 401
