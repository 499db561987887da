"""Database changes of a service: brought up to date under a lock, written from the difference between tables and models.

A service's folder `migrations/` holds `env.py` (two lines that call `run_env`), `script.py.mako` and `versions/`.
Each migration is a transaction of its own, so a migrator that is killed leaves whole ones behind and the next run goes on.
"""

import argparse
import asyncio
import importlib
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from os import environ
from pathlib import Path
from time import sleep
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

LOCK_KEY = 0x1A7E2B0DB
"""The advisory lock of migrators: the second one waits for the first."""

LOCK_TIMEOUT = "5s"
"""How long a statement may wait for a table that others use, before it gives way so that they are not held up behind it."""

STATEMENT_TIMEOUT = "10min"
TIMES = 5
AGAIN_SECONDS = 2.0

_LOCK_NOT_AVAILABLE = "55P03"


def tables_of(service: str) -> list[MetaData]:
    """The metadata that a service's database consists of: its rooms' tables, and those of the mechanism."""
    folder = _folder(service)
    for path in sorted([*folder.rglob("models.py"), *folder.rglob("views.py")]):
        importlib.import_module(".".join(("services", service, *path.relative_to(folder).with_suffix("").parts)))
    model: Any = importlib.import_module(f"services.{service}.models").Model
    return [model.metadata, mechanism_tables()]


def mechanism_tables() -> MetaData:
    """The tables of the mechanism, all of them declared."""
    for name in ("shared.outbox", "shared.lease", "shared.inbox", "shared.due", "shared.http.idempotency"):
        importlib.import_module(name)
    from shared.db import mechanism  # noqa: PLC0415 - beside the imports that fill it

    return mechanism


def _folder(service: str) -> Path:
    return Path(str(importlib.import_module(f"services.{service}").__path__[0]))


def configuration(service: str, url: str) -> Config:
    """Alembic's configuration for a service's migrations on the database at `url`; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(_folder(service) / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["url"] = url
    return config


def upgrade(service: str, url: str) -> tuple[str | None, str | None]:
    """Bring the database up to date; the revisions (before, after). A table in use is tried TIMES times before giving up.

    Raises sqlalchemy's DBAPIError when the database cannot be reached or a change cannot be made.
    """
    before = current(url)
    config = configuration(service, url)
    for attempt in range(1, TIMES + 1):
        try:
            command.upgrade(config, "head")
            break
        except DBAPIError as error:
            if attempt == TIMES or getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            sleep(AGAIN_SECONDS)
    return before, current(url)


def current(url: str) -> str | None:
    """The revision the database is at, None for an empty one."""
    found: str | None = asyncio.run(_with_connection(url, lambda connection: MigrationContext.configure(connection).get_current_revision()))
    return found


def head(service: str) -> str | None:
    """The newest revision there is."""
    return ScriptDirectory.from_config(configuration(service, "")).get_current_head()


def differences(service: str, url: str) -> list[str]:
    """What the models say and the database does not, one line each; empty when migrations and models agree."""

    def compare(connection: Connection) -> Sequence[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, tables_of(service)))  # type: ignore[arg-type]  # a list is taken as well

    return [str(one) for one in asyncio.run(_with_connection(url, compare))]


def new_migration(service: str, message: str, url: str) -> list[Path]:
    """Write the next migration of a service from what its models have and the database at `url`, brought up to date first, lacks."""
    upgrade(service, url)
    config = configuration(service, url)
    number = sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions()) + 1
    made = command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
    scripts = made if isinstance(made, list) else [made]
    return [Path(script.path) for script in scripts if script is not None]


def run_env(*metadatas: MetaData) -> None:
    """What every `migrations/env.py` calls: run the migrations asked for, alone, with time limits."""
    from alembic import context  # noqa: PLC0415 - exists only while Alembic runs env.py

    if context.is_offline_mode():
        raise SystemExit("migrations run against a database; printing SQL without one is not supported")

    def migrate(connection: Connection) -> None:
        alone(connection)
        context.configure(
            connection=connection,
            target_metadata=list(metadatas),
            transaction_per_migration=True,
            compare_type=True,
            compare_server_default=True,
            process_revision_directives=_refuse_empty,
        )
        with context.begin_transaction():
            context.run_migrations()

    asyncio.run(_with_connection(context.config.attributes["url"], migrate))


def alone(connection: Connection) -> None:
    """Wait until no other migrator works on this database, then set the time limits; the lock ends with the connection."""
    connection.execute(text("SET lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()


def _refuse_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    script = directives[0]
    if script.upgrade_ops is not None and script.upgrade_ops.is_empty():
        raise SystemExit("the models and the database agree: there is nothing to write")


async def _with_connection(url: str, act: Any) -> Any:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=pool.NullPool, connect_args={"timeout": 10})
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(act)
    finally:
        await engine.dispose()


def main() -> None:
    """`python -m shared.migrations new SERVICE MESSAGE` on the database that INTERURBE_DATABASE_URL names."""
    parser = argparse.ArgumentParser(prog="python -m shared.migrations", description="Write a migration from the models.")
    parser.add_argument("action", choices=["new"])
    parser.add_argument("service")
    parser.add_argument("message", help="what changes, in a few words; it becomes the file's name")
    chosen = parser.parse_args()
    url = environ.get("INTERURBE_DATABASE_URL")
    if not url:
        sys.exit(
            "INTERURBE_DATABASE_URL is missing.\n  Set it to an empty database of your own, e.g. postgresql://me@127.0.0.1:5432/scratch."
        )
    for path in new_migration(chosen.service, chosen.message, url):
        _tidy(path)
        sys.stdout.write(f"{path}\n")


def _tidy(path: Path) -> None:
    """Bring a generated file into the house's form, where ruff is installed."""
    if find_spec("ruff") is not None:
        for step in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
            subprocess.run([sys.executable, "-m", "ruff", *step, str(path)], check=False)


if __name__ == "__main__":
    main()
