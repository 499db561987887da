"""Who may take part is what the partners service says: in any order, from now on, and never back to what stands already."""

from datetime import date
from itertools import permutations
from typing import Any

from shared.events import LineTerms
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import Cast, cast_of, next_year


def later() -> dict[str, Any]:
    return {"starts_at": f"{next_year()}-03-11T10:00", "ends_at": f"{next_year()}-03-11T12:00"}


async def lacks(cast: Cast, **changes: Any) -> list[tuple[str, str]]:
    """What a refused plan says is missing, and what would help."""
    answer = await cast.schedule(**changes)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-entitled"), answer.text
    return [(one["missing"], one["fix"]) for one in answer.json()["missing"]]


async def test_who_left_the_network_is_not_invited_again_and_what_stands_stands(service: InitiativesService) -> None:
    cast = await cast_of(service)
    say, way = service.neighbour, (cast.membership, cast.city, cast.host)
    exchange = await cast.scheduled()
    say.entitle(cast.agreement, cast.city, way, held=False)
    await service.hear()
    assert await lacks(cast) == [("a membership on its way to the agreement is over", "Renew that membership")]
    say.leaves(cast.membership, cast.city, cast.host, date(2026, 1, 31))
    await service.hear()
    assert await lacks(cast) == [("its membership of Asocapitales ends with 2026-01-31", "Renew its membership of Asocapitales")]
    still = (await service.client_of(cast.city).get(f"/v1/exchanges/{exchange['id']}")).json()
    assert still == exchange
    moved = await cast.change(exchange, "reschedule", **later())
    assert (moved.status_code, moved.json()["code"]) == (409, "not-entitled")
    assert (await cast.change(exchange, "cancel")).status_code == 200


async def test_an_entitlement_may_be_heard_before_what_it_rests_upon(service: InitiativesService) -> None:
    for order in permutations(range(3)):
        say = service.neighbour
        host, other, city = say.partner("Red", "city_network"), say.partner("Otra"), say.partner("Cali")
        await service.hear()
        membership = say.joins(city, host)
        agreement = say.binds([host, other])
        say.entitle(agreement, city, (membership, city, host))
        joined, signed, *granted = say.take()
        facts = ([joined], [signed], granted)
        for each in order:
            await service.hear(facts[each])
        cast = Cast(service, host, other, city, city, membership, agreement)
        assert [one["path"]["membership"] for one in (await cast.scheduled())["because"]] == [None, membership]


async def test_the_last_day_of_a_network_above_ends_what_comes_through_it(service: InitiativesService) -> None:
    cast = await cast_of(service)
    say = service.neighbour
    region = say.partner("Región", "city_network")
    below, above = say.joins(cast.stranger, region), say.joins(region, cast.host)
    say.entitle(cast.agreement, cast.stranger, (below, cast.stranger, region), (above, region, cast.host))
    say.leaves(above, region, cast.host, date(next_year(), 3, 4))
    await service.hear()
    shown = await cast.scheduled(participants=[cast.stranger])
    assert "a member of Región → Asocapitales, which" in shown["because"][1]["words"]["en"]
    missing, _ = (await lacks(cast, participants=[cast.stranger], **later()))[0]
    assert missing == f"the membership of Región of Asocapitales ends with {next_year()}-03-04"


async def test_who_is_not_told_to_be_entitled_yet_is_said_so(service: InitiativesService) -> None:
    say = service.neighbour
    host, other = say.partner("A"), say.partner("B")
    agreement = say.sign([host, other])
    await service.hear()
    cast = Cast(service, host, other, other, other, "", agreement)
    words = "the agreement is not in force yet (it will be from 2024-07-12 on)"
    assert await lacks(cast) == [(words, "Schedule it once it is in force")] * 2
    say.enters_into_force(agreement, [host, other])
    await service.hear()
    assert await lacks(cast) == [("its entitlement is not known here yet", "Try again in a moment")] * 2
    for partner in (host, other):
        say.entitle(agreement, partner)
    await service.hear()
    await cast.scheduled()


async def test_an_entitlement_to_other_lines_does_not_help(service: InitiativesService) -> None:
    say = service.neighbour
    host, other = say.partner("A"), say.partner("B")
    agreement = say.sign([host, other], lines=(LineTerms(line="joint_projects"), LineTerms(line="knowledge_exchange")))
    for partner in (host, other):
        say.entitle(agreement, partner, lines=("joint_projects",))
    await service.hear()
    cast = Cast(service, host, other, other, other, "", agreement)
    await cast.scheduled(line="joint_projects")
    assert len(await lacks(cast)) == 2
