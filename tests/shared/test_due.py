"""What is due is done once, in order, also after a long sleep; what fails keeps its reason and comes again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
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
