"""What only the log in PostgreSQL does: order of commits, retention, the lock of a group and its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from deploy.embedded.postgres import Cluster
from shared.bus import BusUnavailable, CommitRefused, Message, Record, SendTimeout, Subscription, TopicPartition
from shared.bus.postgres import PostgresBus

TOPIC = "interurbe.things"
DEADLINE = 60.0
PATIENCE = 60.0


def record(key: str, number: int = 0) -> Record:
    return Record(TOPIC, key.encode(), [], str(number).encode())


@pytest.fixture
async def bus(log_url: str) -> AsyncIterator[PostgresBus]:
    made = PostgresBus(log_url)
    await made.ensure_topics([TOPIC])
    yield made
    await made.close()


@pytest.fixture
def database(log_url: str) -> str:
    return log_url.rsplit("/", 1)[1]


async def read(member: Subscription, count: int) -> list[Message]:
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            for messages in (await member.poll(limit=100, timeout=1.0)).values():
                found += messages
    return found


def hang_up(cluster: Cluster, database: str) -> None:
    """Ends every connection to the log, as an administrator or a network would."""
    cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")


async def test_shows_offsets_in_order_while_many_append(bus: PostgresBus, log_url: str) -> None:
    """A reader that saw offset n never finds one below n later: the cursor would have passed it by."""
    writers = [PostgresBus(log_url) for _ in range(8)]

    async def write(writer: PostgresBus, name: int) -> None:
        for number in range(0, 50, 5):
            assert not any(await writer.send([record(f"{name}", number + step) for step in range(5)], deadline=DEADLINE))

    async with bus.subscribe("order", [TOPIC]) as member:
        reading = asyncio.create_task(read(member, 400))
        await asyncio.gather(*(write(writer, name) for name, writer in enumerate(writers)))
        found = await reading
    await asyncio.gather(*(writer.close() for writer in writers))
    for partition in range(6):
        offsets = [message.offset for message in found if message.partition == partition]
        assert offsets == list(range(len(offsets)))
    for name in range(8):
        assert [int(message.value or b"") for message in found if message.key == str(name).encode()] == list(range(50))


async def test_forgets_the_beginning_and_goes_on_behind_it(bus: PostgresBus) -> None:
    await bus.send([record("a", number) for number in range(10)], deadline=DEADLINE)
    assert await bus.forget(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await bus.forget(datetime.now(UTC) + timedelta(hours=1)) == 10
    await bus.send([record("a", 10)], deadline=DEADLINE)
    async with bus.subscribe("late", [TOPIC]) as member:
        (message,) = await read(member, 1)
        assert (message.value, message.offset) == (b"10", 10)
        assert sum((await member.lag()).values()) == 1


async def test_gives_up_at_the_deadline_and_sends_again_later(bus: PostgresBus, cluster: Cluster, log_url: str) -> None:
    await bus.send([record("a", 1)], deadline=DEADLINE)
    blocker = PostgresBus(log_url)
    await blocker.ensure_topics([TOPIC])
    holding = await blocker._connected()
    async with holding.transaction():
        await holding.execute("SELECT 1 FROM log_topic FOR UPDATE")
        assert [type(outcome) for outcome in await bus.send([record("a", 2)], deadline=0.3)] == [SendTimeout]
    assert await bus.send([record("a", 2)], deadline=DEADLINE) == [None]
    await blocker.close()


async def test_refuses_a_commit_after_its_connection_was_cut(bus: PostgresBus, cluster: Cluster, database: str) -> None:
    """The lock of the group went with the connection: another member may be reading by now."""
    async with bus.subscribe("cut", [TOPIC]) as member:
        await bus.send([record("a", number) for number in range(3)], deadline=DEADLINE)
        found = await read(member, 3)
        generation = member.generation
        hang_up(cluster, database)
        with pytest.raises(CommitRefused):
            await member.commit({TopicPartition(TOPIC, found[0].partition): 3})
        assert member.generation > generation
        assert await read(member, 3) == found


async def test_sends_on_a_new_connection_after_its_own_was_cut(bus: PostgresBus, cluster: Cluster, database: str) -> None:
    assert await bus.send([record("a", 1)], deadline=DEADLINE) == [None]
    hang_up(cluster, database)
    async with asyncio.timeout(PATIENCE):
        while any(await bus.send([record("a", 2)], deadline=DEADLINE)):
            pass


async def test_keeps_others_out_until_the_reader_leaves(bus: PostgresBus) -> None:
    await bus.send([record("a", 1)], deadline=DEADLINE)
    async with bus.subscribe("one", [TOPIC]) as standby:
        async with bus.subscribe("one", [TOPIC]) as reader:
            await read(reader, 1)
            assert await standby.poll(limit=10, timeout=0.6) == {}
            assert standby.assignment() == set()
            assert await standby.lag() == {}
        assert len(await read(standby, 1)) == 1


async def test_makes_its_tables_once_however_many_come(log_url: str) -> None:
    buses = [PostgresBus(log_url) for _ in range(5)]
    await asyncio.gather(*(bus.ensure_topics([TOPIC]) for bus in buses))
    assert await buses[0].send([record("a")], deadline=DEADLINE) == [None]
    await asyncio.gather(*(bus.close() for bus in buses))


async def test_says_in_plain_words_what_is_wrong(log_url: str) -> None:
    address, _, database = log_url.rpartition("/")
    role, _, _ = address.removeprefix("postgresql://").partition(":")
    host = address.rpartition("@")[2]
    wrong = {
        f"postgresql://{role}:secret-guess@{host}/{database}": "refuses the user 'log'",
        f"{address}/nowhere": "there is no database",
        "postgresql://log:secret-guess@127.0.0.1:9/log": "nothing answers at 127.0.0.1:9",
    }
    for url, words in wrong.items():
        bus = PostgresBus(url)
        trouble = await bus.check() or ""
        assert words in trouble
        assert "INTERURBE_LOG_URL" in trouble
        assert "secret-guess" not in trouble
        with pytest.raises(BusUnavailable):
            await bus.ensure_topics([TOPIC])
        await bus.close()


async def test_refuses_work_when_closed(bus: PostgresBus) -> None:
    member = bus.subscribe("closed", [TOPIC])
    await member.close()
    with pytest.raises(BusUnavailable):
        await member.poll(limit=1, timeout=0.1)
    await bus.close()
    with pytest.raises(BusUnavailable):
        await bus.ensure_topics([TOPIC])
