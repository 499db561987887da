"""docker-compose.yml without Docker: serve and work apart, each service in its own image, on a real Kafka and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import sys
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
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses, until
from deploy.embedded.environment import ROOT, SERVICES
from deploy.embedded.postgres import Cluster
from deploy.embedded.readiness import wait_until_listening
from deploy.kafka.broker import Broker
from deploy.ports import HOST, free_port
from shared.process.wakes import CHANNEL
from tests.journeys.composition import Composition, Part, files
from tests.journeys.conftest import hung_up_in_the_end
from tests.shared.telemetry.collector import Collector, collecting

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 60.0
PEREIRA = {"kind": "city", "names": {"es": "Pereira"}, "country": "CO", "timezone": "America/Bogota"}


@dataclass
class Running:
    """Everything of the file that is ours, up and healthy."""

    composition: Composition
    cluster: Cluster
    collector: Collector
    parts: list[Part]
    addresses: Addresses


@pytest.fixture(scope="module")
def running(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """As `docker compose up --wait`: first what the services stand on, then migrate, then serve and work."""
    composition = Composition(tmp_path_factory.mktemp("compose"))
    with ExitStack() as ending, ThreadPoolExecutor() as pool:
        composition.places.put("kafka:9092", kafka.port)
        collector = ending.enter_context(collecting())
        composition.places.put("jaeger:4318", int(collector.endpoint.rpartition(":")[2]))
        mail = ending.enter_context(mail_server(composition))
        cluster = ending.enter_context(composition.server())
        list(pool.map(migrated, composition.parts("migrate")))
        parts = [*composition.parts("serve"), *composition.parts("work")]
        for part in parts:
            ending.callback(part.child.stop)
            part.child.start()
        list(pool.map(healthy, parts))
        yield Running(composition, cluster, collector, parts, Addresses(**{name: composition.url(name) for name in SERVICES}, mail=mail))
        for part in parts:
            part.child.ask_to_end()


@contextmanager
def mail_server(composition: Composition) -> Iterator[str]:
    """The mail sink in Mailpit's place; the address of its page."""
    ports = free_port(), free_port()
    words = [sys.executable, "-m", "deploy.embedded.mailsink", "--dir", str(composition.folder / "mail")]
    words += ["--smtp-port", str(ports[0]), "--http-port", str(ports[1])]
    sink = Child("mailpit", words, var=composition.folder, directory=ROOT, environment=dict(os.environ))
    try:
        sink.start()
        wait_until_listening(sink, ports[0])
        composition.places.put("mailpit:1025", ports[0])
        yield f"http://{HOST}:{ports[1]}"
    finally:
        sink.stop()


def migrated(part: Part) -> None:
    part.child.start()
    assert part.child.ended() == 0, part.child.last_lines()


def healthy(part: Part) -> None:
    """Wait until its own health check says so."""
    assert part.check
    until(f"{part.name} to be healthy", lambda: part.healthy() or part.child.died)
    assert not part.child.died, part.child.last_lines()


@pytest.fixture(scope="module")
def told(running: Running) -> Stories:
    """Both stories, played to their end."""
    secret, secrets = running.composition.told["BOOTSTRAP_CLIENT_SECRET"], running.composition.folder / "secrets" / "demo.json"
    said: list[str] = []
    stories = hung_up_in_the_end(Stories(running.addresses, secret, secrets, said.append))
    stories.play()
    return stories


async def test_no_role_opens_the_database_of_another(running: Running) -> None:
    roles = [*SERVICES, "postgres"]
    opened = [pair for pair in itertools.product(SERVICES, roles) if await opens(running, *pair)]
    assert opened == [(name, name) for name in SERVICES]


async def opens(running: Running, role: str, database: str) -> bool:
    password = running.composition.told[f"{role.upper()}_DB_PASSWORD"]
    try:
        line = await asyncpg.connect(host=HOST, port=running.cluster.port, user=role, password=password, database=database)
    except asyncpg.InsufficientPrivilegeError:
        return False
    await line.close()
    return True


def test_no_process_knows_more_secrets_than_its_own(running: Running) -> None:
    told = running.composition.told
    for part in running.parts:
        name = part.name.partition("-")[0]
        own = {f"{name.upper()}_DB_PASSWORD"} | ({"BOOTSTRAP_CLIENT_SECRET"} if name == "partners" else set())
        assert {variable for variable, value in told.items() if value in str(part.environment)} == own


def test_both_stories_are_told_to_their_end(running: Running, told: Stories) -> None:
    Ending(told, running.composition.folder / "no files").check()
    assert not (running.composition.folder / "tmp").exists()  # spans went to the collector


async def test_who_serves_wakes_who_works(running: Running, told: Stories) -> None:
    password = running.composition.told["PARTNERS_DB_PASSWORD"]
    line = await asyncpg.connect(host=HOST, port=running.cluster.port, user="partners", password=password, database="partners")
    try:
        woken = asyncio.Event()
        await line.add_listener(CHANNEL, lambda *_: woken.set())
        url = f"{running.addresses.partners}/v1/partners/by-external-id/compose/pereira"
        city = await asyncio.to_thread(told.operator.put, url, PEREIRA)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await woken.wait()
    finally:
        await line.close()
    known = f"{running.addresses.initiatives}/v1/directory/partners/{city['id']}"
    await asyncio.to_thread(until, "initiatives to know the city", lambda: told.operator.find(known))


def test_one_trace_of_all_three_services_arrives_whole(running: Running, told: Stories) -> None:
    ending = Ending(told, Path("nowhere"))
    ending._arrived()
    [title] = [item["titles"]["en"] for item in ending._agreements() if item["id"] == told.agreements["ggtc-kyiv"]]
    [mail, *_] = [mail for mail in ending.mails if title in mail["subject"] and "kyiv" in mail["to"][0]]
    trace = bytes.fromhex(ending._trace_id(mail["id"]))

    def whole() -> list[tuple[str, Any]] | None:
        spans = [(service, span) for service, span in list(running.collector.spans) if span.trace_id == trace]
        ids = {span.span_id for _, span in spans}
        lost = [span.name for _, span in spans if span.parent_span_id and span.parent_span_id not in ids]
        there = {service for service, _ in spans} == set(SERVICES) and "send_email" in {span.name for _, span in spans}
        return spans if there and not lost else None

    spans = until("the whole trace", whole)
    first = [f"{service}: {span.name}" for service, span in spans if not span.parent_span_id]
    assert first == ["partners: POST /v1/agreements/{agreement}/sign"]
    names = {f"{service}: {span.name}" for service, span in spans}
    assert names >= {"partners: send interurbe.partners", "notifications: process interurbe.partners", "notifications: send_email"}


def test_prometheus_reaches_every_process_and_each_service_has_one_relay(running: Running) -> None:
    jobs = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    assert {target.partition(":")[0] for target in targets} == {part.name for part in running.parts}
    for target in targets:
        numbers = httpx.get(f"http://{running.composition.places.moved(target)}/metrics", timeout=PATIENCE_SECONDS).text
        assert re.search(r"^interurbe_outbox_oldest_age_seconds ", numbers, re.MULTILINE)
        leads = re.search(r"^interurbe_relay_is_leader ([\d.]+)$", numbers, re.MULTILINE)
        assert leads
        assert float(leads[1]) == float("-work:" in target), target


def test_doctor_finds_nothing_wrong_inside(running: Running) -> None:
    [most] = [part for part in running.parts if part.name == "notifications-work"]  # it stands on everything there is
    done = most.command("python", "-m", "services.notifications", "doctor")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All is well."), done.stdout
    for thing in ("database", "bus", "issuer", "traces", "mail server"):
        assert f"✓ {thing}" in done.stdout


def test_everything_ends_when_told_and_has_written_nothing_in_its_image(running: Running) -> None:
    for part in running.parts:
        part.child.ask_to_end()
    grace = {running.composition.file["services"][part.name]["stop_grace_period"] for part in running.parts}
    assert grace == {"30s"}
    assert {part.name: part.child.ended(seconds=PATIENCE_SECONDS) for part in running.parts} == {part.name: 0 for part in running.parts}
    assert {name: files(running.composition.folder / "images" / name) for name in SERVICES} == running.composition.images
