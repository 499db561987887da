"""One run of the workload on a real product while something goes wrong, and its report."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from deploy.embedded.addresses import Ports
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses
from deploy.embedded.readiness import not_ready, wait_until_ready
from deploy.embedded.stack import Stack
from deploy.ports import answers, free_port
from tests.faults.footprint import SERVICES, Before
from tests.faults.gathering import gather, mails, settle
from tests.faults.history import BRIEF, Command, History, Mail, Report
from tests.faults.invariants import check
from tests.faults.watching import Watch
from tests.faults.workload import Workload

SETTLE_SECONDS = 90.0


@dataclass(slots=True)
class Outcome:
    """What a row showed: the report, how many commands were sent, and what the history was."""

    report: Report
    operations: int
    history: History


BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND usename <> 'postgres' AND pid <> pg_backend_pid()
"""
LOG_GOES = f"ALTER DATABASE log ALLOW_CONNECTIONS false;\n{BACKENDS.strip()} AND datname = 'log';"
LOG_COMES = "ALTER DATABASE log ALLOW_CONNECTIONS true;"


@dataclass(slots=True)
class Trial:
    """A stack with partners and subscribers on it; ``commands`` are those of every run so far, for the history is never cut.

    While something is wrong, ``watch`` asks the services how they are.
    """

    stack: Stack
    stories: Stories
    watch: Watch
    commands: list[Command] = field(default_factory=list)
    _down: list[str] = field(default_factory=list)

    def run(self, fault: Callable[[Trial, Workload], None], *, seed: int, rounds: int = 2, after: int = 6) -> Outcome:
        """Let clients work, do ``fault`` once ``after`` commands were answered, let them finish, come to rest, compare everything."""
        before = Before.of(self.stack)
        work = Workload(self.stories, rounds=rounds, seed=seed)
        work.start()
        try:
            work.reached(after)
            fault(self, work)
        finally:
            work.finish()
            self.revive()
        return self.judged([work], before)

    def judged(self, works: Sequence[Workload], before: Before) -> Outcome:
        """Come to rest and compare everything there is; ``before`` is what was held and done when it all began."""
        done = [command for work in works for command in work.commands]
        self.commands += done
        assert [command for command in done if '"status": 422' in command.why] == [], "commands of a wrong shape prove nothing"
        quiet = settle(self.stack, SETTLE_SECONDS)
        held, moved = before.compared(self.stack)
        history = History(list(self.commands), quiet=quiet, handles=held, metrics=moved, ordeals=self.watch.take())
        return Outcome(check(gather(self.stack, self.stories, history)), len(done), history)

    def step_by_step(self, *faults: Callable[[], None]) -> Callable[[Trial, Workload], None]:
        """A fault that is done piece by piece, each after a few more commands were answered."""

        def fault(trial: Trial, work: Workload) -> None:
            for piece in faults:
                piece()
                work.reached(len(work.commands) + 2, seconds=30)

        return fault

    def arm(self, name: str, places: str) -> None:
        """Start a service again so that it ends itself at a place (see `shared.crash`), and wait until it is ready or has done so."""
        self.start(name, crash=places)
        child = self.stack.children[name]
        until(lambda: not_ready(self.stack.ports.url(name)) is None or child.died, f"{name} to be ready")

    def start(self, name: str, *, crash: str = "") -> None:
        """Start a service, ended in good order first if it runs, and do not wait for it."""
        self._over(*(what for what in self._down if what.startswith(f"{name} ")))
        self.watch.leaves(name)
        child = self.stack.children[name]
        child.stop()
        child._environment["INTERURBE_CRASH"] = crash
        child.start()
        del child._environment["INTERURBE_CRASH"]
        if not crash:
            self.watch.back(name)

    def fallen(self, name: str, seconds: float = 60.0) -> None:
        """Wait until a service has ended itself."""
        until(lambda: self.stack.children[name].died, f"{name} to end at its crash point", seconds)
        process = self.stack.children[name]._process
        assert process is not None
        assert process.returncode == -signal.SIGKILL
        self._lost(f"{name} had ended itself", name)

    def kill(self, name: str) -> None:
        """Kill -9 of a service."""
        self.watch.leaves(name)  # first: an answer that is cut off by this is no lie
        self.stack.children[name].kill()
        self._lost(f"{name} was killed", name)

    def stop(self, name: str) -> None:
        """Have a service end in good order."""
        self.watch.leaves(name)
        self.stack.children[name].stop()
        self._lost(f"{name} was stopped", name)

    def restart(self, name: str) -> None:
        """Have a service end in good order, start it again and wait until it is ready."""
        self.stop(name)
        self.start(name)
        wait_until_ready(self.stack.children[name], self.stack.ports.url(name))

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Services that say and do nothing (SIGSTOP) as long as the block lasts."""
        pids = [pid for name in names if (pid := self.stack.children[name].pid) is not None]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            with self.watch.lasting(f"{' and '.join(names)} were frozen", names):
                yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def kill_postgres(self) -> None:
        """Kill -9 of the postmaster; whatever its children still do is waited for."""
        self.stack.cluster.kill()
        until(lambda: not answers(self.stack.ports.postgres), "PostgreSQL to be gone")
        self._lost("PostgreSQL was gone", *SERVICES, check="database")

    def cut_connections(self) -> None:
        """End every connection to PostgreSQL; whoever is asked next answers, and says why if it is not ready."""
        assert self.stack.cluster.sql(BACKENDS).split().count("t"), "there was no connection to cut"
        with self.watch.lasting("every connection had been cut", SERVICES, BRIEF):
            pass

    def lose_bus(self) -> None:
        """Kill -9 of the broker, or no way to the database that holds the log."""
        if self.stack.broker is not None:
            self.stack.broker.kill()
        else:
            self.stack.cluster.sql(LOG_GOES)
        self._lost("the bus was gone", *SERVICES, check="bus")

    def revive(self) -> None:
        """Start what died, and wait until all are ready."""
        self._over(*self._down)
        names = self.stack.revive()
        self.watch.back(*SERVICES)
        if self.stack.broker is None:
            self.stack.cluster.sql(LOG_COMES)
        for name in names:
            if name in self.stack._services:
                wait_until_ready(self.stack.children[name], self.stack.ports.url(name))

    def mails(self) -> list[Mail]:
        """What the mail server has taken so far."""
        return mails(self.stack)

    def logs(self) -> list[Path]:
        """The logs of the services."""
        return [self.stack.children[name].log for name in SERVICES]

    def ask_to_subscribe(self, email: str, token: str) -> str:
        """A partner's system names a mailbox, once, whatever is answered; the trace of that."""
        trace = uuid4().hex
        given = {"Authorization": f"Bearer {token}", "Idempotency-Key": trace, "traceparent": f"00-{trace}-{trace[:16]}-01"}
        self.stories.http.post(f"{self.stories.addresses.notifications}/v1/subscribers", json={"email": email}, headers=given)
        return trace

    def _lost(self, what: str, *services: str, check: str | None = None) -> None:
        self.watch.begins(what, services, check)
        self._down.append(what)

    def _over(self, *whats: str) -> None:
        for what in whats:
            self._down.remove(what)
            self.watch.ends(what)


def until(look: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until it is so; raises AssertionError naming what was waited for in vain."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}, in vain"
        threading.Event().wait(0.05)


class QuickStack(Stack):
    """The product with less patience than it has by itself, for who cannot wait."""

    patience: Mapping[str, str] = {}

    def environment(self, name: str) -> dict[str, str]:
        """The usual one, and less patience."""
        return {**super().environment(name), **self.patience}


def new_trial(directory: Path, bus: str, patience: Mapping[str, str] | None = None) -> Trial:
    """A product of its own on free ports, with partners, clients, mailboxes that confirmed, a memorandum; ``patience`` are settings."""
    names = ("partners", "initiatives", "notifications", "postgres", "kafka", "kafka_controller", "smtp", "mail")
    stack = QuickStack(directory, bus=bus, ports=Ports(**{name: free_port() for name in names}))
    stack.patience = patience or {}
    stack.start()
    try:
        addresses = Addresses(*(stack.ports.url(name) for name in ("partners", "initiatives", "notifications", "mail")))
        stories = Stories(addresses, stack.bootstrap_secret, stack.var / "secrets" / "demo.json", lambda _: None)
        stories.everybody_is_registered()
        settle(stack)  # a mailbox can only follow a partner that is known there
        stories.people_subscribe()
        stories.the_memorandum_is_recorded()  # what a network signed, so that whoever joins it is entitled to something
        settle(stack)
    except BaseException:  # whatever ends the preparation stops what was started; raised again
        stack.stop()
        raise
    return Trial(stack, stories, Watch({name: stack.ports.url(name) for name in SERVICES}))
