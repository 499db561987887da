"""Rows A11, A12 and D10 on the edge: transactions PostgreSQL refuses for now, a pool that is used up, a lock that is not given up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from shared.db import Database, new_id
from shared.http.edge import ATTEMPTS
from tests.faults.conftest import Tell
from tests.shared.http.conftest import World, logged, other_process, world

__all__ = ["logged", "other_process", "world"]

REFUSING = """
CREATE SEQUENCE tries;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END IF; RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON boxes FOR EACH ROW EXECUTE FUNCTION refuse()
"""
ALWAYS = 1_000_000


async def refuse(database: Database, state: str, times: int) -> None:
    """The next so many new boxes end their transactions with this SQLSTATE."""
    raw = await database.raw()
    await raw.execute(REFUSING.format(state=state, times=times))
    await raw.close()


async def tried(database: Database) -> int:
    """How often a new box was tried."""
    async with database.reader() as reader:
        return int((await reader.execute(text("SELECT last_value FROM tries"))).scalar_one())


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_a11_a_transaction_refused_for_now_is_done_again_and_has_one_effect(world: World, state: str, tell: Tell) -> None:
    database = world.runtime.database
    await refuse(database, state, ATTEMPTS - 1)
    answer = await world.send("POST", "/v1/boxes", json={"label": "x"})
    assert answer.status_code == 201
    assert (await tried(database), await world.count()) == (ATTEMPTS, 1)
    tell.counted(1, "I1")


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_a11_what_is_refused_again_and_again_is_told_to_come_later_and_changes_nothing(world: World, state: str, tell: Tell) -> None:
    database, once = world.runtime.database, {"Idempotency-Key": new_id()}
    await refuse(database, state, ALWAYS)
    answer = await world.send("POST", "/v1/boxes", json={"label": "x"}, headers=once)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert (await tried(database), await world.count()) == (ATTEMPTS, 0)
    raw = await database.raw()
    await raw.execute("DROP TRIGGER refuse ON boxes")
    await raw.close()
    assert (await world.send("POST", "/v1/boxes", json={"label": "x"}, headers=once)).status_code == 201
    assert await world.count() == 1
    tell.counted(2, "I1")


async def test_a12_while_the_pool_is_used_up_clients_are_told_to_come_again_and_then_each_is_served_once(world: World, tell: Tell) -> None:
    keys = [{"Idempotency-Key": new_id()} for _ in range(8)]

    async def everybody() -> list[int]:
        answers = await asyncio.gather(*(world.send("POST", "/v1/boxes", json={"label": "x"}, headers=once) for once in keys))
        assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
        return [answer.status_code for answer in answers]

    async with AsyncExitStack() as held:
        for _ in range(10):
            session = await held.enter_async_context(world.runtime.database.session())
            await session.connection()
            await held.enter_async_context(world.runtime.database.reader())
        assert await everybody() == [503] * 8
        ready = await world.http.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["database"]["ok"]) == (503, False)
    assert await everybody() == [201] * 8
    assert await world.count() == 8
    assert (await world.http.get("/readyz")).json()["checks"]["database"]["ok"]
    tell.counted(16, "I1 I11")


async def test_d10_who_waits_for_a_lock_too_long_is_told_to_come_again_and_changes_nothing(world: World, tell: Tell) -> None:
    await world.send("POST", "/v1/boxes", json={"label": "a"})
    database, once = world.runtime.database, {"Idempotency-Key": new_id(), "If-Match": '"1"'}
    raw = await database.raw()
    await raw.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = ''200ms''', current_database()); END $$")
    await database.engine.dispose()  # who connects from now on waits no longer than that
    async with raw.transaction():
        await raw.execute("SELECT * FROM boxes FOR UPDATE")
        answer = await world.send("PATCH", "/v1/boxes/1", json={"label": "b"}, headers=once)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers
    await raw.close()
    assert (await world.send("GET", "/v1/boxes/1")).json() == {"number": 1, "label": "a", "version": 1}
    assert (await world.send("PATCH", "/v1/boxes/1", json={"label": "b"}, headers=once)).status_code == 200
    assert (await world.send("GET", "/v1/boxes/1")).json()["version"] == 2
    tell.counted(5, "I1")
