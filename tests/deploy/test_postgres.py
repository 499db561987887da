"""The embedded PostgreSQL: roles that cannot open each other's database, and a life after kill -9."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.postgres import DATABASES, Cluster
from deploy.ports import PortTaken, free_port, is_free


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A directory that nobody else may enter, as a clone under /root or a temporary directory is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    return closed


@pytest.fixture
def own(private: Path) -> Iterator[Cluster]:
    made = Cluster(private / "postgres", free_port())
    made.start()
    yield made
    made.stop()


async def test_gives_each_role_its_own_database_only(cluster: Cluster) -> None:
    for role in DATABASES:
        connection = await asyncpg.connect(cluster.url(role))
        assert (
            await connection.fetchval("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user") is False
        )
        await connection.execute("CREATE TABLE mine (id int); DROP TABLE mine")
        await connection.close()
        for other in {*DATABASES, "postgres", "template1"} - {role}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(cluster.url(role, other))


async def test_wants_the_right_password(cluster: Cluster) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(cluster.url("partners").replace(cluster.passwords["partners"], "guess"))


def test_keeps_its_passwords_to_itself(cluster: Cluster) -> None:
    file = cluster.directory / "passwords.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(set(cluster.passwords.values())) == len(DATABASES) + 1
    assert not (cluster.directory / "superuser.secret").exists()


async def test_keeps_what_was_committed_over_kill_and_restart(own: Cluster) -> None:
    connection = await asyncpg.connect(own.url("partners"))
    await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")
    own.kill()
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("SELECT 1")
    own.start()
    own.stop()
    own.start()
    again = await asyncpg.connect(own.url("partners"))
    assert await again.fetchval("SELECT id FROM kept") == 7
    await again.close()


def test_replaces_a_server_that_a_killed_parent_left_behind(own: Cluster) -> None:
    left_behind = own.pid
    Cluster(own.directory, own.port).start()
    assert own.pid != left_behind
    assert own.running


def test_names_the_port_that_is_taken(own: Cluster, tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match=rf"{own.port}.*INTERURBE_PORT_POSTGRES"):
        Cluster(tmp_path / "second", own.port).start()
    assert not is_free(own.port)


def test_opens_no_directory_to_others(own: Cluster, private: Path) -> None:
    assert own.running
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert private.stat().st_uid == os.getuid()
