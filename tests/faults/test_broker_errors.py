"""Rows B9 to B13 in the words of the protocol: librdkafka's mock cluster answers errors, moves leaders and coordinators."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka.errors import for_code

from shared.bus.kafka import KafkaBus
from shared.repair import parked_in_outbox, retry
from tests.faults import mock_cluster as mock
from tests.faults.mock_cluster import MockCluster
from tests.faults.road import TOPIC, Road, impatient, road, two_databases
from tests.fixtures.postgres import NewDatabase


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockCluster]:
    """Three brokers with a copy of the topic each."""
    impatient(monkeypatch)
    with MockCluster(3) as made:
        made.topic(TOPIC)
        yield made


@pytest.fixture
async def way(brokers: MockCluster, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Road]:
    """A road over them, already in use."""
    async with road(two_databases(new_database), KafkaBus(brokers.bootstrap), tmp_path, deadline=8.0) as made:
        await made.write()
        await made.arrive()
        yield made


async def copies(way: Road) -> Counter[bytes]:
    """How often each fact is in the log."""
    return Counter(dict(message.headers)["ce_id"] for message in await way.log())


async def test_b9_m_the_leaders_of_all_partitions_move_and_nothing_is_lost(way: Road, brokers: MockCluster) -> None:
    for leader in (1, 2, 3, 1):
        await way.write()
        for partition in range(6):
            brokers.lead(TOPIC, partition, leader)
        await way.step()
    await way.arrive()


async def test_b10_the_coordinator_of_the_group_moves_and_reading_goes_on(way: Road, brokers: MockCluster) -> None:
    for broker in (1, 2, 3, 1):
        brokers.coordinate("interurbe.test.ledger", broker)
        await way.write()
        await way.step()
    await way.arrive()


@pytest.mark.parametrize("error", [mock.NOT_ENOUGH_REPLICAS, mock.NOT_LEADER, mock.UNKNOWN_TOPIC, mock.STORAGE_ERROR, mock.TIMED_OUT])
async def test_b11_what_passes_is_tried_again_and_stored_once_more_at_most(
    way: Road, brokers: MockCluster, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    brokers.answer(mock.PRODUCE, *[error] * 4)
    await way.write()
    with caplog.at_level("WARNING", "aiokafka"):
        await way.arrive()
    assert for_code(error).__name__ in caplog.text
    found = await copies(way)
    assert len(found) == sum(map(len, way.told.values()))
    assert max(found.values()) <= 2


@pytest.mark.parametrize("error", [mock.TOO_LARGE, mock.TOPIC_FORBIDDEN, mock.INVALID_RECORD, mock.CORRUPT])
async def test_b12_what_is_refused_for_good_is_parked_and_other_subjects_flow(way: Road, brokers: MockCluster, error: int) -> None:
    brokers.answer(mock.PRODUCE, error)
    (refused,) = await way.write(ledgers=1, each=1)
    await way.send()
    async with way.owner.session() as session:
        rows = await parked_in_outbox(session)
    assert [row.subject for row in rows] == [f"partner/{refused}"]
    assert rows[0].last_error
    before = way.told.pop(refused)
    await way.write()
    await way.arrive()
    way.told[refused] = before
    async with way.owner.session() as session:
        await retry(session, [row.id for row in rows])
        await session.commit()
    await way.arrive()


@pytest.mark.parametrize("error", [mock.OUT_OF_ORDER, mock.UNKNOWN_PRODUCER, mock.INVALID_EPOCH])
async def test_b13_a_producer_that_lost_its_place_is_built_anew(way: Road, brokers: MockCluster, error: int) -> None:
    assert isinstance(way.bus, KafkaBus)
    producer = way.bus._sender._producer
    brokers.answer(mock.PRODUCE, error)
    await way.write()
    await way.arrive()
    assert way.bus._sender._producer is not producer
    assert max((await copies(way)).values()) <= 2
