"""A consumer in a process of its own, so that a test sees what memory it takes.

`python -m tests.faults.reader BROKER NAMESPACE DATABASE LEDGER` reads
until the view shows two notes of the ledger, and prints by how many bytes its memory had grown at the most.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from shared.bus.kafka import KafkaBus
from shared.consumer import Consumer
from shared.db import Database
from shared.events import PartnerRegistered, PartnerUpdated
from shared.process.runtime import Runtime
from shared.settings import TelemetrySettings
from shared.telemetry import Telemetry
from tests.shared.ledger import SilentWake, noted, seen


def highest() -> int:
    """The most memory this process ever had, in bytes."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


async def read(bus: KafkaBus, database: Database, ledger: str) -> int:
    """Step until the ledger is seen as it is; by how much memory grew."""
    with tempfile.TemporaryDirectory() as folder:
        telemetry = Telemetry("test", TelemetrySettings(traces_dir=Path(folder)))
        runtime = Runtime(settings=None, database=database, bus=bus, wake=SilentWake(), telemetry=telemetry)  # type: ignore[arg-type]  # loops read no settings
        consumer = Consumer("test.ledger", runtime, {PartnerRegistered: noted, PartnerUpdated: noted})
        await seen(database, ledger)
        before = highest()
        while len(await seen(database, ledger)) < 2:
            await consumer.step()
        await consumer.close()
        return highest() - before


async def main(bootstrap: str, namespace: str, url: str, ledger: str) -> None:
    """Read and say."""
    bus, database = KafkaBus(bootstrap, namespace=namespace), Database(url)
    sys.stdout.write(f"{await read(bus, database, ledger)}\n")
    await bus.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
