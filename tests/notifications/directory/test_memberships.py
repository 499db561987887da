"""Of a membership is known that it holds to the day to which it does: through its grace, not past its lapse, not while it is suspended."""

from datetime import date

from shared.events import Event
from tests.fixtures.memberships import MEMBERSHIP, TO_WHICH_IT_HOLDS, started
from tests.notifications.conftest import NotificationsService


@TO_WHICH_IT_HOLDS
async def test_its_last_day_is_the_one_to_which_it_holds(service: NotificationsService, facts: list[Event], last: date | None) -> None:
    for fact in [started, *facts]:
        service.neighbours.say(fact, MEMBERSHIP)
    heard = service.neighbours.take()
    await service.hear(heard)
    (kept,) = await service.rows("known_membership")
    assert kept["valid_to"] == last
    await service.hear(heard)
    assert await service.rows("known_membership") == [kept]
