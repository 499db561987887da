"""Our HTTP service against its bare twin: drafting an agreement and reading one, 32 clients each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from bench.ground import Ground
from bench.load import drive, get, post
from bench.table import Pair, Row
from deploy.embedded.addresses import Ports
from deploy.embedded.demo.agreements import alliances
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses, until
from deploy.embedded.environment import environment_of
from deploy.embedded.migrating import migrate
from deploy.embedded.readiness import not_ready
from deploy.ports import answers, free_port


async def measure(made: Ground) -> list[Row]:
    """Two rows: POST and GET, three runs of each in turns."""
    async with _both(made) as (ours, bare, told, token):
        draft = alliances(told)[0][1]
        first = json.loads((await drive(ours, post("/v1/agreements", draft, token), 1.0)).last)
        other = json.loads((await drive(bare, post("/documents", draft, token), 1.0)).last)

        async def rate(port: int, request: object, status: int) -> float:
            outcome = await drive(port, request)  # type: ignore[arg-type]  # one of load's
            assert list(outcome.statuses) == [status], outcome.last
            return outcome.rate

        posting = Pair(
            ours=lambda: rate(ours, post("/v1/agreements", draft, token), 201),
            bare=lambda: rate(bare, post("/documents", draft, token), 201),
        )
        reading = Pair(
            ours=lambda: rate(ours, get(f"/v1/agreements/{first['id']}", token), 200),
            bare=lambda: rate(bare, get(f"/documents/{other['id']}", token), 200),
        )
        (posted, posts), (read, reads) = await posting.ratio(), await reading.ratio()
    return [Row("POST an agreement draft, 32 clients", posted, 0.6, 0.8, posts), Row("GET an agreement, 32 clients", read, 0.7, 0.8, reads)]


Told = Mapping[str, str]
Service = tuple[int, Told, str, list[subprocess.Popen[bytes]]]


@asynccontextmanager
async def _both(made: Ground) -> AsyncIterator[tuple[int, int, Told, str]]:
    bare_port = free_port()
    bare_environment = {**os.environ, "INTERURBE_BENCH_URL": made.cluster.url("initiatives")}
    bare = _started("bench.bare_app", str(bare_port), environment=bare_environment)
    try:
        async with partners_service(made) as (port, told, token, _):
            until("the bare service to listen", lambda: answers(bare_port))
            yield port, bare_port, told, token
    finally:
        _ended(bare)


@asynccontextmanager
async def partners_service(made: Ground, *, kafka: str | None = None, modes: Sequence[str] = ("serve",)) -> AsyncIterator[Service]:
    """The partners service with the demo's partners registered: its port, their ids by name, an operator's token, its processes."""
    ports = Ports(partners=free_port(), postgres=made.cluster.port)
    environment = environment_of("partners", var=made.directory, ports=ports, cluster=made.cluster, kafka=kafka)
    migrate("partners", environment, stamps=made.directory)
    running = [_started("services.partners", mode, environment=environment | {"INTERURBE_WORKER_PORT": str(free_port())}) for mode in modes]
    try:
        until("our service to be ready", lambda: not_ready(ports.url("partners")) is None)
        stories = Stories(
            Addresses(ports.url("partners"), "", "", ""),
            environment["INTERURBE_BOOTSTRAP_CLIENT_SECRET"],
            made.directory / "s.json",
            lambda _: None,
        )
        stories.everybody_is_registered()
        stories.operator.get(f"{ports.url('partners')}/v1/partners")
        yield ports.partners, stories.ids, stories.operator.token, running
    finally:
        for process in running:
            _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(20)


def _started(module: str, argument: str, *, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", module, argument], env=environment, stderr=subprocess.DEVNULL)
