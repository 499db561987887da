"""One node of a real Apache Kafka as a process of ours; `python -m deploy.kafka.broker --help` runs it by hand."""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from deploy.kafka.jars import HERE, KafkaUnavailable, fetch
from deploy.ports import HOST, PortTaken, answers, demand_free
from deploy.processes import end_orphan

JAVA_OPTIONS = ("-Xmx256m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
START_SECONDS = 180.0
STOP_SECONDS = 20.0
MOST_REPLICAS = 3
BROKER, CONTROLLER = "broker", "controller"


@dataclass(frozen=True, slots=True)
class Seat:
    """A node's place among others: its number, what it does, where the controllers are (node → port), and how many brokers there are.

    Without `controllers` it is its own.
    """

    node: int = 1
    roles: tuple[str, ...] = (BROKER, CONTROLLER)
    controllers: Mapping[int, int] = field(default_factory=dict)
    brokers: int = 1


class Broker:
    """A node in `directory`, broker and controller in one, listening at 127.0.0.1:`port`; data survives stop, kill and restart.

    For several nodes see `deploy.kafka.cluster`: each has its own directory, ports and `seat`, all have the same `cluster_id`.
    """

    def __init__(self, directory: Path, port: int, controller_port: int, seat: Seat | None = None) -> None:
        self.directory = directory.resolve()
        self.port = port
        self.controller_port = controller_port
        self.seat = seat or Seat()
        self.cluster_id: str | None = None
        self.log = self.directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """What a client is told: host:port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id of the broker that this object started, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Fetches the programs when needed, formats the directory at its first start, starts and waits until it listens.

        Raises KafkaUnavailable, or PortTaken.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """As `start`, without waiting: several nodes must come up together."""
        lib = fetch()
        end_orphan(self.directory / "broker.pid", str(self.directory), seconds=STOP_SECONDS)
        if BROKER in self.seat.roles:
            demand_free(self.port, "Kafka", "INTERURBE_PORT_KAFKA")
        if CONTROLLER in self.seat.roles:
            demand_free(self.controller_port, "Kafka's controller", "INTERURBE_PORT_KAFKA_CONTROLLER")
        self.directory.mkdir(parents=True, exist_ok=True)
        self._configure()
        self._format(lib)
        with self.log.open("ab") as log:
            command = [*_java(lib, self.directory), "kafka.Kafka", str(self.directory / "server.properties")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, start_new_session=True)
        (self.directory / "broker.pid").write_text(str(self._process.pid))

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Waits until the node accepts connections; raises KafkaUnavailable with the end of its log when it died or does not."""
        deadline = time.monotonic() + seconds
        port = self.port if BROKER in self.seat.roles else self.controller_port
        while not answers(port):
            if self.pid is None or time.monotonic() > deadline:
                raise KafkaUnavailable(f"Kafka in {self.directory} did not start. Its log ends with:\n{self._last_lines()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stops the broker in good order, or by force when that takes longer than 20 s."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the broker as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Halts the running broker where it is (SIGSTOP): its connections stay, and it says nothing."""
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen broker go on, as if no time had passed."""
        self._tell(signal.SIGCONT)

    def _tell(self, what: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(what)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a frozen one hears nothing else
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        (self.directory / "broker.pid").unlink(missing_ok=True)

    def _configure(self) -> None:
        replicas = min(MOST_REPLICAS, self.seat.brokers)
        controllers = self.seat.controllers or {self.seat.node: self.controller_port}
        listeners = {BROKER: f"PLAINTEXT://{HOST}:{self.port}", CONTROLLER: f"CONTROLLER://{HOST}:{self.controller_port}"}
        values = {
            "node_id": self.seat.node,
            "roles": ",".join(self.seat.roles),
            "listeners": ",".join(listeners[role] for role in self.seat.roles),
            "voters": ",".join(f"{node}@{HOST}:{port}" for node, port in controllers.items()),
            "data": self.directory / "data",
            "replicas": replicas,
            "in_sync": max(1, replicas - 1),
        }
        text = Template((HERE / "server.properties").read_text()).substitute(values)
        (self.directory / "server.properties").write_text(text)

    def _format(self, lib: Path) -> None:
        if (self.directory / "data" / "meta.properties").exists():
            return
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        self.cluster_id = self.cluster_id or new_cluster_id()
        tool = ["kafka.tools.StorageTool", "format", "-t", self.cluster_id, "-c", str(self.directory / "server.properties")]
        done = subprocess.run(
            [*_java(lib, self.directory), *tool], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            raise KafkaUnavailable(f"Kafka could not format {self.directory}:\n{done.stdout[-2000:].strip()}")

    def _last_lines(self, count: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:]) if self.log.exists() else "(empty)"


def new_cluster_id() -> str:
    """16 random bytes as Kafka writes them: url-safe base64 without padding, not beginning with a dash."""
    while True:
        text = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _java(lib: Path, directory: Path) -> list[str]:
    quiet = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    return ["java", *JAVA_OPTIONS, quiet, f"-Dkafka.logs.dir={directory}", "-cp", f"{lib}/*"]


def main(arguments: list[str] | None = None) -> int:
    """Runs a broker by hand; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka.broker", description="A real Apache Kafka on this machine.")
    parser.add_argument("command", choices=("fetch", "start", "stop"), help="fetch the programs only; start in the background; stop")
    parser.add_argument("--dir", type=Path, default=Path("var/kafka/standalone"), help="where its data is (default var/kafka/standalone)")
    parser.add_argument(
        "--port", type=int, default=9092, help="where clients connect (default 9092); the controller listens on the next one"
    )
    told = parser.parse_args(arguments)
    broker = Broker(told.dir, told.port, told.port + 1)
    try:
        if told.command == "fetch":
            sys.stdout.write(f"{fetch()}\n")
        elif told.command == "start":
            broker.start()
            sys.stdout.write(f"INTERURBE_KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap}\n")
        else:
            end_orphan(broker.directory / "broker.pid", str(broker.directory), seconds=STOP_SECONDS)
    except (KafkaUnavailable, PortTaken) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
