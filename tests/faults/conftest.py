"""Fixtures of the fault rows, and the table of their results."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.faults.results import Result, write
from tests.faults.rows import ROWS
from tests.faults.trial import Outcome, Trial, new_trial
from tests.fixtures import tally
from tests.shared.conftest import database, neighbour, runtime_of, telemetry

__all__ = ["database", "neighbour", "runtime_of", "telemetry"]

BUSES = ["postgres", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.slow_fault])]
RESULTS = pytest.StashKey[list[Result]]()
TARGET = "INTERURBE_FAULT_RESULTS"
SLOW = "INTERURBE_SLOW_FAULTS"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the slow rows to `make faults`."""
    if os.environ.get(SLOW):
        return
    slow = [item for item in items if item.get_closest_marker("slow_fault")]
    items[:] = [item for item in items if item not in slow]
    config.hook.pytest_deselected(items=slow)


class Recorder:
    """Registered by itself, for rows name tests outside this folder too, and the hooks of a conftest.py hear of its own folder alone."""

    def __init__(self, results: list[Result]) -> None:
        self._results = results

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """One line for each test that is a row's, when its own part is over."""
        report = yield
        if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
            told = {"operations": tally.counted(), "bus": "kafka" if item.get_closest_marker("kafka") else None}
            self._results.append(Result(item.nodeid, report.outcome, call.duration, told | dict(item.user_properties)))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """What a test asks for is counted from here."""
        tally.begin()


def pytest_configure(config: pytest.Config) -> None:
    """An empty table, and who fills it."""
    results = config.stash.setdefault(RESULTS, [])
    config.pluginmanager.register(Recorder(results), "fault-results")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table where the environment says, if it does."""
    target = os.environ.get(TARGET)
    if target:
        results: list[Result] = session.config.stash[RESULTS]
        write(Path(target), ROWS, results)


@pytest.fixture(scope="module", params=BUSES)
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A product on which partners' systems work, shared by the rows of a module."""
    made = new_trial(tmp_path_factory.mktemp("trial"), str(request.param))
    yield made
    made.stories.http.close()
    made.stack.stop()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Keeps what a row showed for the table, and holds the row to its invariants."""
    return Tell(request.node)


class Tell:
    """Called with the outcome of a run, or with what an in-process row counted."""

    def __init__(self, node: pytest.Item) -> None:
        self._node = node
        self._began = time.monotonic()

    def __call__(self, outcome: Outcome, seed: int) -> None:
        """Every invariant must have been looked at, and hold."""
        self.counted(outcome.operations, outcome.report.words(), seed)
        assert outcome.report.broken == {}
        assert outcome.report.unseen == []

    def counted(self, operations: int, invariants: str, seed: int | None = None) -> None:
        """Operations, the invariants that were checked, and the seed."""
        self._node.user_properties += [("operations", operations), ("invariants", invariants), ("seed", "" if seed is None else seed)]
