"""One request, one transaction: committed before the answer leaves, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from shared.http.limits import LIMITS, Limits
from tests.shared.http.conftest import World, close_world, make_tables, make_world
from tests.shared.http.shelf import build


async def test_a_commit_that_fails_is_a_500_and_nothing_is_kept(world: World) -> None:
    answer = await world.send("POST", "/v1/boxes/doomed")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "internal-error"
    assert await world.count("doomed") == 0
    assert await world.count("idempotency") == 0


async def test_the_change_is_there_when_the_first_byte_of_the_answer_leaves(world: World) -> None:
    seen: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(await world.count())

    await world.raw("POST", "/v1/boxes", b'{"label": "x"}', send)
    assert seen == [1]


async def test_an_unforeseen_failure_is_logged_and_says_nothing_of_the_house(world: World, logged: list[dict[str, Any]]) -> None:
    answer = await world.send("POST", "/v1/crash")
    (line,) = logged
    assert (line["path"], line["method"], line["code"], str(line["exc_info"])) == (
        "/v1/crash",
        "POST",
        "internal-error",
        "the secret of the house is 42",
    )
    assert answer.status_code == 500
    assert "secret of the house" not in answer.text
    assert answer.headers["x-trace-id"] == answer.json()["trace_id"]


async def test_what_was_answered_was_committed_and_the_relay_was_woken(world: World) -> None:
    answer = await world.send("POST", "/v1/boxes", json={"label": "Bogotá"})
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert await world.count() == 1
    assert world.wake.heard


async def test_a_refusal_rolls_back_and_wakes_nobody(world: World) -> None:
    refused = await world.send("POST", "/v1/boxes", json={"label": "taken"})
    assert refused.status_code == 409
    assert refused.json()["code"] == "label-taken"
    assert refused.json()["field"] == "/label"
    assert not world.wake.heard


async def test_a_page_that_refuses_changes_nothing(world: World) -> None:
    assert (await world.http.post("/page", data={"choice": "refuse"})).status_code == 410
    assert await world.count() == 0
    assert (await world.http.post("/page", data={"choice": "go"})).status_code == 200
    assert await world.count() == 1


async def test_two_that_wait_for_each_other_both_succeed(world: World) -> None:
    for label in ("a", "b"):
        await world.send("POST", "/v1/boxes", json={"label": label})
    ways = ("/v1/boxes/1/before/2", "/v1/boxes/2/before/1")
    answers = await asyncio.gather(*(world.send("POST", way) for way in ways))
    assert [answer.status_code for answer in answers] == [200, 200]
    async with world.runtime.database.reader() as reader:
        versions = (await reader.execute(text("SELECT version FROM boxes ORDER BY number"))).scalars().all()
    assert versions == [3, 3]


async def test_a_request_that_takes_too_long_is_given_up(database_url: str, tmp_path: Path) -> None:
    world = make_world(database_url, tmp_path, limits=Limits(seconds=0.3))
    await make_tables(world.runtime.database)
    for method, path in (("POST", "/v1/boxes/slow"), ("GET", "/v1/slow")) * 6:  # more often than the pool has connections
        answer = await world.send(method, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "took-too-long")
        assert "retry-after" in answer.headers
    async with world.runtime.database.reader() as reader, asyncio.timeout(30):  # half as long as they would sleep
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
        while (await reader.execute(text(sleeping))).scalar_one():  # the server hears of it on another connection
            continue
    patient = replace(world, app=build(world.runtime, LIMITS))
    patient.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=patient.app), base_url="http://shelf.test")
    assert (await patient.send("POST", "/v1/boxes", json={"label": "x"})).status_code == 201
    await patient.http.aclose()
    await close_world(world)


async def test_a_database_that_is_away_is_a_503(world: World, tmp_path: Path) -> None:
    elsewhere = world.runtime.database
    world.runtime.database = type(elsewhere)("postgresql://nobody:x@127.0.0.1:1/none")
    answers = [await world.send("POST", "/v1/boxes", json={"label": "x"}), await world.send("GET", "/v1/boxes/1")]
    world.runtime.database = elsewhere
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "2"


async def test_connections_cut_by_the_server_are_a_503_once(world: World) -> None:
    await world.send("POST", "/v1/boxes", json={"label": "x"})
    killer = await world.runtime.database.raw()
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    await killer.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    await killer.close()
    answers = [(await world.send("POST", "/v1/boxes", json={"label": "x"})).status_code for _ in range(2)]
    assert answers == [503, 201]


async def test_a_pool_that_is_used_up_is_a_503(database_url: str, tmp_path: Path) -> None:
    world = make_world(database_url, tmp_path, patience=0.1)
    await make_tables(world.runtime.database)
    held = [world.runtime.database.reader() for _ in range(10)]
    for reader in held:
        await reader.__aenter__()
    answer = await world.send("GET", "/v1/boxes/1")
    for reader in held:
        await reader.__aexit__(None, None, None)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await world.send("GET", "/v1/boxes/1")).status_code == 404
    await close_world(world)


async def test_a_value_the_database_cannot_hold_is_a_422(world: World) -> None:
    answer = await world.send("PATCH", f"/v1/boxes/{2**40}", json={"label": "x"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
