"""Readiness tells the truth, and quickly."""

from __future__ import annotations

import asyncio

import httpx
from sqlalchemy import text

from shared.http import IdempotencyCleanup, probe_app
from shared.process import Probe
from tests.shared.http.conftest import World


async def ready(world: World) -> tuple[int, dict[str, tuple[bool, str]]]:
    answer = await world.http.get("/readyz")
    checks = answer.json()["checks"]
    return answer.status_code, {name: (check["ok"], check["words"]) for name, check in checks.items()}


async def test_all_is_well(world: World) -> None:
    await world.runtime.bus.start()
    world.runtime.loops.append(IdempotencyCleanup(world.runtime.database))
    status, checks = await ready(world)
    assert (status, checks) == (200, dict.fromkeys(("database", "bus", "idempotency cleanup"), (True, "well")))
    assert (await world.http.get("/livez")).json() == {"status": "alive"}


async def test_what_is_wrong_is_told(world: World) -> None:
    async def behind() -> str | None:
        return "4,000 facts behind"

    async def broken() -> str | None:
        raise OSError("no route to host")

    class Stuck(IdempotencyCleanup):
        name = "stuck"

        def trouble(self) -> str | None:
            return "stands still since an hour"

    await world.runtime.bus.start()
    world.runtime.probes += [Probe("directory", behind), Probe("mail", broken)]
    world.runtime.loops.append(Stuck(world.runtime.database))
    status, checks = await ready(world)
    assert status == 503
    assert checks["directory"] == (False, "4,000 facts behind")
    assert checks["mail"] == (False, "OSError: no route to host")
    assert checks["stuck"] == (False, "stands still since an hour")
    assert checks["database"] == (True, "well")


async def test_a_database_that_is_away_is_told_and_the_process_lives(world: World) -> None:
    database = world.runtime.database
    world.runtime.database = type(database)("postgresql://nobody:x@127.0.0.1:1/none")
    status, checks = await ready(world)
    world.runtime.database = database
    assert (status, checks["database"][0]) == (503, False)
    assert (await world.http.get("/livez")).status_code == 200


async def test_a_check_that_hangs_does_not_hang_the_answer(world: World) -> None:
    async def hangs() -> str | None:
        await asyncio.Event().wait()
        return None

    world.runtime.probes += [Probe("one", hangs), Probe("two", hangs)]
    status, checks = await ready(world)
    assert (status, checks["one"]) == (503, (False, "did not answer within 2 seconds"))


async def test_a_database_that_is_busy_is_told(world: World) -> None:
    held = [world.runtime.database.reader() for _ in range(10)]
    for reader in held:
        await (await reader.__aenter__()).execute(text("SELECT 1"))
    status, checks = await ready(world)
    for reader in held:
        await reader.__aexit__(None, None, None)
    assert (status, checks["database"][0]) == (503, False)


async def test_a_process_without_an_api_has_the_same_probes(world: World) -> None:
    await world.runtime.bus.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=probe_app(world.runtime)), base_url="http://work.test") as client:
        assert (await client.get("/readyz")).json()["status"] == "ready"
        assert (await client.get("/livez")).status_code == 200
        metrics = await client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        assert "interurbe_outbox_oldest_age_seconds" in metrics.text
        assert (await client.get("/v1/boxes")).json()["code"] == "no-such-path"
