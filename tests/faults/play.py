"""Commands and faults over one running product, a step at a time: what random schedules are made of, and the rows they left behind."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

from deploy.embedded.readiness import wait_until_listening, wait_until_ready
from deploy.embedded.stack import MAIL
from tests.faults.footprint import SERVICES, Before
from tests.faults.trial import Outcome, Trial
from tests.faults.workload import Workload

A_WHILE = 5.0
"""Seconds for which a step waits for clients at the most: what they wait for may be away."""

PLACES = {
    "partners": ("edge.before_commit", "edge.after_commit", "relay.before_send", "relay.before_mark", "relay.after_mark",
                 "entitlements.midway"),
    "initiatives": (
        "edge.before_commit", "edge.after_commit", "relay.before_mark", "consumer.before_commit", "consumer.after_commit",
        "consumer.before_offset",
    ),
    "notifications": ("consumer.before_commit", "consumer.after_commit", "consumer.before_offset", "mail.before_mark"),
}  # fmt: skip
"""The places at which each service can be made to end itself."""


class Play:
    """A sequence of steps; `end` mends everything and judges all that was done on this product so far.

    Each method is a step. ``steps`` are those done, as they stand in a test; ``words`` the same in words.
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.steps: list[str] = []
        self.words: list[str] = []
        self._stack = trial.stack
        self._before = Before.of(trial.stack)
        self._works: list[Workload] = []
        self._frozen: dict[str, ExitStack] = {}
        self._armed: set[str] = set()
        self._mail_is_well = True

    def awake(self) -> list[str]:
        """The services that run and are not frozen."""
        return [name for name in SERVICES if self._stack.children[name].pid is not None and name not in self._frozen]

    def still(self) -> list[str]:
        """The services that are frozen."""
        return sorted(self._frozen)

    def movable(self) -> list[str]:
        """The services that can be started again: not those that are frozen, for they do not end."""
        return [name for name in SERVICES if name not in self._frozen]

    def running(self) -> bool:
        """Whether PostgreSQL runs."""
        return self._stack.cluster.running

    def has_bus(self) -> bool:
        """Whether the bus was not taken away."""
        return "the bus was gone" not in self.trial._down

    def has_mail(self) -> bool:
        """Whether nothing was done to the mail server."""
        return self._mail_is_well

    def work(self, seed: int, answered: int = 0) -> None:
        """Four clients begin with a round of commands each, in an order of their own."""
        self._tell(f"work({seed}, {answered})", f"clients begin to work (seed {seed}), {answered} commands are answered")
        work = Workload(self.trial.stories, rounds=1, seed=seed)
        self._works.append(work)
        work.start()
        work.reached(answered, A_WHILE)

    def wait(self, answered: int) -> None:
        """Clients go on until so many more commands were answered."""
        self._tell(f"wait({answered})", f"{answered} more commands are answered")
        for work in self._works[-1:]:
            work.reached(len(work.commands) + answered, A_WHILE)

    def kill(self, service: str) -> None:
        """Kill -9 of a service."""
        self._tell(f"kill({service!r})", f"kill -9 of {service}")
        self._armed.discard(service)
        self.trial.kill(service)

    def restart(self, service: str) -> None:
        """Have a service end in good order, if it runs, and start it; it need not become ready."""
        self._tell(f"restart({service!r})", f"{service} is started again")
        self._armed.discard(service)
        self.trial.start(service)

    def arm(self, service: str, place: str, passing: int) -> None:
        """Have a service end itself when it passes a place for the n-th time from now on."""
        self._tell(f"arm({service!r}, {place!r}, {passing})", f"{service} is to end itself at {place}, passing {passing}")
        self.trial.start(service, crash=f"{place}:{passing}")
        self._armed.add(service)

    def freeze(self, service: str) -> None:
        """Stop a service where it stands (SIGSTOP)."""
        self._tell(f"freeze({service!r})", f"{service} is frozen")
        self._frozen[service] = ExitStack()
        self._frozen[service].enter_context(self.trial.frozen(service))

    def thaw(self, service: str) -> None:
        """Let a frozen service go on."""
        self._tell(f"thaw({service!r})", f"{service} goes on")
        self._frozen.pop(service).close()

    def kill_postgres(self) -> None:
        """Kill -9 of PostgreSQL."""
        self._tell("kill_postgres()", "kill -9 of PostgreSQL")
        self.trial.kill_postgres()

    def cut_connections(self) -> None:
        """End every connection to PostgreSQL."""
        self._tell("cut_connections()", "every connection to PostgreSQL is cut")
        self.trial.cut_connections()

    def lose_bus(self) -> None:
        """Take the bus away: the broker, or the way to the database of the log."""
        self._tell("lose_bus()", "the bus goes away")
        self.trial.lose_bus()

    def kill_mail(self) -> None:
        """Kill -9 of the mail server."""
        self._tell("kill_mail()", "kill -9 of the mail server")
        self._mail_is_well = False
        self._stack.children[MAIL].kill()

    def silence_mail(self) -> None:
        """Have the mail server say nothing (SIGSTOP)."""
        self._tell("silence_mail()", "the mail server says nothing any more")
        self._mail_is_well = False
        self._signal_mail(signal.SIGSTOP)

    def mend(self) -> None:
        """End everything that is wrong, and wait until all are ready."""
        self._tell("mend()", "everything is mended")
        self._mend()

    def end(self) -> Outcome:
        """Mend everything, let the clients finish, come to rest, and judge."""
        if self._armed:
            self._works[-1].reached(1000, A_WHILE)
        self._mend()
        for work in self._works:
            work.finish()
        return self.trial.judged(self._works, self._before)

    def _tell(self, step: str, words: str) -> None:
        self.steps.append(f"play.{step}")
        self.words.append(words)

    def _mend(self) -> None:
        while self._frozen:
            self._frozen.popitem()[1].close()
        self._mail_is_well = True
        self._signal_mail(signal.SIGCONT)
        while self._armed:
            self.trial.start(self._armed.pop())
        self.trial.revive()
        for name in SERVICES:
            wait_until_ready(self._stack.children[name], self._stack.ports.url(name))
        wait_until_listening(self._stack.children[MAIL], self._stack.ports.mail)

    def _signal_mail(self, number: signal.Signals) -> None:
        pid = self._stack.children[MAIL].pid
        if pid is not None:
            os.kill(pid, number)
