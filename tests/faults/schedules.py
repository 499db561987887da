"""Random schedules: commands and faults in any order over a running product, drawn by Hypothesis, judged by the checker."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.control import current_build_context
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.faults.play import PLACES, Play
from tests.faults.trial import Outcome, Trial, new_trial

WORN_AFTER = 12
"""So many schedules are played on one product; its history only grows, and a partner has at most fifty other names."""

PATIENCE = {"INTERURBE_SMTP_TIMEOUT_SECONDS": "3", "INTERURBE_MAIL_LEASE_SECONDS": "4", "INTERURBE_RELAY_LEASE_SECONDS": "5"}
"""Less than usual, so that a second attempt is not waited for: the order of things is the same."""

SEEDS = st.integers(1, 999)
A_FEW = st.integers(0, 12)


class Ground:
    """The products that schedules are played on, one after another: one serves many, until it is worn or spoilt by a failure.

    ``until`` is when time is up: what is drawn later is not played, unless it is a failure played for the last time.
    """

    def __init__(self, directory: Path, bus: str, until: float = float("inf")) -> None:
        self.bus, self.until = bus, until
        self.played = self.operations = 0
        self.last: Outcome | None = None
        self._directory = directory
        self._trial: Trial | None = None
        self._since = self._products = 0

    def trial(self) -> Trial:
        """A sound product."""
        if self._since >= WORN_AFTER:
            self.leave()
        if self._trial is None:
            self._products += 1
            self._trial = new_trial(self._directory / f"{self.bus}-{self._products}", self.bus, PATIENCE)
            self._since = 0
        self._since += 1
        return self._trial

    def leave(self) -> None:
        """Stop the product; its logs and data stay."""
        trial, self._trial = self._trial, None
        if trial is not None:
            trial.stories.http.close()
            trial.stack.stop()


class Schedule(RuleBasedStateMachine):
    """One schedule: clients begin to work, then as many steps as the settings say, then everything is mended and judged."""

    ground: ClassVar[Ground]
    number: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self._idle = time.monotonic() > self.ground.until and not current_build_context().is_final
        self._failed = False
        self._began = time.monotonic()
        self.play: Play | None = None

    @initialize(number=SEEDS, answered=A_FEW)
    def clients_begin(self, number: int, answered: int) -> None:
        """Something to lose."""
        if self._idle:
            return
        self.play = Play(self.ground.trial())
        self._do(lambda play: play.work(number, answered))

    @rule(answered=A_FEW)
    def wait(self, answered: int) -> None:
        """Nothing goes wrong for a moment."""
        self._do(lambda play: play.wait(answered))

    @rule(number=SEEDS, answered=A_FEW)
    def work(self, number: int, answered: int) -> None:
        """More clients, more to lose."""
        self._do(lambda play: play.work(number, answered))

    @precondition(lambda self: self.someone)
    @rule(name=st.runner().flatmap(lambda self: st.sampled_from(self.awake)))
    def kill(self, name: str) -> None:
        """A service dies."""
        self._do(lambda play: play.kill(name))

    @precondition(lambda self: self.someone)
    @rule(name=st.runner().flatmap(lambda self: st.sampled_from(self.awake)))
    def freeze(self, name: str) -> None:
        """A service stands still."""
        self._do(lambda play: play.freeze(name))

    @precondition(lambda self: self.play is not None and self.play.still())
    @rule(name=st.runner().flatmap(lambda self: st.sampled_from(self.play.still())))
    def thaw(self, name: str) -> None:
        """It goes on."""
        self._do(lambda play: play.thaw(name))

    @precondition(lambda self: self.play is not None and self.play.movable())
    @rule(name=st.runner().flatmap(lambda self: st.sampled_from(self.play.movable())))
    def restart(self, name: str) -> None:
        """A service is started (again)."""
        self._do(lambda play: play.restart(name))

    @precondition(lambda self: self.play is not None and self.play.movable())
    @rule(where=st.runner().flatmap(lambda self: _places(self.play.movable())), passing=st.integers(1, 6))
    def arm(self, where: tuple[str, str], passing: int) -> None:
        """A service will end itself at the worst moment."""
        self._do(lambda play: play.arm(*where, passing))

    @precondition(lambda self: self.play is not None and self.play.running())
    @rule()
    def kill_postgres(self) -> None:
        """The database dies."""
        self._do(lambda play: play.kill_postgres())

    @precondition(lambda self: self.play is not None and self.play.running())
    @rule()
    def cut_connections(self) -> None:
        """Every connection is cut."""
        self._do(lambda play: play.cut_connections())

    @precondition(lambda self: self.play is not None and self.play.running() and self.play.has_bus())
    @rule()
    def lose_bus(self) -> None:
        """The bus goes away."""
        self._do(lambda play: play.lose_bus())

    @precondition(lambda self: self.play is not None and self.play.has_mail())
    @rule(how=st.sampled_from(["kill_mail", "silence_mail"]))
    def lose_mail(self, how: str) -> None:
        """The mail server dies, or says nothing."""
        self._do(lambda play: getattr(play, how)())

    @precondition(lambda self: self.play is not None and len(self.play.steps) > 2)
    @rule()
    def mend(self) -> None:
        """All is well for a moment."""
        self._do(lambda play: play.mend())

    @property
    def awake(self) -> list[str]:
        """The services that run and are not frozen."""
        return self.play.awake() if self.play is not None else []

    @property
    def someone(self) -> bool:
        """Whether there is any."""
        return bool(self.awake)

    def teardown(self) -> None:
        """Judge, unless a step has failed already."""
        if self.play is None or self._failed:
            return
        outcomes: list[Outcome] = []
        self._do(lambda play: outcomes.append(play.end()))
        self.ground.last = outcome = outcomes[0]
        self.ground.played += 1
        self.ground.operations += outcome.operations
        self._say("ok" if not outcome.report.broken else f"BROKEN {outcome.report.broken}")
        if outcome.report.broken:
            self._fail()
        assert outcome.report.broken == {}

    def _do(self, step: Callable[[Play], Any]) -> None:
        if self.play is None:
            return
        try:
            step(self.play)
        except BaseException as error:
            self._say(f"FAILED {type(error).__name__}: {error}")
            self._fail()
            raise

    def _fail(self) -> None:
        """Say what was played, ready to become a row of its own, and never use this product again."""
        assert self.play is not None
        self._failed = True
        lines = "\n".join(f"    {step}" for step in self.play.steps)
        say(f"seed {self.number}, on {self.ground.bus}, in {self.play.trial.stack.var}:\n    play = Play(trial)\n{lines}\n")
        self.ground.leave()

    def _say(self, end: str) -> None:
        assert self.play is not None
        took = time.monotonic() - self._began
        say(f"{self.ground.bus} {self.ground.played} (seed {self.number}, {took:.0f} s): {'; '.join(self.play.words)}: {end}")


def _places(services: list[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.sampled_from([(name, place) for name in services for place in PLACES[name]])


def play(ground: Ground, number: int, *, schedules: int, steps: int) -> None:
    """Play so many schedules of so many steps, drawn from a seed; raises what the checker found, with the shortest steps to it."""
    machine = type("Schedule", (Schedule,), {"ground": ground, "number": number})
    chosen = settings(
        max_examples=schedules,
        stateful_step_count=steps,
        deadline=None,
        derandomize=False,  # it is drawn from the seed
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(machine), settings=chosen)


def play_for(ground: Ground, first: int | None, *, schedules: int, steps: int) -> None:
    """Play from one seed after another until time is up."""
    chance = random.SystemRandom()
    number = first
    while time.monotonic() < ground.until:
        play(ground, chance.randrange(2**32) if number is None else number, schedules=schedules, steps=steps)
        number = None


def say(words: str) -> None:
    """Tell whoever watches, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
