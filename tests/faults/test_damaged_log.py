"""Rows C17 and C18: records on Kafka that are damaged, packed in a way nobody here unpacks, or made to unpack without end."""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiokafka.errors import CorruptRecordException
from confluent_kafka import Producer
from sqlalchemy import text

from deploy.kafka.broker import Broker
from shared.bus.kafka import KafkaBus
from shared.bus.kafka.unpacking import LARGEST_BATCH, unpacked
from shared.bus.partitions import partition_of
from shared.events.cloudevents import to_data, to_headers
from shared.repair import discard, parked_in_inbox, republish
from tests.faults.conftest import Tell
from tests.faults.road import PATIENCE, TOPIC, Road, road, two_databases
from tests.fixtures.postgres import NewDatabase
from tests.shared.facts import envelope, fact

pytestmark = pytest.mark.kafka

MEGABYTE = 1024 * 1024
BOMB = 300 * MEGABYTE
ROOM = 64 * MEGABYTE
"""What a bomb of 300 MB becomes, and what a reader may take to look at it."""


@pytest.fixture
async def way(kafka: Broker, kafka_namespace: str, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Road]:
    """A road over a real Kafka."""
    bus = KafkaBus(kafka.bootstrap, namespace=kafka_namespace)
    await bus.ensure_topics([TOPIC])
    async with road(two_databases(new_database), bus, tmp_path, deadline=8.0) as made:
        yield made


@pytest.fixture
def packing(kafka: Broker, kafka_namespace: str) -> Packing:
    """Somebody else who writes to the topic."""
    return Packing(kafka.bootstrap, kafka_namespace + TOPIC)


class Packing:
    """A publisher with another client, that packs what it sends."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic

    def send(self, codec: str, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """One record, packed, and stored when this returns."""
        refusals: list[object] = []
        settings = {"bootstrap.servers": self._bootstrap, "compression.type": codec, "message.max.bytes": 2 * BOMB, "linger.ms": 0}
        producer = Producer(settings)
        told: list[tuple[str, str | bytes | None]] = [*headers]
        heard = refusals.append
        producer.produce(self._topic, value, key, partition_of(key or b"", 6), headers=told, on_delivery=lambda error, _: heard(error))
        assert producer.flush(60) == 0
        assert refusals == [None]


async def until_set_aside(way: Road, kinds: set[str]) -> dict[str, str]:
    """Read until facts of these kinds are set aside; the reason of the last of each kind."""
    async with asyncio.timeout(PATIENCE):
        while {kind for kind, _ in await way.parked()} != kinds:
            await way.read()
    async with way.neighbour.session() as session:
        return {row.kind: row.reason for row in await parked_in_inbox(session)}


async def discard_notes(way: Road) -> None:
    """The operator has read what was noted, and seen to it."""
    async with way.neighbour.session() as session:
        for row in await parked_in_inbox(session):
            await discard(session, row.id, "seen to")
        await session.commit()


async def test_c16_what_others_sent_without_a_key_is_read_by_its_head(way: Road, packing: Packing, tell: Tell) -> None:
    sent = envelope(1, "foreign", fact(1, "foreign", "7"))
    packing.send("none", None, b"{}")
    packing.send("none", None, to_data(sent), to_headers(sent))
    assert "attribute missing" in (await until_set_aside(way, {"unreadable"}))["unreadable"]
    async with asyncio.timeout(PATIENCE):
        while await way.view() != {"foreign": [7]}:
            await way.read()
    assert len(await way.parked()) == 1
    tell.counted(2, "I5 I7")


async def test_c17_damaged_records_are_noted_and_passed_and_their_owner_sends_them_again(
    way: Road, kafka: Broker, kafka_namespace: str, tell: Tell
) -> None:
    hurt, whole = await way.write(ledgers=2, each=1)
    for _ in range(2):
        for ledger in (hurt, whole):
            await way.sent()  # so that each fact is in a batch of its own
            await way.note(ledger)
    await way.sent()
    folder = kafka.directory / "data" / f"{kafka_namespace}{TOPIC}-{partition_of(f'partner/{hurt}'.encode(), 6)}"
    damage(folder, await id_of(way, hurt, 2))
    reasons = await until_set_aside(way, {"unreadable", "gap"})
    assert "damaged" in reasons["unreadable"]
    async with asyncio.timeout(PATIENCE):
        while await way.view() != {hurt: [0], whole: [0, 1, 2]}:
            await way.read()
    async with way.owner.session() as session:
        assert await republish(session, subject=f"partner/{hurt}") == 3
        await session.commit()
    await way.sent()
    assert await until_set_aside(way, {"unreadable"}) == {"unreadable": reasons["unreadable"]}
    await discard_notes(way)
    await way.arrive()
    tell.counted(6, "I3 I4 I5 I7 I11")


async def id_of(way: Road, ledger: str, sequence: int) -> bytes:
    """The id of a fact as it stands in its message."""
    async with way.owner.reader() as reader:
        asked = text("SELECT id::text FROM outbox WHERE subject = :subject AND sequence = :sequence")
        found = await reader.execute(asked, {"subject": f"partner/{ledger}", "sequence": sequence})
        return str(found.scalar_one()).encode()


def damage(folder: Path, content: bytes) -> None:
    """Turns one letter of a stored record, as a failing disk does."""
    segment = next(folder.glob("*.log"))
    where = segment.read_bytes().index(content)
    with segment.open("r+b") as file:
        file.seek(where)
        file.write(b"X")


async def test_c18_what_others_packed_with_gzip_is_read(way: Road, packing: Packing, tell: Tell) -> None:
    sent = [envelope(number, "p1", fact(number, "p1", str(number))) for number in (1, 2, 3)]
    for one in sent:
        await asyncio.to_thread(packing.send, "gzip", one.subject.encode(), to_data(one), to_headers(one))
    async with asyncio.timeout(PATIENCE):
        while await way.view() != {"p1": [1, 2, 3]}:
            await way.read()
    assert await way.parked() == []
    tell.counted(3, "I5")


@pytest.mark.parametrize("codec", ["lz4", "zstd", "snappy"])
async def test_c18_a_batch_that_nobody_here_can_unpack_is_noted_and_passed(way: Road, packing: Packing, tell: Tell, codec: str) -> None:
    hurt, *_ = await way.write(ledgers=12, each=1)  # every other partition has much to give when the damage is met
    await way.sent()
    await asyncio.to_thread(packing.send, codec, f"partner/{hurt}".encode(), b"{}" * 5000)
    for ledger in way.told:
        await way.note(ledger)
    await way.sent()
    async with asyncio.timeout(PATIENCE):
        while await way.view() != way.told:
            await way.read()
    assert codec in (await until_set_aside(way, {"unreadable"}))["unreadable"].lower()
    restarts = way.telemetry.metrics.registry.get_sample_value("interurbe_consumer_restarts_total", {"consumer": "test.ledger"})
    assert not restarts  # what lay beside the damage came by itself, not because the watchdog had enough
    await discard_notes(way)
    await way.arrive()
    tell.counted(25, "I5 I7 I10")


@pytest.mark.slow_fault
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process how much memory it had at the most")
async def test_c18_a_bomb_is_noted_and_passed_within_a_memory_that_is_bounded(
    way: Road, packing: Packing, kafka: Broker, kafka_namespace: str, tell: Tell
) -> None:
    (ledger,) = await way.write(ledgers=1, each=1)
    await way.sent()
    for _ in range(3):
        await asyncio.to_thread(packing.send, "gzip", f"partner/{ledger}".encode(), bytes(BOMB))
    await way.note(ledger)
    await way.sent()
    url = way.neighbour.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.faults.reader", kafka.bootstrap, kafka_namespace, url, ledger]
    reader = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(reader.communicate(), PATIENCE)
    assert reader.returncode == 0
    assert int(said) < ROOM
    assert await way.view() == way.told
    assert "unpacks to more than" in (await until_set_aside(way, {"unreadable"}))["unreadable"]
    await discard_notes(way)
    await way.arrive()
    tell.counted(5, "I5 I7 I10")


def test_c18_what_is_packed_is_unpacked_up_to_a_bound_and_never_beyond() -> None:
    said = b"".join(b'{"names": {"es": "%d"}}' % number for number in range(10_000))
    assert unpacked(gzip.compress(said)) == said
    assert unpacked(gzip.compress(bytes(60_000))) == bytes(60_000)
    for bomb in (gzip.compress(bytes(70_000)), gzip.compress(bytes(LARGEST_BATCH + 1))):
        with pytest.raises(CorruptRecordException, match="more than"):
            unpacked(bomb)
    for broken in (gzip.compress(said)[:-9], b"", b"no gzip at all", gzip.compress(said)[:500] + bytes(500)):
        with pytest.raises(CorruptRecordException):
            unpacked(broken)
