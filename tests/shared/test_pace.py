"""A long backlog gives way to whoever writes, unless that would never end."""

from __future__ import annotations

from shared.db import Database
from shared.loop import Wake
from shared.pace import BATCH, PORTION, Pace
from shared.relay import Relay
from tests.shared.boundary import Tollgate
from tests.shared.ledger import backlog
from tests.shared.test_relay import log_of, sequences
from tests.shared.test_relay_order import drain

AN_HOUR = 3600.0


async def test_nobody_writes_so_a_backlog_goes_as_fast_as_it_can(database: Database, relay: Relay, gate: Tollgate) -> None:
    await backlog(database, 2 * BATCH, subjects=10)
    await relay.step()
    assert gate.sends[0] == BATCH


async def test_while_somebody_writes_a_backlog_goes_in_small_portions_and_still_in_order(
    database: Database, relay: Relay, gate: Tollgate
) -> None:
    await backlog(database, 2 * BATCH, subjects=10)
    relay.wake.rung_at = float("inf")
    await drain(relay, database)
    assert gate.sends[0] == PORTION
    numbers = sequences(await log_of(gate), "partner/copy7")
    assert numbers == list(range(1, 2 * BATCH // 10 + 1))


def test_somebody_who_stopped_writing_is_not_waited_for() -> None:
    wake = Wake()
    pace = Pace(wake)
    found = [pace.gives_way]
    wake.set()
    found.append(pace.gives_way)
    wake.rung_at -= AN_HOUR
    found.append(pace.gives_way)
    assert found == [False, True, False]


def test_a_backlog_that_grows_although_it_is_worked_on_is_not_rested_on() -> None:
    pace = _disturbed(compare_seconds=0.0)
    told = [10_000, 20_000, 15_000]
    seen = []
    for length in told:
        pace.begin(length)
        seen.append((pace.gives_way, pace.portion))
    assert seen == [(True, PORTION), (False, BATCH), (True, PORTION)]


async def test_a_backlog_that_begins_anew_is_not_taken_for_one_that_grew() -> None:
    pace = _disturbed(compare_seconds=0.0)
    pace.begin(1)
    await pace.rest(1)
    pace.begin(100_000)
    assert pace.gives_way


async def test_a_far_bus_is_given_more_at_once_instead_of_a_little_every_journey() -> None:
    pace = _disturbed()
    for expected in (2 * PORTION, 4 * PORTION):
        pace.begin(BATCH)
        pace._began -= AN_HOUR
        await pace.rest(PORTION)
        assert pace.portion == expected
    pace.begin(BATCH)
    pace._used -= AN_HOUR
    await pace.rest(PORTION)
    assert pace.portion == 2 * PORTION


def _disturbed(**settings: float) -> Pace:
    """The pace of a relay beside somebody who writes without end."""
    wake = Wake()
    wake.rung_at = float("inf")
    return Pace(wake, **settings)
