"""Who asks, and with which scope."""

from __future__ import annotations

from tests.shared.http.conftest import World, token


async def test_without_a_token_nobody_is_known(world: World) -> None:
    answer = await world.send("GET", "/v1/boxes", headers={"Authorization": None})
    assert (answer.status_code, answer.json()["code"]) == (401, "token-missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="interurbe"'


async def test_what_is_not_a_bearer_token_is_refused(world: World) -> None:
    for header in ("Basic dXNlcjpwYXNz", "Bearer", "Bearer ", world.token):
        answer = await world.send("GET", "/v1/boxes", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["field"]) == (401, "Authorization")


async def test_a_forged_token_is_refused_before_the_body_is_read(world: World) -> None:
    forged = world.token[:-8] + "AAAAAAAA"
    answer = await world.send("POST", "/v1/boxes", content=b"{", headers={"Authorization": f"Bearer {forged}", "Idempotency-Key": None})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert forged not in answer.text


async def test_a_missing_scope_is_named(world: World) -> None:
    world.token = token(scopes=frozenset({"read"}))
    answer = await world.send("POST", "/v1/boxes", json={"label": "x"})
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (403, "insufficient-scope", "write")
    assert 'error="insufficient_scope", scope="write"' in answer.headers["www-authenticate"]
    assert (await world.send("GET", "/v1/boxes")).status_code == 200
    assert await world.count() == 0


async def test_the_scheme_is_written_in_any_case(world: World) -> None:
    assert (await world.send("GET", "/v1/boxes", headers={"Authorization": f"bearer {world.token}"})).status_code == 200


async def test_an_open_page_asks_for_nothing(world: World) -> None:
    assert (await world.http.get("/page")).status_code == 200
    multipart = await world.http.post("/page", files={"choice": (None, "go")})
    assert multipart.status_code == 200
    assert (await world.http.post("/page", content=b"x", headers={"Content-Type": "text/csv"})).status_code == 415
    assert (await world.http.post("/page", data={"choice": "a\nb"})).json()["field"] == "/choice"
