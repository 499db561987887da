"""A membership is known to hold to the day to which it does: through its grace, not past its lapse, not while it is suspended.

And it is known as what it is.
"""

from datetime import date

from shared.events import Event
from tests.fixtures.memberships import MEMBERSHIP, NETWORK, PARTNER, TO_WHICH_IT_HOLDS, started, warned
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


async def test_it_is_known_as_it_was_changed_last_and_to_the_same_day(service: InitiativesService) -> None:
    say = service.neighbour
    say.names |= {PARTNER: {"es": "Medellín"}, NETWORK: {"es": "Asocapitales"}}
    say.say(started, MEMBERSHIP)
    say.say(warned, MEMBERSHIP)
    (before,) = await _known(service)
    for role, inherits in (("host", "opt_in"), ("observer", "opt_in"), ("observer", "no")):
        say.changes(MEMBERSHIP, PARTNER, NETWORK, role, inherits)
        assert await _known(service) == [before | {"role": role, "inherits_agreements": inherits}]
    await service.hear(say.said)
    assert await _known(service) == [before | {"role": "observer", "inherits_agreements": "no"}]


async def _known(service: InitiativesService) -> list[dict[str, object]]:
    await service.hear()
    return [dict(row) for row in await service.rows("known_membership")]
