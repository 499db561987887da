"""The whole product as processes of one machine: PostgreSQL, the log, the mail sink and the three services."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from deploy.embedded.addresses import Ports, setting_of
from deploy.embedded.child import Child
from deploy.embedded.environment import ROOT, SERVICES, bootstrap_secret, environment_of, settings_file
from deploy.embedded.migrating import migrate
from deploy.embedded.occupancy import Occupancy
from deploy.embedded.postgres import Cluster
from deploy.embedded.readiness import StackFailed, wait_until_listening, wait_until_ready
from deploy.kafka.broker import Broker
from deploy.kafka.jars import fetched
from deploy.ports import demand_free

Say = Callable[[str], None]
MAIL = "mailsink"


class Stack:
    """Everything under `var`: data, logs, secrets and process ids. It survives a restart and a kill -9 of any of its parts.

    `bus` is "postgres" or "kafka"; what runs on Kafka keeps its data apart, in var/on-kafka, because a log cannot change places
    under its readers. `say` is told each step in words.
    """

    def __init__(
        self, var: Path, *, bus: str = "postgres", ports: Ports | None = None, say: Say | None = None, services: Sequence[str] = SERVICES
    ) -> None:
        self.ports = ports or Ports()
        self.bus = bus
        self.var = (var / "on-kafka" if bus == "kafka" else var).resolve()
        self.cluster = Cluster(self.var / "postgres", self.ports.postgres)
        self.broker = Broker(self.var / "kafka", self.ports.kafka, self.ports.kafka_controller) if bus == "kafka" else None
        self._say: Say = say or (lambda _: None)
        self._services = services
        self._occupancy = Occupancy(self.var)
        self._began = 0.0

    @cached_property
    def children(self) -> dict[str, Child]:
        """The mail sink and the services by name, in the order they start; PostgreSQL must have been started once."""
        sink = [sys.executable, "-m", "deploy.embedded.mailsink", "--dir", str(self.var / "mail")]
        sink += ["--smtp-port", str(self.ports.smtp), "--http-port", str(self.ports.mail)]
        made = {MAIL: Child(MAIL, sink, var=self.var, directory=ROOT, environment=dict(os.environ))}
        for name in self._services:
            command = [sys.executable, "-m", f"services.{name}", "run"]
            made[name] = Child(name, command, var=self.var, directory=ROOT, environment=self.environment(name))
        return made

    def environment(self, name: str) -> dict[str, str]:
        """The environment a service runs with; commands such as `python -m services.NAME trace` need the same."""
        kafka = self.broker.bootstrap if self.broker is not None else None
        return environment_of(name, var=self.var, ports=self.ports, cluster=self.cluster, kafka=kafka)

    @property
    def bootstrap_secret(self) -> str:
        """The secret of the operator's first client at partners."""
        return bootstrap_secret(self.var)

    def start(self) -> None:
        """Starts everything and waits until every service says that it is ready.

        Raises PortTaken, StackRunning, StackFailed, ClusterFailed, CannotDemote or KafkaUnavailable, each with what to do;
        what was already started is then stopped again.
        """
        self._occupancy.take()
        self._began = time.monotonic()
        try:
            self._start_all()
        except BaseException:  # whatever ends the start, Ctrl-C included, stops what was started; raised again
            self.stop()
            raise

    def _start_all(self) -> None:
        with ThreadPoolExecutor(max_workers=len(self._services) + 1) as pool:
            try:
                kafka = pool.submit(self._start_broker)
                self.cluster.start()
                self._tell(f"PostgreSQL listens on port {self.ports.postgres}")
                self._clear_the_ground()
                self.children[MAIL].start()
                kafka.result()
                list(pool.map(self._start_service, self._services))
            except BaseException:  # whatever ends the start, Ctrl-C included, stops what was started; raised again
                self._stop_children()  # who waits for one of them in another thread learns of it
                raise
        wait_until_listening(self.children[MAIL], self.ports.mail)
        self._tell(f"mails can be read at {self.ports.url('mail')}")

    def _start_broker(self) -> None:
        if self.broker is not None:
            if not fetched():
                self._tell("fetching Apache Kafka with Maven, about 43 MB, once")
            self.broker.start()
            self._tell(f"Apache Kafka listens on port {self.ports.kafka}")

    def _clear_the_ground(self) -> None:
        """Ends what a killed stack left behind, then sees that every port is ours to take."""
        for child in self.children.values():
            if child.bury():
                self._tell(f"ended {child.name}, left behind by a stack that was killed")
        for name in (*self._services, "smtp", "mail"):
            demand_free(getattr(self.ports, name), name, setting_of(name))

    def _start_service(self, name: str) -> None:
        environment = self.environment(name)
        settings_file(name, environment, var=self.var)
        migrate(name, environment, stamps=self.cluster.directory)
        child = self.children[name]
        child.start()
        wait_until_ready(child, self.ports.url(name))
        self._tell(f"{name} is ready at {self.ports.url(name)}")

    def stop(self) -> None:
        """Ends everything it started, last first: services finish what they are doing before what they stand on goes."""
        self._stop_children()
        if self.broker is not None:
            self.broker.stop()
        self.cluster.stop()
        self._occupancy.leave()

    def _stop_children(self) -> None:
        if "children" not in self.__dict__:  # nothing was started: not even the passwords they need are there
            return
        children = list(reversed(self.children.values()))
        for child in children[:-1]:
            child.ask_to_end()
        for child in children:
            child.stop()

    def revive(self) -> list[str]:
        """Starts again whatever died since, and returns the names; for who stays to watch."""
        revived: list[str] = []
        if not self.cluster.running:
            self.cluster.start()
            revived.append("PostgreSQL")
        if self.broker is not None and self.broker.pid is None:
            self.broker.start()
            revived.append("Apache Kafka")
        for child in self.children.values():
            if child.died:
                child.start()
                revived.append(child.name)
        return revived

    def restart(self, name: str) -> None:
        """Starts a service again that was stopped or killed, and waits until it is ready."""
        child = self.children[name]
        child.stop()
        child.start()
        wait_until_ready(child, self.ports.url(name))

    def _tell(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._began:5.1f} s  {what}")


__all__ = ["Stack", "StackFailed"]
