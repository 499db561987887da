"""A membership is known to hold to the day to which it does: through its grace, not past its lapse, not while it is suspended."""

from datetime import date, timedelta

import pytest

from shared.db import new_id
from shared.events import (
    Event,
    MembershipEnded,
    MembershipEnteredGrace,
    MembershipLapsed,
    MembershipLapseWarned,
    MembershipRenewed,
    MembershipResumed,
    MembershipStarted,
    MembershipSuspended,
)
from tests.initiatives.conftest import InitiativesService

LAST, NEXT = date(2025, 12, 31), date(2026, 12, 31)
MEMBERSHIP, PARTNER, NETWORK = new_id(), new_id(), new_id()
WHO = {"membership": MEMBERSHIP, "partner": PARTNER, "network": NETWORK}
NAMED = WHO | {"partner_names": {"es": "Medellín"}, "network_names": {"es": "Asocapitales"}}
DAYS = {"valid_to": LAST, "lapses_on": LAST + timedelta(days=11)}

started = MembershipStarted(**WHO, role="member", valid_from=date(2020, 1, 1), valid_to=LAST)
warned, grace = MembershipLapseWarned.model_validate(NAMED | DAYS), MembershipEnteredGrace.model_validate(NAMED | DAYS)
lapsed = MembershipLapsed.model_validate(NAMED | {"valid_to": LAST, "lapsed_on": DAYS["lapses_on"]})
renewed = MembershipRenewed(
    **WHO, role="member", valid_from=date(2020, 1, 1), valid_to=NEXT, was_valid_to=LAST, lapses_on=NEXT + timedelta(days=11)
)
suspended = MembershipSuspended(**WHO, suspended_on=date(2025, 6, 1))
resumed = MembershipResumed.model_validate(WHO | {"valid_from": date(2020, 1, 1)} | DAYS)
opened = MembershipResumed.model_validate(WHO | {"valid_from": date(2020, 1, 1)})
ended = MembershipEnded(**WHO, valid_to=date(2025, 9, 30))
GRACE, SUSPENDED = LAST + timedelta(days=10), date(2025, 5, 31)


@pytest.mark.parametrize(
    ("facts", "last"),
    [
        ([warned], GRACE),
        ([grace], GRACE),
        ([warned, grace, lapsed], GRACE),
        ([warned, renewed], NEXT + timedelta(days=10)),
        ([warned, grace, lapsed, renewed], NEXT + timedelta(days=10)),
        ([suspended], SUSPENDED),
        ([suspended, warned], SUSPENDED),
        ([suspended, warned, lapsed], SUSPENDED),
        ([suspended, ended], SUSPENDED),
        ([suspended, resumed], GRACE),
        ([suspended, opened], None),
        ([suspended, lapsed, renewed], NEXT + timedelta(days=10)),
        ([warned, ended], date(2025, 9, 30)),
    ],
    ids=lambda said: ",".join(type(one).__name__ for one in said) if isinstance(said, list) else str(said),
)
async def test_its_last_day_is_the_one_to_which_it_holds(service: InitiativesService, facts: list[Event], last: date | None) -> None:
    for fact in [started, *facts]:
        service.neighbour.say(fact, MEMBERSHIP)
    heard = service.neighbour.take()
    await service.hear(heard)
    (kept,) = await service.rows("known_membership")
    assert kept["valid_to"] == last
    await service.hear(heard)
    assert await service.rows("known_membership") == [kept]
