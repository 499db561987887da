"""Several nodes of a real Apache Kafka on this machine, to see what becomes of a topic when one of its brokers goes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.kafka.broker import BROKER, CONTROLLER, Broker, Seat, new_cluster_id
from deploy.kafka.jars import fetch
from deploy.ports import free_port


class KafkaCluster:
    """A controller and so many brokers under `directory`, each a process on free ports; every internal topic has up to three copies.

    `brokers` has them by node id, from 1: stop, kill, freeze, thaw or start any of them. The controller is a process of its own,
    so that leaders can be chosen whichever brokers are away.
    """

    def __init__(self, directory: Path, brokers: int = 3) -> None:
        place, identity = {0: free_port()}, new_cluster_id()
        self.controller = Broker(directory / "controller", free_port(), place[0], Seat(0, (CONTROLLER,), place, brokers))
        self.brokers = {
            node: Broker(directory / f"broker-{node}", free_port(), place[0], Seat(node, (BROKER,), place, brokers))
            for node in range(1, brokers + 1)
        }
        for node in (self.controller, *self.brokers.values()):
            node.cluster_id = identity

    @property
    def bootstrap(self) -> str:
        """What a client is told: host:port of every broker, with commas."""
        return ",".join(broker.bootstrap for broker in self.brokers.values())

    def start(self) -> None:
        """Starts whoever is not running, all at once, and waits until they listen. Raises KafkaUnavailable or PortTaken."""
        fetch()
        absent = [node for node in (self.controller, *self.brokers.values()) if node.pid is None]
        try:
            _at_once([node.launch for node in absent])
            for node in absent:
                node.wait()
        except BaseException:  # whatever ends the start stops what was started; raised again
            self.stop()
            raise

    def stop(self) -> None:
        """Stops all in good order: the brokers, frozen ones too, then the controller that lets them go."""
        _at_once([broker.stop for broker in self.brokers.values()])
        self.controller.stop()


def _at_once(tasks: list[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(max_workers=len(tasks) or 1) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()
