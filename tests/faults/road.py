"""The way of a fact, whole and real: owner's database, relay, bus, consumer, view; with what the owner was told to compare with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from shared.bus import Bus, BusError, Message
from shared.bus.kafka import CONSUMER, KafkaBus
from shared.bus.postgres import PostgresBus
from shared.consumer import Consumer
from shared.db import Database, mechanism, new_id
from shared.events import PartnerRegistered, PartnerUpdated
from shared.handling import Handlers
from shared.process.runtime import Runtime
from shared.relay import Relay
from shared.repair import parked_in_inbox, waiting
from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry
from tests.faults.mock_cluster import MockCluster
from tests.faults.proxy import FaultProxy
from tests.fixtures.log import whole_log
from tests.fixtures.postgres import NewDatabase
from tests.shared.ledger import LedgerView, Model, SilentWake, append, noted

TOPIC = "interurbe.partners"
PATIENCE = 90.0
EXPECTED = (BusError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError)
"""What a step may raise during a fault: `run_loop` logs it and steps again."""


@dataclass
class Road:
    """A ledger's owner and somebody else's view of it. `told` is what the owner acknowledged, by ledger."""

    owner: Database
    neighbour: Database
    bus: Bus
    telemetry: Telemetry
    deadline: float = 2.0
    told: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.relay = self.new_relay()
        self.consumer = self.new_consumer()

    def new_relay(self) -> Relay:
        """Another relay of the same outbox."""
        return Relay(self.owner, self.bus, self.telemetry, deadline_seconds=self.deadline)

    def new_consumer(self) -> Consumer:
        """Another member of the same group, writing the same view."""
        runtime = Runtime(settings=None, database=self.neighbour, bus=self.bus, wake=SilentWake(), telemetry=self.telemetry)  # type: ignore[arg-type]  # loops read no settings
        handlers: Handlers = {PartnerRegistered: noted, PartnerUpdated: noted}
        made = Consumer("test.ledger", runtime, handlers, (LedgerView,))
        made.patience = 0.2
        return made

    async def write(self, ledgers: int = 3, each: int = 2) -> list[str]:
        """So many new ledgers with so many notes each; their ids."""
        made = [new_id() for _ in range(ledgers)]
        for _ in range(each):
            for ledger in made:
                await self.note(ledger)
        return made

    async def note(self, ledger: str) -> None:
        """One more note; it counts as told once the commit has succeeded."""
        number = len(self.told.setdefault(ledger, []))
        await append(self.owner, ledger, number)
        self.told[ledger].append(number)

    async def step(self, *more: Consumer) -> int:
        """One step of everybody, through whatever fails."""
        return await self.send() + sum([await self.read(consumer) for consumer in (self.consumer, *more)])

    async def send(self) -> int:
        """One step of the relay."""
        try:
            return await self.relay.step()
        except EXPECTED:
            return 0

    async def read(self, consumer: Consumer | None = None) -> int:
        """One step of the consumer."""
        try:
            return await (consumer or self.consumer).step()
        except EXPECTED:
            return 0

    async def view(self) -> dict[str, list[int]]:
        """What the neighbour shows."""
        async with self.neighbour.session() as session:
            return {row.id: row.notes for row in (await session.execute(select(LedgerView))).scalars()}

    async def unsent(self) -> int:
        """Facts that wait for the bus."""
        async with self.owner.session() as session:
            return (await waiting(session))[0]

    async def sent(self) -> None:
        """Step the relay until the outbox is empty."""
        async with asyncio.timeout(PATIENCE):
            while await self.unsent():
                if not await self.send():
                    await self.relay.wake.wait(0.05)

    async def arrive(self, *more: Consumer) -> None:
        """Step until all that was told is sent and seen; then on for a while, and see that nothing more comes of it."""
        async with asyncio.timeout(PATIENCE):
            while await self.unsent() or await self.view() != self.told:
                if not await self.step(*more):
                    await self.relay.wake.wait(0.05)
            quiet = 0
            while quiet < 3:
                quiet = 0 if await self.step(*more) else quiet + 1
        assert await self.view() == self.told
        assert await self.parked() == []

    async def parked(self) -> list[tuple[str, str | None]]:
        """What the consumer set aside: kind and subject."""
        async with self.neighbour.session() as session:
            return [(row.kind, row.subject) for row in await parked_in_inbox(session)]

    async def stop_reading(self) -> None:
        """The consumer's process ends; another one takes its place, not started yet."""
        await self.consumer.close()
        self.consumer = self.new_consumer()

    async def log(self) -> list[Message]:
        """Everything on the topic, read by a group of its own."""
        return await whole_log(self.bus, [TOPIC])

    async def close(self) -> None:
        """Everybody goes."""
        await self.consumer.close()
        await self.relay.close()
        await self.bus.close()
        await self.owner.close()
        await self.neighbour.close()


@asynccontextmanager
async def road(urls: tuple[str, str], bus: Bus, folder: Path, *, deadline: float = 2.0) -> AsyncIterator[Road]:
    """A road between fresh databases (the owner's and the neighbour's URL) over this bus."""
    databases = [Database(url) for url in urls]
    for database in databases:
        async with database.engine.begin() as connection:
            await connection.run_sync(Model.metadata.create_all)
            await connection.run_sync(mechanism.create_all)
    telemetry = Telemetry("test", TelemetrySettings(traces_dir=folder))
    made = Road(databases[0], databases[1], bus, telemetry, deadline)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def proxied_postgres(url: str) -> AsyncIterator[tuple[FaultProxy, Bus]]:
    """A bus on the log's database, through a proxy."""
    async with FaultProxy(urlsplit(url).port or 5432) as proxy:
        yield proxy, PostgresBus(rerouted(url, proxy.port))


@asynccontextmanager
async def proxied_mock(monkeypatch: pytest.MonkeyPatch, cluster: MockCluster) -> AsyncIterator[tuple[FaultProxy, Bus]]:
    """A bus on the mock cluster (its only broker), through a proxy."""
    impatient(monkeypatch)
    monkeypatch.setattr("shared.bus.kafka.subscription.ANSWER_SECONDS", 0.5)
    cluster.topic(TOPIC)
    async with FaultProxy(cluster.port) as proxy:
        cluster.advertise(proxy.port)
        yield proxy, KafkaBus(f"127.0.0.1:{proxy.port}")


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock broker does not wake a long poll for what is new: keep it short."""
    monkeypatch.setitem(CONSUMER, "fetch_max_wait_ms", 20)


def rerouted(url: str, port: int) -> str:
    """The same database through another port."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


@contextmanager
def faster_clock(monkeypatch: pytest.MonkeyPatch, *modules: str) -> Iterator[SimpleNamespace]:
    """In these modules the time since the start can be moved: `.ahead` seconds."""
    import time  # noqa: PLC0415 - the real one, beside its stand-in

    clock = SimpleNamespace(ahead=0.0, time_ns=time.time_ns)
    clock.monotonic = lambda: time.monotonic() + clock.ahead
    with monkeypatch.context() as patch:
        for module in modules:
            patch.setattr(f"{module}.time", clock)
        yield clock


async def count(database: Database, statement: str) -> int:
    """One number from a database."""
    async with database.reader() as reader:
        return int((await reader.execute(text(statement))).scalar_one())


Urls = tuple[str, str]


def two_databases(new_database: NewDatabase) -> Urls:
    """The owner's and the neighbour's."""
    return new_database("partners"), new_database("initiatives")
