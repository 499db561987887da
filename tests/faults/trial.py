"""One run of the workload on a real product while something goes wrong, and its report."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.addresses import Ports
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses
from deploy.embedded.readiness import not_ready, wait_until_ready
from deploy.embedded.stack import Stack
from deploy.ports import free_port
from tests.faults.gathering import gather, handles, settle
from tests.faults.history import Command, History, Report
from tests.faults.invariants import check
from tests.faults.workload import Workload

SETTLE_SECONDS = 90.0


@dataclass(slots=True)
class Outcome:
    """What a row showed: the report, how many commands were sent, and what the history was."""

    report: Report
    operations: int
    history: History


@dataclass(slots=True)
class Trial:
    """A stack with partners and subscribers on it; ``commands`` are those of every run so far, for the history is never cut."""

    stack: Stack
    stories: Stories
    commands: list[Command] = field(default_factory=list)

    def run(self, fault: Callable[[Trial, Workload], None], *, seed: int, rounds: int = 2, after: int = 6) -> Outcome:
        """Let clients work, do ``fault`` once ``after`` commands were answered, let them finish, come to rest, compare everything."""
        before = handles(self.stack)
        work = Workload(self.stories, rounds=rounds, seed=seed)
        work.start()
        try:
            work.reached(after)
            fault(self, work)
        finally:
            work.finish()
            self.revive()
        self.commands += work.commands
        quiet = settle(self.stack, SETTLE_SECONDS)
        after_it = handles(self.stack)
        lived = {name: (fds, after_it[name][1]) for name, (pid, fds) in before.items() if after_it.get(name, (0, 0))[0] == pid}
        history = gather(self.stack, self.stories, History(list(self.commands), quiet=quiet, handles=lived))
        return Outcome(check(history), len(work.commands), history)

    def step_by_step(self, *faults: Callable[[], None]) -> Callable[[Trial, Workload], None]:
        """A fault that is done piece by piece, each after a few more commands were answered."""

        def fault(trial: Trial, work: Workload) -> None:
            for piece in faults:
                piece()
                work.reached(len(work.commands) + 2, seconds=30)

        return fault

    def arm(self, name: str, places: str) -> None:
        """Start a service again so that it ends itself at a place (see `shared.crash`)."""
        child = self.stack.children[name]
        child._environment["INTERURBE_CRASH"] = places
        child.stop()
        child.start()
        del child._environment["INTERURBE_CRASH"]
        until(lambda: not_ready(self.stack.ports.url(name)) is None or child.died, f"{name} to be ready")

    def fallen(self, name: str, seconds: float = 60.0) -> None:
        """Wait until a service has ended itself."""
        until(lambda: self.stack.children[name].died, f"{name} to end at its crash point", seconds)
        process = self.stack.children[name]._process
        assert process is not None
        assert process.returncode == -signal.SIGKILL

    def kill(self, name: str) -> None:
        """Kill -9 of a service."""
        self.stack.children[name].kill()

    def kill_postgres(self) -> None:
        """Kill -9 of the postmaster."""
        self.stack.cluster.kill()

    def revive(self) -> None:
        """Start what died, and wait until all are ready."""
        for name in self.stack.revive():
            if name in self.stack._services:
                wait_until_ready(self.stack.children[name], self.stack.ports.url(name))


def until(look: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until it is so; raises AssertionError naming what was waited for in vain."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}, in vain"
        threading.Event().wait(0.05)


def new_trial(directory: Path, bus: str) -> Trial:
    """A product of its own on free ports, with partners, their clients, and mailboxes that confirmed."""
    names = ("partners", "initiatives", "notifications", "postgres", "kafka", "kafka_controller", "smtp", "mail")
    stack = Stack(directory, bus=bus, ports=Ports(**{name: free_port() for name in names}))
    stack.start()
    try:
        addresses = Addresses(*(stack.ports.url(name) for name in ("partners", "initiatives", "notifications", "mail")))
        stories = Stories(addresses, stack.bootstrap_secret, stack.var / "secrets" / "demo.json", lambda _: None)
        stories.everybody_is_registered()
        settle(stack)  # a mailbox can only follow a partner that is known there
        stories.people_subscribe()
        settle(stack)
    except BaseException:  # whatever ends the preparation stops what was started; raised again
        stack.stop()
        raise
    return Trial(stack, stories)
