"""A kill -9 of any process in the middle of story B, then a restart: the same result, and no mail lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.demo.ending import Ending
from deploy.embedded.demo.system import System
from deploy.embedded.stack import Stack
from tests.journeys.conftest import BUSES, new_stack, stories_on


@pytest.fixture(params=BUSES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """A stack of its own: it will suffer."""
    made = new_stack(tmp_path, str(request.param))
    made.start()
    yield made
    made.stop()


class Killer:
    """Kills one process after the other, each while a request of story B is on its way, and has it started again."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.left = ["partners", "initiatives", "notifications", "mailsink", "postgres", *(["kafka"] if stack.broker else [])]
        self.killed: list[str] = []
        self._working: threading.Thread | None = None

    def strike(self) -> None:
        """Begin to kill the next one, if the last is back."""
        if self._working is not None:
            self._working.join()
        if self.left:
            self._working = threading.Thread(target=self._kill, args=(self.left.pop(0),))
            self._working.start()

    def _kill(self, name: str) -> None:
        os.kill(self._pid(name), signal.SIGKILL)
        self.killed.append(name)
        while not self.stack.revive():
            threading.Event().wait(0.05)

    def _pid(self, name: str) -> int:
        if name == "postgres":
            assert self.stack.cluster.pid is not None
            return self.stack.cluster.pid
        if name == "kafka":
            assert self.stack.broker is not None
            assert self.stack.broker.pid is not None
            return self.stack.broker.pid
        pid = self.stack.children[name].pid
        assert pid is not None
        return pid

    def done(self) -> None:
        """Kill whoever is left, and wait until the last is back."""
        while self.left:
            self.strike()
        if self._working is not None:
            self._working.join()


class Struck(System):
    """A partner's system in whose requests the killer strikes: each time it is about to approve or sign."""

    killer: Killer

    def post(self, url: str, body: Mapping[str, Any], *, version: int | None = None) -> Any:
        """As ever, while something dies."""
        if url.endswith(("/approve", "/sign")):
            self.killer.strike()
        return super().post(url, body, version=version)


@pytest.mark.timeout(600)
def test_whoever_is_killed_in_the_middle_of_story_b_the_result_is_the_same(fresh: Stack, request: pytest.FixtureRequest) -> None:
    stories = stories_on(fresh, [])
    request.addfinalizer(stories.http.close)
    killer = Killer(fresh)
    stories.everybody_is_registered()
    stories.two_records_become_one()
    for key, system in list(stories.systems.items()):
        struck = Struck(system.name, system.client, system.secret, system.addresses, system.http)
        struck.killer = killer
        stories.systems[key] = struck
    stories.members_join(
        [("asocapitales", "bogota", "2012-01-01"), ("asocapitales", "medellin", "2012-01-01"), ("wego", "seoul", "2010-01-01")]
    )
    stories.people_subscribe()
    stories.the_memorandum_is_recorded()
    stories.a_workshop_is_scheduled()
    stories.the_alliances_are_signed()
    killer.done()
    assert len(killer.killed) == (6 if fresh.broker else 5)
    Ending(stories, fresh.var / "traces").check()
