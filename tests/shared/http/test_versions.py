"""ETag out, If-Match in; and lists that go on where they stopped."""

from __future__ import annotations

import base64

import httpx
import pytest

from shared.http import Cursor, etag
from shared.http.refusals import BadCursor
from tests.shared.http.conftest import World


async def boxes(world: World, number: int) -> None:
    for place in range(number):
        await world.send("POST", "/v1/boxes", json={"label": f"box {place + 1}"})


async def relabel(world: World, if_match: str | None) -> httpx.Response:
    return await world.send("PATCH", "/v1/boxes/1", json={"label": "new"}, headers={"If-Match": if_match})


async def test_a_change_needs_the_version_it_is_about(world: World) -> None:
    await boxes(world, 1)
    missing = await relabel(world, None)
    assert (missing.status_code, missing.json()["code"], missing.json()["field"]) == (428, "precondition-required", "If-Match")
    assert (await relabel(world, (await world.send("GET", "/v1/boxes/1")).headers["etag"])).status_code == 200
    stale = await relabel(world, '"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")


async def test_only_a_strong_tag_as_it_was_given_is_taken(world: World) -> None:
    await boxes(world, 1)
    for if_match in ("*", 'W/"1"', "1", '"one"', '"0"', '"-1"', '"1", "2"', "", '"' + "9" * 30 + '"'):
        answer = await relabel(world, if_match)
        assert (answer.status_code, answer.json()["code"]) == (400, "if-match-malformed"), if_match
        assert answer.json()["fix"]


def test_an_etag_is_the_version_in_quotes() -> None:
    assert etag(7) == '"7"'


async def test_a_list_goes_on_where_it_stopped(world: World) -> None:
    await boxes(world, 5)
    seen = []
    path = "/v1/boxes?limit=2"
    while path:
        answer = await world.send("GET", path)
        seen += [item["label"] for item in answer.json()["items"]]
        link = answer.headers.get("link", "")
        assert bool(link) == (answer.json()["next"] is not None)
        path = link.removeprefix("<").partition(">")[0]
        assert not link or (link.endswith('>; rel="next"') and "limit=2" in path)
    assert seen == [f"box {number}" for number in range(1, 6)]


async def test_a_cursor_that_was_not_given_is_refused(world: World) -> None:
    for cursor in ("x", "é", "AAAA", "W10", Cursor.write("text"), Cursor.write(1, 2), base64.urlsafe_b64encode(b"[" * 200).decode()):
        answer = await world.send("GET", "/v1/boxes", params={"after": cursor})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "bad-cursor", "?after"), cursor
    assert (await world.send("GET", "/v1/boxes", params={"after": "A" * 600})).status_code == 422
    assert (await world.send("GET", "/v1/boxes", params={"limit": 0})).status_code == 422
    assert (await world.send("GET", "/v1/boxes", params={"limit": 201})).status_code == 422


def test_a_cursor_brings_back_its_key() -> None:
    key = ("2024-07-12", "Bogotá", 7)
    assert Cursor.read(Cursor.write(*key), str, str, int) == key
    assert Cursor.read(None, str) is None
    for bad in (Cursor.write("a\x00"), Cursor.write(None), Cursor.write(10**30)):
        with pytest.raises(BadCursor):
            Cursor.read(bad, str)
    with pytest.raises(BadCursor):
        Cursor.read(Cursor.write(2**70), int)
