"""Paths and methods that are not there, the catalogue of problems, and the reference that loads nothing from elsewhere."""

from __future__ import annotations

import re

import jsonschema
import pytest

from shared.refusals import every_refusal
from tests.shared.http.conftest import World


async def test_a_path_that_is_not_there(world: World) -> None:
    answer = await world.send("GET", "/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-path")
    assert answer.json()["instance"] == "/v1/nothing"


async def test_a_method_that_the_path_does_not_know(world: World) -> None:
    answer = await world.send("DELETE", "/v1/boxes")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert (await world.send("PROPFIND", "/v1/boxes/1")).headers["allow"] == "GET, HEAD, OPTIONS, PATCH"


async def test_options_tells_the_methods_and_head_is_get_without_a_body(world: World) -> None:
    options = await world.send("OPTIONS", "/v1/boxes/1")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")
    await world.send("POST", "/v1/boxes", json={"label": "x"})
    head = await world.send("HEAD", "/v1/boxes/1")
    assert (head.status_code, head.headers["etag"], head.content) == (200, '"1"', b"")


async def test_every_problem_is_in_the_catalogue(world: World) -> None:
    listed = (await world.send("GET", "/problems")).json()["problems"]
    assert {refusal.code for refusal in every_refusal()} <= {entry["code"] for entry in listed}
    for entry in listed:
        one = (await world.send("GET", entry["type"])).json()
        assert one == entry
        assert len(one["meaning"]) > 30
    unknown = await world.send("GET", "/problems/nonsense")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")


def test_a_code_stands_for_one_status_and_one_title() -> None:
    told: dict[str, set[tuple[int, str]]] = {}
    for refusal in every_refusal():
        told.setdefault(refusal.code, set()).add((refusal.status, refusal.title))
    assert {code: what for code, what in told.items() if len(what) > 1} == {}


@pytest.mark.parametrize("path", ["/problems", "/problems/stale", "/docs"])
async def test_pages_load_nothing_from_elsewhere(world: World, path: str) -> None:
    page = await world.http.get(path, headers={"Accept": "text/html,application/json;q=0.9"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'; style-src 'self'" in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href|action)="([^"]*)"', page.text)
    assert [address for address in loaded if not address.startswith(("/", "#", "data:,"))] == []
    assert "<script" not in page.text
    for style in [address for address in loaded if address.startswith("/assets/")]:
        answer = await world.http.get(style)
        assert answer.headers["content-type"].startswith("text/css")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "url(http" not in answer.text


async def test_no_file_leaves_but_the_styles(world: World) -> None:
    for name in ("../__init__.py", "..%2f__init__.py", "nothing.css", "rendering.py"):
        assert (await world.http.get(f"/assets/x/{name}")).status_code == 404


async def test_the_reference_names_every_operation(world: World) -> None:
    page = (await world.http.get("/docs")).text
    for path in ("/v1/boxes", "/v1/boxes/{number}", "/v1/secrets"):
        assert path in page


async def test_the_description_is_openapi_with_examples_that_fit(world: World) -> None:
    api = (await world.http.get("/openapi.json")).json()
    assert api["openapi"].startswith("3.1")
    operations = [item[verb] for item in api["paths"].values() for verb in item]
    for body in [media for operation in operations for media in operation.get("requestBody", {}).get("content", {}).values()]:
        jsonschema.validate(body["example"], {**body["schema"], "components": api["components"]})
    for operation in operations:
        assert "422" not in operation["responses"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]
    assert "HTTPValidationError" not in api["components"]["schemas"]
    assert api["components"]["securitySchemes"]["client credentials"]["type"] == "oauth2"
    assert api["paths"]["/v1/boxes"]["post"]["security"] == [{"client credentials": ["write"]}]


async def test_the_description_tells_the_headers_that_are_owed(world: World) -> None:
    paths = (await world.http.get("/openapi.json")).json()["paths"]
    owed = {parameter["name"] for parameter in paths["/v1/boxes"]["post"]["parameters"]}
    assert owed == {"Idempotency-Key"}
    assert "If-Match" in {parameter["name"] for parameter in paths["/v1/boxes/{number}"]["patch"]["parameters"]}
    assert "parameters" not in paths["/page"]["post"]
