"""Loops that are never silently gone, and wake-ups that cross from one process to another."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from shared.db import Database
from shared.loop import Wake
from shared.process import keeping
from shared.process.keeping import Keeper
from shared.process.topics import Topics
from shared.process.wakes import CHANNEL, Listening, NotifyWake
from tests.fixtures.postgres import NewDatabase


class Worker:
    """A loop that counts its steps and does in each what it is told to."""

    poll_seconds = 0.001

    def __init__(self, name: str, act: Callable[[int], None] = lambda _step: None) -> None:
        self.name = name
        self.wake = Wake()
        self.steps = 0
        self.closed = 0
        self.stepped = asyncio.Event()
        self._act = act

    async def step(self) -> int:
        """Count, and act."""
        self.steps += 1
        self.stepped.set()
        self._act(self.steps)
        return 0

    def trouble(self) -> str | None:
        """None."""
        return None

    async def close(self) -> None:
        """Count as well."""
        self.closed += 1


async def reached(worker: Worker, steps: int) -> None:
    while worker.steps < steps:
        worker.stepped.clear()
        await worker.stepped.wait()


def cancel_on(number: int) -> Callable[[int], None]:
    def act(step: int) -> None:
        if step == number:
            raise asyncio.CancelledError

    return act


async def test_a_loop_that_ends_unasked_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AGAIN_SECONDS", 0.001)
    dying, other = Worker("dying", cancel_on(3)), Worker("other")
    keeper = Keeper([dying, other])
    keeper.start()
    await reached(dying, 10)
    assert await keeper.stop(60) == []
    assert dying.closed == 2
    assert other.closed == 1


async def test_a_loop_that_only_fails_goes_on() -> None:
    def fail(step: int) -> None:
        if step < 3:
            raise ValueError("not yet")

    worker = Worker("failing", fail)
    keeper = Keeper([worker])
    keeper.start()
    await reached(worker, 5)
    assert await keeper.stop(60) == []


async def test_a_loop_deep_in_a_step_is_cancelled_in_the_end() -> None:
    class Deep(Worker):
        async def step(self) -> int:
            self.steps += 1
            self.stepped.set()
            await asyncio.Event().wait()
            return 0

    deep = Deep("deep")
    keeper = Keeper([deep])
    keeper.start()
    await reached(deep, 1)
    assert await keeper.stop(0.01) == ["deep"]
    assert deep.closed == 1


async def test_stopping_before_anything_began_is_no_trouble() -> None:
    assert await Keeper([]).stop(60) == []
    keeper = Keeper([Worker("idle")])
    keeper.start()
    assert await keeper.stop(60) == []


class Ear:
    """A connection that counts the notifications it hears."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self.heard = 0
        self.first = asyncio.Event()

    def hear(self, *_what: object) -> None:
        """Count one."""
        self.heard += 1
        self.first.set()


@pytest.fixture
async def database(new_database: NewDatabase) -> AsyncIterator[Database]:
    made = Database(new_database("partners"))
    yield made
    await made.close()


@pytest.fixture
async def ear(database: Database) -> AsyncIterator[Ear]:
    made = Ear(await database.raw())
    await made.connection.add_listener(CHANNEL, made.hear)
    yield made
    await made.connection.close()


async def test_many_commits_make_few_notifications(database: Database, ear: Ear) -> None:
    wake = NotifyWake(database)
    wake.start()
    for _ in range(1000):
        wake.set()
    await ear.first.wait()
    wake.set()
    await wake.close()
    await ear.connection.execute("SELECT 1")
    assert ear.heard == 2


async def test_what_is_noted_while_a_notification_is_under_way_is_passed_on_at_the_end(
    database: Database, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.process.wakes._log", structlog.get_logger())  # one that was used before writes where it wrote then
    wake = NotifyWake(database)
    wake.start()
    wake.set()
    await ear.first.wait()
    wake.set()
    assert wake._task is not None
    while wake._asked.is_set():
        await asyncio.wait({wake._task}, timeout=0)  # until the next one is under way
    wake.set()
    with capture_logs() as told:
        await wake.close()
    await ear.connection.execute("SELECT 1")
    assert ear.heard >= 2
    assert told == []


async def test_a_commit_here_wakes_the_relay_there(database: Database) -> None:
    relay = Wake()
    listening = Listening(database, relay)
    await listening.step()
    await relay.wait(0)
    notify = NotifyWake(database)
    notify.start()
    notify.set()
    await relay._event.wait()
    await notify.close()
    await listening.close()


async def test_a_cut_line_is_mended_at_once(database: Database) -> None:
    relay = Wake()
    listening = Listening(database, relay)
    await listening.step()
    await relay.wait(0)
    assert listening._connection is not None
    cutter = await database.raw()
    await cutter.execute("SELECT pg_terminate_backend($1)", listening._connection.get_server_pid())
    await listening.wake._event.wait()
    await listening.step()
    await relay._event.wait()
    await cutter.execute(f"NOTIFY {CHANNEL}")
    await relay._event.wait()
    await cutter.close()
    await listening.close()


async def test_a_database_that_is_away_stops_no_commit() -> None:
    wake = NotifyWake(Database("postgresql://nobody:x@127.0.0.1:9/nowhere"))
    wake.start()
    wake.set()
    await wake.close()


async def test_topics_are_made_again_when_they_are_gone(log_url: str) -> None:
    from shared.bus.postgres import PostgresBus  # noqa: PLC0415 - beside its only use

    bus = PostgresBus(log_url)
    topics = Topics(bus, ("interurbe.partners",))
    await topics.step()
    assert topics.trouble() is None
    connection = await asyncpg.connect(log_url)
    await connection.execute("DELETE FROM log_topic")
    await topics.step()
    assert await connection.fetchval("SELECT count(*) FROM log_topic") == 1
    await connection.close()
    await bus.close()
