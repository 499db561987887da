"""Makes the runtime of a process from its settings; nothing connects before it is used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.bus.opening import open_bus
from shared.db import Database
from shared.loop import Wake
from shared.process.runtime import Runtime
from shared.telemetry import Telemetry

if TYPE_CHECKING:
    from shared.process.runtime import Service
    from shared.settings import Settings


def runtime_of(service: "Service", settings: "Settings", telemetry: Telemetry) -> Runtime:
    """The runtime without loops, whose waker wakes nobody yet."""
    name = f"interurbe {service.name}"
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.pool_size, application=name)
    log = settings.log_url.get_secret_value() if settings.log_url is not None else None
    bus = open_bus(kafka=settings.kafka_bootstrap_servers, log_url=log, replication=settings.kafka_replication, application=name)
    return Runtime(settings=settings, database=database, bus=bus, wake=Wake(), telemetry=telemetry)


@asynccontextmanager
async def opened(service: "Service", settings: "Settings") -> AsyncIterator[Runtime]:
    """A runtime for a command of an operator, closed at its end."""
    settings.bus_named()
    telemetry = Telemetry(service.name, settings)
    runtime = runtime_of(service, settings, telemetry)
    telemetry.take_spans()
    try:
        yield runtime
    finally:
        await runtime.bus.close()
        await runtime.database.close()
        telemetry.close()
