"""A ferry's database and processes, all ended with the test."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.db import Database
from shared.migrations import mechanism_tables
from tests.shared.ledger import Model
from tests.shared.process.sailing import Sailing

Sail = Callable[..., Sailing]


@pytest.fixture
def ferry_url(database_url: str) -> str:
    """A database with the ferry's tables."""

    async def create() -> None:
        database = Database(database_url)
        async with database.engine.begin() as connection:
            await connection.run_sync(Model.metadata.create_all)
            await connection.run_sync(mechanism_tables().create_all)
        await database.close()

    asyncio.run(create())
    return database_url


@pytest.fixture
def sail(tmp_path: Path) -> Iterator[Sail]:
    """`sail(mode, INTERURBE_…=…)`: a process, killed after the test if it still lives."""
    started: list[Sailing] = []

    def start(mode: str, **environment: str) -> Sailing:
        started.append(Sailing(mode, tmp_path, **environment))
        return started[-1]

    yield start
    for one in started:
        one.kill()
