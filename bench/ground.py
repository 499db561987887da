"""What benchmarks run on: an embedded PostgreSQL, a real Kafka, databases with our tables, facts by the thousand."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.embedded.postgres import Cluster
from deploy.kafka.broker import Broker
from deploy.ports import free_port
from shared.bus import Bus
from shared.bus.kafka import KafkaBus
from shared.bus.postgres import PostgresBus
from shared.db import Database, mechanism, new_id
from shared.events import PartnerProfile, PartnerRegistered, PartnerUpdated, Visibility
from shared.outbox import Reach, _envelope, _row, outbox
from shared.process.runtime import Runtime
from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Ground:
    """The servers of one benchmark run."""

    cluster: Cluster
    broker: Broker | None
    directory: Path


@contextmanager
def ground(*, kafka: bool) -> Iterator[Ground]:
    """Servers of their own, durable as in production, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="interurbe-bench-", ignore_cleanup_errors=True) as name:  # spans may still be written
        directory = Path(name)
        cluster = Cluster(directory / "postgres", free_port())
        cluster.start()
        broker = Broker(directory / "kafka", free_port(), free_port()) if kafka else None
        try:
            if broker is not None:
                broker.start()
            yield Ground(cluster, broker, directory)
        finally:
            if broker is not None:
                broker.stop()
            cluster.stop()


@asynccontextmanager
async def database_of(made: Ground, role: str, *metadatas: Any) -> AsyncIterator[Database]:
    """A service's database with the mechanism's tables and the given ones."""
    database = Database(made.cluster.url(role, role))
    async with database.engine.begin() as connection:
        for metadata in (mechanism, *metadatas):
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


@asynccontextmanager
async def bus_of(made: Ground, kind: str) -> AsyncIterator[Bus]:
    """A started bus of the kind asked for, with our topics."""
    bus: Bus
    if kind == "kafka":
        assert made.broker is not None
        bus = KafkaBus(made.broker.bootstrap)
    else:
        bus = PostgresBus(made.cluster.url("log", "log"))
    await bus.start()
    await bus.ensure_topics(["interurbe.partners"])
    yield bus
    await bus.close()


def runtime(directory: Path, database: Database, bus: Bus) -> Runtime:
    """A runtime for loops, with spans going to files as in production."""
    telemetry = Telemetry("bench", TelemetrySettings(traces_dir=directory / "traces"))
    telemetry.take_spans()
    return Runtime(settings=None, database=database, bus=bus, wake=Nobody(), telemetry=telemetry)  # type: ignore[arg-type]  # loops read no settings


class Nobody:
    """Nobody to wake."""

    def set(self) -> None:
        """Nothing."""


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def profile(number: int) -> PartnerProfile:
    """A city as cities are: two names, a zone, three languages."""
    return PartnerProfile(
        kind="city", names={"es": f"Ciudad número {number}", "en": f"City number {number}"}, acronym=f"C{number}", country="CO",
        locality="Antioquia", timezone="America/Bogota", languages=("es", "en", "pt"), website="https://example.org/ciudad",
    )  # fmt: skip


async def fill_outbox(database: Database, facts: int, *, subjects: int) -> None:
    """Write so many facts about so many subjects, as record() writes them, 1,000 to an INSERT."""
    ids = [new_id() for _ in range(subjects)]
    rows: list[dict[str, Any]] = []
    with Telemetry("bench", TelemetrySettings(traces_dir=Path(tempfile.gettempdir()))).tracer.start_as_current_span("request"):
        for number in range(facts):
            place = number % subjects
            made = _Named(ids[place])
            about = profile(number)
            event = PartnerRegistered(partner=ids[place], profile=about)
            later = PartnerUpdated(partner=ids[place], profile=about, changed=("names",))
            rows.append(_row(_envelope(made, event if number < subjects else later, number // subjects + 1, NOW)))  # type: ignore[arg-type]  # has what is read
    async with database.session() as session:
        for start in range(0, facts, 1000):
            await session.execute(outbox.insert(), rows[start : start + 1000])
        await session.commit()


@dataclass(frozen=True, slots=True)
class _Named:
    id: str

    @property
    def subject(self) -> str:
        return f"partner/{self.id}"

    def reach(self, fact: object) -> Reach:
        return Reach(Visibility.PUBLIC)
