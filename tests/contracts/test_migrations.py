"""Migrations make exactly the tables that the models say, and can run while the product does."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from deploy.embedded.postgres import Cluster
from shared.migrations import configuration, differences, head, upgrade
from tests.contracts.source import SERVICES

# A migration is one transaction on tables of ours; what these rules fear cannot happen or is meant.
NOT_FOR_US = (
    "prefer-robust-stmts",  # a migration that fails leaves nothing behind, so IF NOT EXISTS would only hide a mistake
    "prefer-bigint-over-int",  # versions and sequences of one thing stay small
    "prefer-bigint-over-smallint",  # so does an HTTP status
    "require-timeout-settings",  # shared/migrations.py sets both before the first statement
)


@dataclass(frozen=True, slots=True)
class Migrated:
    """A database after all migrations of a service, and what they said to it."""

    service: str
    url: str
    statements: tuple[str, ...]
    revisions: tuple[str | None, str | None]


@pytest.fixture(scope="module", params=SERVICES)
def migrated(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Migrated]:
    """An empty database brought up to date, once for the tests of this file."""
    service: str = request.param
    name = f"test_migrated_{service}"
    cluster.sql(f"CREATE DATABASE {name} OWNER {service}")
    url = cluster.url(service, name)
    with statements() as heard:
        revisions = upgrade(service, url)
    yield Migrated(service, url, tuple(heard), revisions)
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_migrations_make_exactly_the_models(migrated: Migrated) -> None:
    assert differences(migrated.service, migrated.url) == []


def test_migrations_form_one_line(migrated: Migrated) -> None:
    assert len(ScriptDirectory.from_config(configuration(migrated.service, "")).get_heads()) == 1
    assert migrated.revisions == (None, head(migrated.service))


def test_running_them_again_changes_nothing(migrated: Migrated) -> None:
    with statements() as heard:
        upgrade(migrated.service, migrated.url)
    assert heard == []


def test_migrations_hold_nobody_up(migrated: Migrated, tmp_path: Path) -> None:
    assert migrated.statements
    script = tmp_path / f"{migrated.service}.sql"
    script.write_text(";\n".join(migrated.statements) + ";\n")
    command = [str(Path(sys.executable).with_name("squawk")), "--pg-version", "18.0", "--assume-in-transaction", "--reporter", "gcc"]
    done = subprocess.run([*command, "--exclude", ",".join(NOT_FOR_US), script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every change to a table that any engine executes meanwhile; Alembic's own table is not ours."""
    heard: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if re.match(r"\s*(CREATE|ALTER|DROP)\b", statement) and "alembic_version" not in statement:
            heard.append(statement.strip())

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
