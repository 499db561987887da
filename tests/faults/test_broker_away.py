"""Rows B1 to B6: the broker is away, flaps, loses acknowledgements, says nothing, or is far away; a proxy is in front of a real road."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.bus import Bus, Record, SendTimeout
from shared.bus.kafka import KafkaBus
from shared.upkeep import Upkeep
from tests.faults.mock_cluster import PRODUCE, MockCluster
from tests.faults.proxy import FaultProxy, of_kafka, saying
from tests.faults.road import PATIENCE, Road, faster_clock, proxied_mock, proxied_postgres, road, two_databases
from tests.fixtures.postgres import NewDatabase

pytestmark = pytest.mark.slow_fault  # outages last seconds each: `make faults` runs them

Way = tuple[Road, FaultProxy]


@pytest.fixture(params=["postgres", "mock"])
async def line(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[FaultProxy, Bus]]:
    """A bus through a proxy: on PostgreSQL, and on Kafka's mock cluster."""
    if request.param == "postgres":
        async with proxied_postgres(request.getfixturevalue("log_url")) as found:
            yield found
    else:
        with MockCluster() as cluster:
            async with proxied_mock(monkeypatch, cluster) as found:
                yield found


@pytest.fixture
async def way(line: tuple[FaultProxy, Bus], new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Way]:
    """A road over that bus."""
    proxy, bus = line
    async with road(two_databases(new_database), bus, tmp_path) as made:
        yield made, proxy


@pytest.mark.parametrize("seconds", [5, 60, 1800])
async def test_b1_while_the_broker_is_down_commands_succeed_and_facts_wait(way: Way, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    road, proxy = way
    await road.bus.ensure_topics(["interurbe.partners"])
    ledgers = await road.write(ledgers=4)
    await road.arrive()
    proxy.down()
    with faster_clock(monkeypatch, "shared.relay", "shared.consumer") as clock:
        for _ in range(5):
            for ledger in ledgers:
                await road.note(ledger)
            await road.step()
            clock.ahead += seconds / 5
        assert await road.unsent() == 20
        assert road.relay.trouble() is not None
        async with road.owner.session() as session:
            await session.execute(text(f"UPDATE outbox SET created_at = created_at - interval '{seconds + 1} seconds'"))
            await session.commit()
        upkeep = Upkeep(road.owner, road.bus, road.telemetry)
        await upkeep.step()
        assert (upkeep.trouble() is not None) == (seconds >= 60)
        proxy.up()
        await road.arrive()
    await upkeep.step()
    assert (road.relay.trouble(), upkeep.trouble()) == (None, None)


async def test_b2_down_at_the_start_all_begin_degraded_and_recover(way: Way) -> None:
    road, proxy = way
    proxy.down()
    await road.write()
    for _ in range(3):
        await road.step()
    assert await road.unsent() == 6
    assert road.relay.trouble() is not None
    assert road.consumer.trouble() is not None
    assert await road.bus.check() is not None
    proxy.up()
    await road.bus.ensure_topics(["interurbe.partners"])
    await road.arrive()
    assert (road.relay.trouble(), road.consumer.trouble(), await road.bus.check()) == (None, None, None)


async def test_b3_flapping_loses_nothing_and_leaves_no_connection_behind(way: Way) -> None:
    road, proxy = way
    await road.bus.ensure_topics(["interurbe.partners"])
    ledgers = await road.write(each=1)
    await road.arrive()
    before, tasks = proxy.open, len(asyncio.all_tasks())
    for _ in range(5):
        proxy.down()
        for ledger in ledgers:
            await road.note(ledger)
        await road.step()
        proxy.up()
        await road.step()
    await road.arrive()
    assert proxy.accepted > before
    assert proxy.open <= before + 2
    assert len(asyncio.all_tasks()) <= tasks + 10


async def test_b4_a_lost_acknowledgement_makes_a_repeat_that_nobody_sees(way: Way) -> None:
    road, proxy = way
    await road.bus.ensure_topics(["interurbe.partners"])
    ledgers = await road.write(each=1)
    await road.arrive()
    proxy.cut(of_kafka(PRODUCE) if isinstance(road.bus, KafkaBus) else saying(b"ce_specversion"), times=3, every=10)
    while proxy.cuts < 3:
        for ledger in ledgers:
            await road.note(ledger)
        await road.send()
    await road.arrive()
    copies = Counter(dict(message.headers)["ce_id"] for message in await road.log())
    assert len(copies) == sum(map(len, road.told.values()))
    assert max(copies.values()) > 1 or isinstance(road.bus, KafkaBus)


async def test_b5_in_a_black_hole_the_deadline_fires_and_nothing_piles_up(way: Way) -> None:
    road, proxy = way
    await road.bus.ensure_topics(["interurbe.partners"])
    await road.write()
    await road.arrive()
    producer = getattr(getattr(road.bus, "_sender", None), "_producer", None)
    proxy.black_hole = True
    road.relay._deadline = 0.3
    ledgers = await road.write()
    counts = []
    for _ in range(4):
        await road.note(ledgers[0])
        assert await road.send() == 0
        counts.append((len(asyncio.all_tasks()), proxy.open))
    assert "SendTimeout" in await _last_error(road)
    assert counts[-1][0] <= counts[1][0] + 4
    road.relay._deadline = 2.0
    proxy.up()
    proxy.reset()
    await road.arrive()
    if isinstance(road.bus, KafkaBus):
        assert road.bus._sender._producer is not producer


@pytest.mark.slow_fault
async def test_b6_half_a_second_away_all_is_slower_and_the_same(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is far for Kafka; the log in PostgreSQL is one machine's, and a fifth of a second is far for it."""
    road, proxy = way
    monkeypatch.setattr("shared.bus.kafka.subscription.ANSWER_SECONDS", 5.0)
    await road.bus.ensure_topics(["interurbe.partners"])
    road.relay._deadline = 8.0
    proxy.latency = 0.25 if isinstance(road.bus, KafkaBus) else 0.1  # each way
    await road.write()
    await road.arrive()


async def test_b6_a_producer_that_takes_longer_to_build_than_a_send_may_wait_is_built_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds away: a producer thrown away at each deadline would never be ready."""
    with MockCluster() as cluster:
        async with proxied_mock(monkeypatch, cluster) as (proxy, bus):
            proxy.latency = 0.25
            record = Record("interurbe.partners", b"partner/1", [], b"{}")
            assert isinstance((await bus.send([record], deadline=0.5))[0], SendTimeout)
            async with asyncio.timeout(PATIENCE):
                while any(await bus.send([record], deadline=1.5)):
                    pass
            await bus.close()


async def _last_error(road: Road) -> str:
    """What the relay wrote down: the outcome's kind is in its metric, its words on the row."""
    samples = road.telemetry.metrics.registry.collect()
    return " ".join(str(sample.labels) for metric in samples for sample in metric.samples if "relay_errors" in sample.name)
