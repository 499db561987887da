"""Row R16: a million facts wait in the outbox; how fast they go, and what requests notice of it, is in `make bench ARGS=backlog-kafka`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psutil
import pytest

from shared.bus import Bus
from shared.db import Database
from shared.relay import Relay
from shared.repair import waiting
from shared.telemetry import Telemetry
from tests.faults.conftest import Tell
from tests.shared.ledger import backlog, topics

FACTS, SUBJECTS = 1_000_000, 20_000

pytestmark = [pytest.mark.slow_fault, pytest.mark.timeout(1500)]


@pytest.fixture
async def relay(database: Database, bus: Bus, telemetry: Telemetry) -> AsyncIterator[Relay]:
    """The relay of the owner's database."""
    await topics(bus)
    made = Relay(database, bus, telemetry)
    yield made
    await made.close()


async def test_r16_a_million_facts_are_drained_and_the_relay_does_not_grow(relay: Relay, database: Database, tell: Tell) -> None:
    await backlog(database, FACTS, SUBJECTS)
    sizes, sent = [], 0
    while sent <= FACTS:
        done = await relay.step()
        sent += done
        sizes.append(psutil.Process().memory_info().rss)
        assert done or relay.trouble() is None, relay.trouble()
    async with database.session() as session:
        assert (await waiting(session))[0] == 0
    assert sent == FACTS + 1
    fifth = len(sizes) // 5
    assert sizes[-1] <= 1.05 * max(sizes[:fifth])
    tell.counted(sent, "I3 I8 I10")
