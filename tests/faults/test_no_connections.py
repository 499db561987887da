"""Row D8 on the mechanism: PostgreSQL refuses with 53300 "too many connections"; relay and consumer wait, say so, and go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.embedded.postgres import Cluster
from tests.faults.conftest import Tell
from tests.faults.outlets import Outlet
from tests.faults.road import PATIENCE, TOPIC, Road, road, two_databases
from tests.fixtures.buses import open_bus_of
from tests.fixtures.postgres import NewDatabase

KAFKA = [pytest.mark.kafka, pytest.mark.slow_fault]
PLACES = [
    *(("postgres", whose) for whose in ("owner", "neighbour", "bus")),
    *(pytest.param("kafka", whose, marks=KAFKA) for whose in ("owner", "neighbour")),
]


@pytest.fixture
async def way(kind: str, request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Road]:
    """A road already in use."""
    bus = open_bus_of(request, kind)
    await bus.ensure_topics([TOPIC])
    async with road(two_databases(new_database), bus, tmp_path, deadline=8.0) as made:
        await made.write()
        await made.arrive()
        yield made


@pytest.fixture
def outlet(way: Road, whose: str, cluster: Cluster, request: pytest.FixtureRequest) -> Outlet:
    """The way into the database of the owner, of the neighbour, or of the log."""
    if whose == "bus":
        return Outlet(cluster, request.getfixturevalue("log_url"))
    return Outlet(cluster, str((way.owner if whose == "owner" else way.neighbour).url))


@pytest.mark.parametrize(("kind", "whose"), PLACES)
async def test_d8_a_server_without_connections_left_is_waited_for(way: Road, outlet: Outlet, whose: str, tell: Tell) -> None:
    for _ in range(3):
        outlet.close()
        if whose != "owner":
            await way.write(ledgers=2, each=2)
        async with asyncio.timeout(PATIENCE):
            while "connections" not in f"{way.relay.trouble()} {way.consumer.trouble()}":
                await way.step()
        outlet.open()
        if whose == "owner":
            await way.owner.close()  # the hand of the test itself held connections too
        await way.write(ledgers=2, each=2)
        await way.arrive()
        async with asyncio.timeout(PATIENCE):  # a pooled connection that was cut may be met only now
            while way.relay.trouble() or way.consumer.trouble():
                await way.step()
    tell.counted(sum(map(len, way.told.values())), "I1 I3 I4 I5 I7 I8 I11")
