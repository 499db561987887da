"""Random schedules of commands and faults on the whole product, and the rows that came of those that failed once.

By itself a short one of a fixed seed is played. `make faults-long MINUTES=10` plays others for that time, half of it on each bus,
and says each with its seed: `make faults-long ARGS=--hypothesis-seed=SEED` begins with that one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import BUSES, Tell
from tests.faults.play import Play
from tests.faults.schedules import PATIENCE, Ground, play, play_for
from tests.faults.trial import Trial, new_trial

MINUTES = float(os.environ.get("INTERURBE_SCHEDULE_MINUTES", "0"))
FIXED_SEED = 20260301

pytestmark = [pytest.mark.timeout(900 + 60 * MINUTES), pytest.mark.slow_fault]  # the whole product, for as long as was asked for


@pytest.fixture(params=BUSES)
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Where schedules are played, on each bus."""
    made = Ground(tmp_path, str(request.param), time.monotonic() + 30 * MINUTES if MINUTES else float("inf"))
    yield made
    made.leave()


@pytest.fixture(scope="module", params=BUSES)
def quick(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A product of little patience, shared by the rows that schedules left behind."""
    made = new_trial(tmp_path_factory.mktemp("quick"), str(request.param), PATIENCE)
    yield made
    made.stories.http.close()
    made.stack.stop()


def test_whatever_goes_wrong_in_whatever_order_nothing_is_lost_or_done_twice(
    ground: Ground, tell: Tell, request: pytest.FixtureRequest
) -> None:
    given = request.config.getoption("--hypothesis-seed")
    if MINUTES:
        play_for(ground, int(given) if given else None, schedules=8, steps=7)
    else:
        play(ground, int(given or FIXED_SEED), schedules=3, steps=5)
    assert ground.last is not None
    tell.counted(ground.operations, ground.last.report.words(), int(given or FIXED_SEED))


def test_a_process_that_is_starting_while_the_database_is_gone_may_be_silent_until_it_has_answered(quick: Trial, tell: Tell) -> None:
    """Seed 2409602652: the checker called it a lie that nobody listened on the port of a process that had just been started."""
    play = Play(quick)
    play.work(166, 5)
    play.freeze("initiatives")
    play.restart("partners")
    play.kill_postgres()
    play.wait(2)
    play.silence_mail()
    play.freeze("notifications")
    tell(play.end(), 166)


def test_an_answer_that_is_cut_off_by_a_kill_is_no_lie(quick: Trial, tell: Tell) -> None:
    """Seed 3074633731: asked in the moment in which it was killed, while the bus was gone, a service said nothing."""
    play = Play(quick)
    play.work(800, 4)
    play.kill("initiatives")
    play.work(861, 12)
    play.lose_bus()
    play.arm("partners", "relay.before_mark", 3)
    play.kill("notifications")
    play.kill_postgres()
    tell(play.end(), 800)
