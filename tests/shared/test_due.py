"""What is due is done once, in order, also after a long sleep; what fails keeps its reason and comes again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.due import DueLoop, due, forgive, owe

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Diary:
    """An act that remembers what it did."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.fails = False

    async def write(self, session: AsyncSession, subject: str, now: datetime) -> None:
        """Note the subject, or fail as told."""
        if self.fails:
            raise LookupError("the diary is lost")
        self.entries.append(subject)


@pytest.fixture
def diary() -> Diary:
    """An empty diary."""
    return Diary()


async def owed(database: Database, subject: str, at: datetime) -> None:
    async with database.session() as session:
        await owe(session, "write", subject, at)
        await session.commit()


async def test_nothing_happens_before_its_time(database: Database, diary: Diary) -> None:
    await owed(database, "a", NOON)
    loop = DueLoop(database, {"write": diary.write})
    assert await loop.step(NOON - HOUR) == 0
    assert await loop.step(NOON) == 1
    assert await loop.step(NOON + HOUR) == 0
    assert diary.entries == ["a"]


async def test_after_a_long_sleep_all_is_done_in_order(database: Database, diary: Diary) -> None:
    for subject, hours in (("third", 3), ("first", 1), ("second", 2)):
        await owed(database, subject, NOON + HOUR * hours)
    assert await DueLoop(database, {"write": diary.write}).step(NOON + timedelta(days=7)) == 3
    assert diary.entries == ["first", "second", "third"]


async def test_what_was_moved_happens_at_the_new_time_only(database: Database, diary: Diary) -> None:
    await owed(database, "a", NOON)
    await owed(database, "a", NOON + HOUR)
    loop = DueLoop(database, {"write": diary.write})
    assert await loop.step(NOON) == 0
    assert await loop.step(NOON + HOUR) == 1


async def test_what_was_forgiven_never_happens(database: Database, diary: Diary) -> None:
    await owed(database, "a", NOON)
    async with database.session() as session:
        await forgive(session, "write", "a")
        await session.commit()
    assert await DueLoop(database, {"write": diary.write}).step(NOON) == 0


async def test_several_loops_do_each_thing_once(database: Database, diary: Diary) -> None:
    for number in range(20):
        await owed(database, str(number), NOON)
    loops = [DueLoop(database, {"write": diary.write}) for _ in range(4)]
    assert sum(await asyncio.gather(*(loop.step(NOON) for loop in loops))) == 20
    assert sorted(diary.entries) == sorted(map(str, range(20)))


async def test_what_fails_keeps_its_reason_does_not_stop_the_rest_and_comes_again(database: Database, diary: Diary) -> None:
    await owed(database, "a", NOON)
    diary.fails = True
    loop = DueLoop(database, {"write": diary.write})
    await loop.step(NOON)
    await loop.step(NOON)
    assert "the diary is lost" in (loop.trouble() or "")
    async with database.reader() as reader:
        assert (await reader.execute(select(due.c.attempts))).scalar_one() == 1
    diary.fails = False
    assert await loop.step(NOON + HOUR) == 1
    assert diary.entries == ["a"]


async def test_a_failing_thing_that_is_due_first_does_not_hold_up_the_next(database: Database, diary: Diary) -> None:
    async def picky(session: AsyncSession, subject: str, now: datetime) -> None:
        if subject == "bad":
            await session.execute(text("SELECT 1/0"))
        await diary.write(session, subject, now)

    await owed(database, "bad", NOON - HOUR)
    await owed(database, "good", NOON)
    loop = DueLoop(database, {"write": picky})
    assert await loop.step(NOON) == 2
    assert diary.entries == ["good"]
    assert await loop.step(NOON) == 0
    assert "bad is due since" in (loop.trouble() or "")


async def test_an_act_that_loses_the_database_counts_as_never_tried(database: Database, diary: Diary) -> None:
    async def cut_off(session: AsyncSession, subject: str, now: datetime) -> None:
        await diary.write(session, subject, now)
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await owed(database, "a", NOON)
    loop = DueLoop(database, {"write": cut_off})
    with pytest.raises(SQLAlchemyError):
        await loop.step(NOON)
    assert "cannot be looked up" in (loop.trouble() or "")
    async with database.reader() as reader:
        assert (await reader.execute(select(due.c.attempts, due.c.not_before))).one() == (0, None)
    assert await DueLoop(database, {"write": diary.write}).step(NOON) == 1


async def test_what_nobody_knows_how_to_do_is_told(database: Database, diary: Diary) -> None:
    await owed(database, "a", NOON)
    loop = DueLoop(database, {"sing": diary.write})
    assert await loop.step(NOON) == 0
    assert loop.trouble() is None
    assert await loop.step(NOON + HOUR) == 0
    assert "nobody here knows" in (loop.trouble() or "")


async def test_a_thing_that_owes_itself_over_and_over_does_not_keep_the_loop(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[datetime] = []

    async def again(session: AsyncSession, subject: str, now: datetime) -> None:
        times.append(NOON - HOUR + timedelta(seconds=len(times)))
        await owe(session, "write", subject, times[-1])

    monkeypatch.setattr("shared.due.BATCH", 20)
    await owed(database, "a", NOON - HOUR * 2)
    assert await DueLoop(database, {"write": again}).step(NOON) == 20
    async with database.reader() as reader:
        assert (await reader.execute(select(due.c.due_at))).scalar_one() == times[-1]
