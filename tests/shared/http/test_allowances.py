"""A client may send so many requests a minute, is told how many are left, and takes nothing from others."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from shared.http.allowances import REMEMBERED, WINDOW_SECONDS, Allowances, Exhausted
from tests.shared.http.conftest import World, token


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_every_answer_to_a_known_client_tells_what_is_left(world: World) -> None:
    world.runtime.allowances = Allowances(3, Clock())
    answers = [await world.send("GET", path) for path in ("/v1/boxes/1", "/v1/boxes")]
    assert [answer.headers["ratelimit"] for answer in answers] == ['"client";r=2;t=20', '"client";r=1;t=40']
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"client";q=3;w=60'}
    assert "ratelimit" not in (await world.send("GET", "/livez")).headers


async def test_one_too_many_is_refused_and_changes_nothing(world: World) -> None:
    clock = Clock()
    world.runtime.allowances = Allowances(3, clock)
    made = [await world.send("POST", "/v1/boxes", json={"label": "x"}) for _ in range(4)]
    assert [answer.status_code for answer in made] == [201, 201, 201, 429]
    refused = made[-1]
    assert (refused.json()["code"], refused.headers["retry-after"], refused.headers["ratelimit"]) == (
        "rate-limited",
        "20",
        '"client";r=0;t=60',
    )
    assert await world.count() == 3
    clock.now += 20
    assert (await world.send("GET", "/v1/boxes")).status_code == 200
    assert (await world.send("GET", "/v1/boxes")).status_code == 429


async def test_others_go_on(world: World) -> None:
    world.runtime.allowances = Allowances(1, Clock())
    assert [(await world.send("GET", "/v1/boxes")).status_code for _ in range(2)] == [200, 429]
    world.token = token("client-b")
    assert (await world.send("GET", "/v1/boxes")).status_code == 200


async def test_without_a_limit_there_is_no_word_of_one(world: World) -> None:
    assert "ratelimit" not in (await world.send("GET", "/v1/boxes")).headers


def test_whoever_waits_as_told_is_let_in_at_once_and_not_before() -> None:
    clock = Clock()
    allowances = Allowances(600, clock)
    for _ in range(600):
        allowances.take("a")
    with pytest.raises(Exhausted) as refused:
        allowances.take("a")
    assert refused.value.headers()["Retry-After"] == "1"
    clock.now += 1
    for _ in range(10):
        allowances.take("a")
    with pytest.raises(Exhausted):
        allowances.take("a")
    clock.now += WINDOW_SECONDS
    assert allowances.take("a")[1][1] == b'"client";r=599;t=1'


def test_memory_for_clients_is_bounded() -> None:
    allowances = Allowances(1, Clock())
    for number in range(REMEMBERED + 1):
        allowances.take(str(number))
    allowances.take("0")
    with pytest.raises(Exhausted):
        allowances.take(str(REMEMBERED))
