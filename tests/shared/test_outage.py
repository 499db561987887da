"""Whose fault it is: what the database answers for is read again, what the fact answers for is set aside."""

from __future__ import annotations

import errno

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.db import Database
from shared.outage import is_outage

THE_DATABASE = [
    ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
    OSError("Multiple exceptions: [Errno 111] …"),
    TimeoutError(),
    PoolTimeout(),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.DiskFullError("no space left"),
]
THE_FACT = [
    ValueError("wrong"),
    LookupError("none"),
    IsADirectoryError(errno.EISDIR, "a time zone called America"),
    OSError(errno.ENAMETOOLONG, "a time zone with a very long name"),
    FileNotFoundError(errno.ENOENT, "none of this name"),
    IntegrityError("INSERT", {}, Exception("duplicate")),
]
STATEMENTS = {
    "SELECT pg_terminate_backend(pg_backend_pid())": True,
    "SELECT pg_cancel_backend(pg_backend_pid())": True,
    "SELECT * FROM not_migrated_yet": True,
    "SELECT not_migrated_yet FROM outbox": True,
    "SELECT * FROM pg_authid": True,
    "SELECT 1/0": False,
    "INSERT INTO inbox_mark VALUES ('c', 's', NULL)": False,
    "INSERT INTO inbox_mark VALUES ('c', 's', 3000000000)": False,
    "SELECT 'x'::int": False,
}


@pytest.mark.parametrize("error", THE_DATABASE, ids=repr)
def test_the_database_is_to_blame(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize("error", THE_FACT, ids=repr)
def test_the_fact_is_to_blame(error: Exception) -> None:
    assert not is_outage(error)


async def test_what_postgresql_says_is_told_apart(database: Database) -> None:
    found: dict[str, bool] = {}
    for statement in STATEMENTS:
        async with database.session() as session:
            with pytest.raises(SQLAlchemyError) as caught:
                await session.execute(text(statement))
            found[statement] = is_outage(caught.value)
    assert found == STATEMENTS


async def test_what_no_column_can_hold_is_the_fact_s_fault(database: Database) -> None:
    for kind, value in (("int", 2**40), ("text", "\ud800"), ("text", "\x00")):
        async with database.session() as session:
            with pytest.raises(SQLAlchemyError) as caught:
                await session.execute(text(f"SELECT CAST(:value AS {kind})"), {"value": value})
            assert not is_outage(caught.value), repr(value)


async def test_a_password_that_was_changed_is_the_database_s_fault(database: Database) -> None:
    url = database.url.set(drivername="postgresql", password="wrong").render_as_string(hide_password=False)
    with pytest.raises(SQLAlchemyError) as caught:
        async with Database(url).session() as session:
            await session.execute(text("SELECT 1"))
    assert is_outage(caught.value)
