"""Migrations: written from the models, one migrator at a time, and whole again after one was killed."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from shared import migrations
from tests.fixtures.postgres import NewDatabase

ROOT = Path(__file__).parents[2]

MODELS = """
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from shared.db import NAMING

class Model(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)

class Crossing(Model):
    __tablename__ = "crossing"
    id: Mapped[int] = mapped_column(primary_key=True)
"""

ENV = """
from shared.migrations import run_env, tables_of

run_env(*tables_of("ferry"))
"""

SLOW = """
from alembic import op
revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("CREATE TABLE half (id int)")
    op.execute("SELECT pg_advisory_lock(7)")
    op.execute("CREATE TABLE whole (id int)")
"""

LOCKING = """
from alembic import op
revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("ALTER TABLE crossing ADD COLUMN ship text")
"""


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase) -> Iterator[Path]:
    """The folder of the migrations of a service `ferry` that lives beside the real ones, its first one written."""
    folder = tmp_path / "services" / "ferry" / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    shutil.copy(ROOT / "services" / "partners" / "migrations" / "script.py.mako", folder)
    (folder.parent / "__init__.py").write_text("")
    (folder.parent / "models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)
    migrations.new_migration("ferry", "first", new_database("partners"))
    yield folder / "versions"
    for name in [name for name in sys.modules if name.startswith("services.ferry")]:
        del sys.modules[name]


def tables(url: str) -> set[str]:
    rows = asyncio.run(_fetch(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    return {row["tablename"] for row in rows}


async def _fetch(url: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(statement)
    await connection.close()
    return list(rows)


def migrator(versions: Path, url: str) -> "subprocess.Popen[str]":
    """A process that migrates."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{versions.parents[3]}"}
    program = f"from shared import migrations; print(*migrations.upgrade('ferry', {url!r}))"
    return subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)


def test_the_first_migration_makes_what_the_models_say(versions: Path, database_url: str) -> None:
    assert [path.name for path in versions.glob("*.py")] == ["0001_first.py"]
    assert migrations.head("ferry") == "0001"
    assert migrations.current(database_url) is None
    assert migrations.upgrade("ferry", database_url) == (None, "0001")
    assert migrations.upgrade("ferry", database_url) == ("0001", "0001")
    assert {"crossing", "outbox", "inbox_mark", "idempotency", "due", "relay_lease"} <= tables(database_url)
    assert migrations.differences("ferry", database_url) == []


def test_there_is_no_migration_without_a_change(versions: Path, database_url: str) -> None:
    with pytest.raises(SystemExit, match="there is nothing to write"):
        migrations.new_migration("ferry", "nothing", database_url)
    assert len(list(versions.glob("*.py"))) == 1


def test_what_the_database_lacks_is_told(versions: Path, database_url: str) -> None:
    migrations.upgrade("ferry", database_url)
    asyncio.run(_fetch(database_url, "DROP TABLE crossing"))
    assert "crossing" in migrations.differences("ferry", database_url)[0]


def test_migrators_that_start_together_take_turns(versions: Path, database_url: str) -> None:
    started = [migrator(versions, database_url) for _ in range(3)]
    assert [one.communicate()[0].endswith("0001\n") for one in started] == [True, True, True]
    assert asyncio.run(_fetch(database_url, "SELECT version_num FROM alembic_version")) == [("0001",)]


def test_a_killed_migrator_leaves_nothing_half_done(versions: Path, database_url: str) -> None:
    migrations.upgrade("ferry", database_url)
    (versions / "0002_slow.py").write_text(SLOW)
    started: list[subprocess.Popen[str]] = []

    async def kill_half_way() -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute("SELECT pg_advisory_lock(7)")
        started.append(migrator(versions, database_url))
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            continue
        started[0].send_signal(signal.SIGKILL)
        started[0].communicate()
        await connection.close()

    asyncio.run(kill_half_way())
    assert migrations.upgrade("ferry", database_url)[1] == "0002"
    assert {"half", "whole"} <= tables(database_url)


def test_a_table_in_use_is_tried_again_and_then_given_up(versions: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations.upgrade("ferry", database_url)
    (versions / "0002_locking.py").write_text(LOCKING)
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "10ms")
    tried: list[float] = []
    monkeypatch.setattr("shared.migrations.sleep", tried.append)

    async def in_use() -> None:
        connection = await asyncpg.connect(database_url)
        async with connection.transaction():
            await connection.execute("LOCK TABLE crossing IN ACCESS SHARE MODE")
            with pytest.raises(DBAPIError, match="lock timeout"):
                await asyncio.to_thread(migrations.upgrade, "ferry", database_url)
        await connection.close()

    asyncio.run(in_use())
    assert len(tried) == migrations.TIMES - 1
    assert migrations.upgrade("ferry", database_url) == ("0001", "0002")
