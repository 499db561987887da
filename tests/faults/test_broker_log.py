"""Rows B7, B8 and B14 to B19: the log loses topics, records, offsets or itself. Real servers, on both buses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from shared.bus.kafka import KafkaBus
from shared.bus.partitions import partition_of
from shared.process.topics import Topics
from shared.repair import discard, parked_in_inbox, republish
from tests.faults.road import EXPECTED, PATIENCE, TOPIC, Road, road, two_databases
from tests.fixtures.postgres import NewDatabase
from tests.fixtures.servers import Fragile, FragileKafka, FragilePostgres

GROUP = "interurbe.test.ledger"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def way(fragile: Fragile, new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Road]:
    """A road over a server of the test's own, already in use."""
    monkeypatch.setattr("shared.course.LOOK_SECONDS", 1.0)
    bus = fragile.bus()
    await bus.ensure_topics([TOPIC])
    async with road(two_databases(new_database), bus, tmp_path, deadline=8.0) as made:
        await made.write()
        await made.arrive()
        yield made


@pytest.fixture
def vandal(fragile: Fragile) -> KafkaVandal | PostgresVandal:
    """Who does the damage."""
    return KafkaVandal(fragile) if isinstance(fragile, FragileKafka) else PostgresVandal(fragile)  # type: ignore[arg-type]  # one of two


@pytest.fixture
async def watch(way: Road) -> Topics:
    """The loop that looks after the owner's topics; it has met the log."""
    made = Topics(way.bus, [TOPIC], way.owner)
    await made.step()
    assert made.trouble() is None
    return made


class PostgresVandal:
    """Damages the log in PostgreSQL."""

    def __init__(self, server: FragilePostgres) -> None:
        self._server = server

    async def delete_topic(self) -> None:
        await self._sql(f"DELETE FROM log_topic WHERE name = '{TOPIC}'")

    async def make_wider(self) -> None:
        """On PostgreSQL a topic always has six partitions."""
        await self.delete_topic()

    async def forget_records(self) -> None:
        await self._sql("UPDATE log_partition SET first_offset = next_offset; DELETE FROM log_record")

    async def forget_group(self) -> None:
        await self._sql("DELETE FROM log_progress")

    async def push_offsets_out(self) -> None:
        await self._sql("UPDATE log_progress SET next_offset = next_offset + 1000")

    async def wipe(self) -> None:
        await asyncio.to_thread(self._server.sql, "DROP DATABASE log WITH (FORCE);\nCREATE DATABASE log OWNER log;")

    async def _sql(self, script: str) -> None:
        connection = await asyncpg.connect(self._server.bus()._url)
        await connection.execute(script)
        await connection.close()


class KafkaVandal:
    """Damages a real Kafka."""

    def __init__(self, server: FragileKafka) -> None:
        self._server = server
        self._topic, self._group = server.namespace + TOPIC, server.namespace + GROUP

    async def delete_topic(self) -> None:
        admin = await self._admin()
        await admin.delete_topics([self._topic])
        async with asyncio.timeout(PATIENCE):
            while self._topic in await admin.list_topics():
                pass
        await admin.close()

    async def make_wider(self) -> None:
        await self.delete_topic()
        admin = await self._admin()
        async with asyncio.timeout(PATIENCE):
            while self._topic not in await admin.list_topics():
                await admin.create_topics([NewTopic(self._topic, 12, 1)])
        await admin.close()

    async def forget_records(self) -> None:
        admin = await self._admin()
        await admin.delete_records({TopicPartition(self._topic, number): RecordsToDelete(before_offset=-1) for number in range(6)})
        await admin.close()

    async def forget_group(self) -> None:
        """As when its offsets expired; its last member may be there a moment longer than it says."""
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(self._deleted):
                pass

    async def push_offsets_out(self) -> None:
        """Further than anything that was ever written."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._server.broker.bootstrap, group_id=self._group, enable_auto_commit=False)
        await consumer.start()
        consumer.assign([TopicPartition(self._topic, number) for number in range(6)])
        await consumer.commit({TopicPartition(self._topic, number): 1000 for number in range(6)})
        await consumer.stop()

    async def wipe(self) -> None:
        broker = self._server.broker
        await asyncio.to_thread(broker.stop)
        rmtree(broker.directory / "data")
        broker.cluster_id = None
        await asyncio.to_thread(broker.start)

    def _deleted(self) -> bool:
        admin = AdminClient({"bootstrap.servers": self._server.broker.bootstrap})
        (gone,) = admin.delete_consumer_groups([self._group]).values()
        try:
            gone.result(PATIENCE)
        except KafkaException as refused:
            return bool(refused.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND)
        return True

    async def _admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._server.broker.bootstrap)
        await admin.start()
        return admin


# Every row on a broker of its own, and on Kafka it takes seconds to damage it: `make faults` runs those.
pytestmark = pytest.mark.parametrize(
    "fragile", ["postgres", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.slow_fault])], indirect=True
)
Vandal = KafkaVandal | PostgresVandal


async def send_again(way: Road, since: datetime = LONG_AGO) -> None:
    """The operator's `republish --since`."""
    async with way.owner.session() as session:
        assert await republish(session, since=since)
        await session.commit()


async def test_b7_a_deleted_topic_is_told_and_sent_again(way: Road, vandal: Vandal, watch: Topics) -> None:
    await way.write()
    await way.sent()  # and not read
    await vandal.delete_topic()
    await noticed(watch)
    await way.write()
    await way.sent()
    await send_again(way)
    await way.arrive()
    await watch.step()
    assert watch.trouble() is None


async def test_b8_a_topic_made_anew_with_more_partitions_keeps_the_order(way: Road, vandal: Vandal, watch: Topics) -> None:
    ledgers = await way.write()
    await way.sent()
    await vandal.make_wider()
    await noticed(watch)
    for ledger in ledgers:
        await way.note(ledger)
    await send_again(way)
    await way.arrive()


async def test_b14_a_broker_killed_in_the_middle_of_a_batch_loses_nothing(way: Road, fragile: Fragile) -> None:
    await way.write(ledgers=20, each=10)
    sending = asyncio.create_task(way.send())
    await asyncio.wait([sending], timeout=0.01)  # wherever it is by then
    assert not sending.done()
    fragile.kill()
    await sending
    await asyncio.to_thread(fragile.start)
    await way.arrive()


async def test_b16_what_retention_took_unread_is_noticed_and_sent_again(way: Road, vandal: Vandal) -> None:
    await way.stop_reading()
    ledgers = list(way.told) + await way.write()
    await way.sent()
    for ledger in ledgers[:3]:
        await way.note(ledger)
    await way.sent()
    gone = {partition_of(f"partner/{ledger}".encode(), 6) for ledger in ledgers}
    await vandal.forget_records()
    await way.note(ledgers[0])  # of the others nothing more is ever heard: no gap would show that anything is missing
    await way.sent()
    async with asyncio.timeout(PATIENCE):
        while await lost_in(way) != gone or "left the log unread" not in str(way.consumer.trouble()):
            await way.read()
    await send_again(way)
    async with asyncio.timeout(PATIENCE):
        while await way.view() != way.told or {kind for kind, _ in await way.parked()} != {"lost"}:
            await way.step()
    await discard_notes(way)
    await way.arrive()
    async with asyncio.timeout(PATIENCE):
        while way.consumer.trouble() is not None:
            await way.read()


async def lost_in(way: Road) -> set[int]:
    """The partitions of which the consumer has noted that something left them unread."""
    async with way.neighbour.session() as session:
        return {row.partition for row in await parked_in_inbox(session) if row.kind == "lost"}


async def discard_notes(way: Road) -> None:
    """The operator has read them, and sees to it."""
    async with way.neighbour.session() as session:
        for row in await parked_in_inbox(session):
            await discard(session, row.id, "sent again")
        await session.commit()


async def test_b17_a_group_without_offsets_reads_from_the_earliest_and_nothing_twice(way: Road, vandal: Vandal) -> None:
    await way.stop_reading()
    await vandal.forget_group()
    await way.write()
    before = met_again(way)
    await way.arrive()
    assert met_again(way) >= before + 6  # it was read from the earliest, what it had long had too


def met_again(way: Road) -> float:
    """How many facts the consumer has met again, and passed."""
    return way.telemetry.metrics.registry.get_sample_value("interurbe_consumer_duplicates_total", {"consumer": "test.ledger"}) or 0


async def test_b18_offsets_beyond_the_log_lead_back_to_the_earliest(way: Road, vandal: Vandal) -> None:
    await way.stop_reading()
    await way.write()
    await way.sent()
    await vandal.push_offsets_out()
    before = met_again(way)
    await way.arrive()
    assert met_again(way) >= before + 6


@pytest.mark.parametrize("while_reading", [True, False])
async def test_b19_a_wiped_log_behind_the_same_address_is_noticed_and_nothing_skipped(
    way: Road, vandal: Vandal, watch: Topics, *, while_reading: bool
) -> None:
    if not while_reading:
        await way.stop_reading()
    await way.write()
    await way.sent()  # and not read: this is in no log any more
    await vandal.wipe()
    await noticed(watch)
    await way.write(ledgers=12, each=8)  # more than the old log had
    await way.sent()
    await send_again(way, datetime.now(UTC) - timedelta(days=1000))
    await way.arrive()
    await watch.step()
    assert watch.trouble() is None


async def noticed(watch: Topics) -> None:
    """Step until the operator is told; steps may fail while the server comes up, or has not yet heard of a topic just made."""
    async with asyncio.timeout(PATIENCE):
        while "republish --since" not in str(watch.trouble()):
            with suppress(*EXPECTED):
                await watch.step()


async def test_b19_a_reader_whose_place_exists_in_the_new_topic_too_goes_back(way: Road, vandal: Vandal) -> None:
    """The worst case: the topic is made anew and grows past the reader's place before the reader asks again."""
    await way.step()
    if isinstance(way.bus, KafkaBus):
        await way.bus._sender.discard()
    await vandal.delete_topic()
    await way.bus.ensure_topics([TOPIC])
    await way.write(ledgers=40, each=3)
    await way.sent()
    await way.arrive()
