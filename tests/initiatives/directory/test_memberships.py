"""A membership is known to hold to the day to which it does: through its grace, not past its lapse, not while it is suspended."""

from datetime import date

from shared.events import Event
from tests.fixtures.memberships import MEMBERSHIP, TO_WHICH_IT_HOLDS, started
from tests.initiatives.conftest import InitiativesService


@TO_WHICH_IT_HOLDS
async def test_its_last_day_is_the_one_to_which_it_holds(service: InitiativesService, facts: list[Event], last: date | None) -> None:
    for fact in [started, *facts]:
        service.neighbour.say(fact, MEMBERSHIP)
    heard = service.neighbour.take()
    await service.hear(heard)
    (kept,) = await service.rows("known_membership")
    assert kept["valid_to"] == last
    await service.hear(heard)
    assert await service.rows("known_membership") == [kept]
