"""Row R16: a million facts wait in the outbox; how fast they go, and what requests notice of it, is in `make bench ARGS=backlog-kafka`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psutil
import pytest
from sqlalchemy import text

from shared.bus import Bus
from shared.db import Database
from shared.relay import Relay
from shared.repair import waiting
from shared.telemetry import Telemetry
from tests.faults.conftest import Tell
from tests.shared.ledger import new_ledger, topics

FACTS, SUBJECTS, AT_ONCE = 1_000_000, 20_000, 100_000
COPIED = text("""
INSERT INTO outbox (id, subject, sequence, topic, key, type, headers, payload)
SELECT gen_random_uuid(), 'partner/copy' || n % :subjects, n / :subjects + 1, topic, 'partner/copy' || n % :subjects, type,
  (replace(headers::text, '"' || sequence || '"]', '"' || n / :subjects + 1 || '"]'))::json, payload
FROM (SELECT * FROM outbox WHERE subject NOT LIKE 'partner/copy%' LIMIT 1) AS one,
  generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
ORDER BY n
""")

pytestmark = [pytest.mark.slow_fault, pytest.mark.timeout(1500)]


@pytest.fixture
async def relay(database: Database, bus: Bus, telemetry: Telemetry) -> AsyncIterator[Relay]:
    """The relay of the owner's database."""
    await topics(bus)
    made = Relay(database, bus, telemetry)
    yield made
    await made.close()


async def test_r16_a_million_facts_are_drained_and_the_relay_does_not_grow(relay: Relay, database: Database, tell: Tell) -> None:
    await new_ledger(database, 1)
    for first in range(0, FACTS, AT_ONCE):
        async with database.session() as session:
            await session.execute(COPIED, {"subjects": SUBJECTS, "first": first, "last": first + AT_ONCE - 1})
            await session.commit()
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
