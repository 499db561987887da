"""docker-compose.yml without Docker: serve and work apart, each service in its own image, on a real Kafka and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import yaml

from deploy.embedded.child import Child
from deploy.embedded.demo.ending import Ending
from deploy.embedded.demo.facts import PARTNERS
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses, until
from deploy.embedded.environment import ROOT, SERVICES
from deploy.embedded.postgres import Cluster
from deploy.embedded.readiness import wait_until_listening
from deploy.kafka.broker import Broker
from deploy.ports import HOST, free_port
from shared.process.wakes import CHANNEL
from tests.journeys.composition import Composition, Part
from tests.journeys.conftest import mail_sink, telling
from tests.shared.telemetry.collector import Collector, collecting

pytestmark = pytest.mark.kafka

GRACE_SECONDS = 30.0


@dataclass
class Running:
    """Everything of the file that is ours, up and healthy."""

    composition: Composition
    cluster: Cluster
    collector: Collector
    parts: list[Part]
    addresses: Addresses

    def url(self, address: str) -> str:
        """Where host:port of the file is."""
        return f"http://{HOST}:{self.composition.places.port(address)}"

    def environment(self, name: str) -> Any:
        """What the file tells a part."""
        return self.composition.file["services"][name]["environment"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """As `docker compose up --wait`: first what the services stand on, then migrate, then serve and work."""
    composition = Composition(tmp_path_factory.mktemp("compose"))
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        composition.places.put("jaeger:4318", int(collector.endpoint.rpartition(":")[2]))
        mail = stack.enter_context(mail_server(composition))
        with ThreadPoolExecutor() as pool:
            broker = pool.submit(start_broker, composition, stack)
            cluster = composition.server()
            stack.callback(cluster.stop)
            broker.result()
            list(pool.map(migrated, composition.parts("migrate")))
            parts = [*composition.parts("serve"), *composition.parts("work")]
            for part in parts:
                stack.callback(part.child.stop)
                part.child.start()
            list(pool.map(healthy, parts))
        urls = [f"http://{HOST}:{composition.places.port(f'{HOST}:{port}')}" for port in (8001, 8002, 8003)]
        yield Running(composition, cluster, collector, parts, Addresses(*urls, mail))


def start_broker(composition: Composition, stack: ExitStack) -> None:
    broker = Broker(composition.folder / "kafka", free_port(), free_port())
    stack.callback(broker.stop)
    broker.start()
    composition.places.put("kafka:9092", broker.port)
