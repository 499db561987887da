"""The same key and body: the same answer, done once; anything else under that key is told why not."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from shared.http import IdempotencyCleanup
from shared.http.idempotency import idempotency
from tests.shared.http.conftest import World, token

KEY = {"Idempotency-Key": "once"}
BOX = {"label": "Medellín"}


async def test_a_repetition_gets_the_same_answer(world: World) -> None:
    first = await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    again = await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("etag", "location", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers.get_list("content-length") == [str(len(again.content))]
    assert await world.count() == 1


async def test_the_key_may_be_quoted_as_the_draft_standard_writes_it(world: World) -> None:
    await world.send("POST", "/v1/boxes", json=BOX, headers={"Idempotency-Key": '"on\\"ce"'})
    again = await world.send("POST", "/v1/boxes", json=BOX, headers={"Idempotency-Key": 'on"ce'})
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/boxes", {"label": "Kyiv"}), ("/v1/boxes?other=1", BOX), ("/v1/boxes/doomed", BOX), ("/v1/boxes", {"lable": 1})]
)
async def test_the_same_key_for_another_request_is_refused(world: World, path: str, body: dict[str, str]) -> None:
    await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    answer = await world.send("POST", path, json=body, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert answer.json()["field"] == "Idempotency-Key"
    assert await world.count() == 1


async def test_a_key_belongs_to_its_caller(world: World) -> None:
    await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    world.token = token("client-b")
    assert (await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)).status_code == 201
    assert await world.count() == 2


@pytest.mark.parametrize("key", [None, "", " ", "x" * 256, "über", "two\twords", '""'])
async def test_a_post_without_a_proper_key_is_refused(world: World, key: str | None) -> None:
    headers = {"Idempotency-Key": key.encode() if key else key}
    answer = await world.send("POST", "/v1/boxes", json=BOX, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-required")
    assert answer.json()["fix"]
    assert await world.count() == 0


async def test_a_refused_request_may_be_corrected_under_its_key(world: World) -> None:
    assert (await world.send("POST", "/v1/boxes", json={"label": "taken"}, headers=KEY)).status_code == 409
    assert (await world.send("POST", "/v1/boxes", json={"lable": "x"}, headers=KEY)).status_code == 422
    assert (await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)).status_code == 201


async def test_fifty_at_once_make_one_box(world: World) -> None:
    answers = await asyncio.gather(*(world.send("POST", "/v1/boxes", json=BOX, headers=KEY) for _ in range(50)))
    assert set(Counter(answer.status_code for answer in answers)) <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency-key-in-use"}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 409)
    assert {answer.content for answer in answers if answer.status_code == 201} == {b'{"number":1,"label":"Medell\xc3\xadn","version":1}'}
    assert await world.count() == 1


async def test_fifty_at_once_in_two_processes_make_one_box(world: World, other_process: World) -> None:
    sends = (each.send("POST", "/v1/boxes", json=BOX, headers=KEY) for each in [world, other_process] * 25)
    answers = await asyncio.gather(*sends)
    assert set(Counter(answer.status_code for answer in answers)) <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await world.count() == 1


async def test_an_answer_that_was_done_is_given_even_when_it_would_be_refused_now(world: World) -> None:
    await world.send("POST", "/v1/boxes", json={"label": "taken soon"}, headers=KEY)
    async with world.runtime.database.session() as session:
        await session.execute(text("CREATE UNIQUE INDEX ON boxes (label)"))
        await session.commit()
    again = await world.send("POST", "/v1/boxes", json={"label": "taken soon"}, headers=KEY)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")


async def test_a_token_that_may_do_less_now_is_not_shown_what_was_done(world: World) -> None:
    await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    world.token = token(scopes=frozenset({"read"}))
    again = await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (403, "insufficient-scope")


async def test_a_secret_is_shown_once(world: World) -> None:
    first = await world.send("POST", "/v1/secrets", headers=KEY)
    assert first.json() == {"secret": "s3cret"}
    again = await world.send("POST", "/v1/secrets", headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "shown-once")
    async with world.runtime.database.reader() as reader:
        assert "s3cret" not in str((await reader.execute(text("SELECT * FROM idempotency"))).all())
    assert await world.count() == 1


async def test_after_a_day_a_key_is_forgotten(world: World) -> None:
    await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    await world.send("POST", "/v1/boxes", json=BOX)
    async with world.runtime.database.session() as session:
        yesterday = datetime.now(UTC) - timedelta(hours=25)
        await session.execute(update(idempotency).where(idempotency.c.key == "once").values(created_at=yesterday))
        await session.commit()
    again = await world.send("POST", "/v1/boxes", json=BOX, headers=KEY)
    assert "idempotency-replayed" not in again.headers
    assert await world.count("idempotency") == 2
    assert await IdempotencyCleanup(world.runtime.database).step() == 0


async def test_the_cleanup_forgets_what_is_older_than_a_day(world: World) -> None:
    for _ in range(3):
        await world.send("POST", "/v1/boxes", json=BOX)
    async with world.runtime.database.session() as session:
        await session.execute(text("UPDATE idempotency SET created_at = now() - interval '25 hours'"))
        await session.commit()
    loop = IdempotencyCleanup(world.runtime.database, batch=2)
    assert [await loop.step() for _ in range(3)] == [2, 1, 0]
