"""What no client should send: each gets a 4xx that names field, rule and fix, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.http import strict_json
from shared.refusals import Refusal
from tests.shared.http.conftest import World

OK = '{"label": "x"}'
MANY = '{"label": "x", "remarks": "y", "lines": [' + ",".join(["1"] * 25_000) + "]}"

BODIES = {
    "nothing": ("", 422, "invalid", "/"),
    "not JSON": ('{"label": "x"', 400, "malformed", "/"),
    "a trailing comma": ('{"label": "x",}', 400, "malformed", "/"),
    "two documents": (OK + OK, 400, "malformed", "/"),
    "NaN": ('{"label": "x", "lines": [{"line": "x", "amount": NaN}]}', 400, "malformed", "/"),
    "infinity": ('{"label": "x", "lines": [{"line": "x", "amount": -Infinity}]}', 400, "malformed", "/"),
    "a number beyond doubles": ('{"label": "x", "lines": [{"line": "x", "amount": 1e999}]}', 422, "invalid", "/lines/0/amount"),
    "a whole number beyond doubles": ('{"label": "x", "lines": [9007199254740993]}', 422, "invalid", "/lines/0"),
    "a number of 5000 digits": ('{"label": "x", "lines": [' + "9" * 5000 + "]}", 400, "malformed", "/"),
    "NUL": ('{"label": "a\\u0000b"}', 422, "invalid", "/label"),
    "NUL in a name": ('{"label": "x", "a\\u0000": 1}', 422, "invalid", "/a?"),
    "NUL as it is": ('{"label": "a\x00b"}', 400, "malformed", "/"),
    "half a surrogate pair": ('{"label": "\\ud800"}', 422, "invalid", "/label"),
    "the other half": ('{"names": {"es": "x\\udc00y"}, "label": "x"}', 422, "invalid", "/names/es"),
    "the same member twice": ('{"label": "x", "label": "y"}', 400, "malformed", "label"),
    "1,000 levels": ('{"label": ' + "[" * 1000 + "]" * 1000 + "}", 400, "too-complex", "/"),
    "100,000 levels, never closed": ("[" * 100_000, 400, "too-complex", "/"),
    "levels hidden behind a quote": ('{"label": "\\"", "lines": ' + "[" * 40 + "]" * 40 + "}", 400, "too-complex", "/"),
    "25,000 values": (MANY, 400, "too-complex", "/"),
    "not an object": ("[]", 422, "invalid", "/"),
    "null": ("null", 422, "invalid", "/"),
    "an unknown member": ('{"label": "x", "lable": "y"}', 422, "invalid", "/lable"),
    "an unknown member, deeper": ('{"label": "x", "lines": [{"line": "a", "amount": 1, "x/y~z": 1}]}', 422, "invalid", "/lines/0/x~1y~0z"),
    "a number for a text": ('{"label": 1}', 422, "invalid", "/label"),
    "a text for a number": ('{"label": "x", "lines": [{"line": "a", "amount": "1"}]}', 422, "invalid", "/lines/0/amount"),
    "true for a number": ('{"label": "x", "lines": [{"line": "a", "amount": true}]}', 422, "invalid", "/lines/0/amount"),
    "a fraction for a whole number": ('{"label": "x", "lines": [{"line": "a", "amount": 1.5}]}', 422, "invalid", "/lines/0/amount"),
    "nothing in it": ('{"label": "   "}', 422, "invalid", "/label"),
    "a line break in a name": ('{"label": "a\\nBcc: x"}', 422, "invalid", "/label"),
    "a text turned round": ('{"label": "a\\u202eb"}', 422, "invalid", "/label"),
    "a name too long": (json.dumps({"label": "x" * 301}), 422, "invalid", "/label"),
    "a day that is not": ('{"label": "x", "day": "2024-02-30"}', 422, "invalid", "/day"),
    "a day as a number": ('{"label": "x", "day": 1720742400}', 422, "invalid", "/day"),
    "a time for a day": ('{"label": "x", "day": "2024-07-12T00:00:00"}', 422, "invalid", "/day"),
    "an unknown time zone": ('{"label": "x", "timezone": "America/Medellin"}', 422, "invalid", "/timezone"),
    "a time zone out of the folder": ('{"label": "x", "timezone": "../etc/passwd"}', 422, "invalid", "/timezone"),
    "an unknown language": ('{"label": "x", "names": {"xx": "y"}}', 422, "invalid", "/names/xx"),
    "the same language twice": ('{"label": "x", "names": {"es": "y", "ES": "z"}}', 422, "invalid", "/names"),
    "no language": ('{"label": "x", "names": {}}', 422, "invalid", "/names"),
}


JSON = {"Content-Type": "application/json"}


async def test_a_bad_body_is_explained_and_changes_nothing(world: World) -> None:
    told = {}
    for name, (body, *_) in BODIES.items():
        answer = await world.send("POST", "/v1/boxes", content=body.encode(), headers=JSON)
        problem = answer.json()
        told[name] = (body, answer.status_code, problem["code"], problem["field"])
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["type"] == f"/problems/{problem['code']}"
        assert all(problem[member] for member in ("title", "detail", "fix", "trace_id", "instance"))
    assert told == BODIES
    assert (await world.count(), await world.count("idempotency")) == (0, 0)
    assert (await world.send("POST", "/v1/boxes", content=OK, headers=JSON)).status_code == 201


async def test_a_body_that_is_not_utf8_is_malformed(world: World) -> None:
    for body in (b'{"label": "\xff"}', b'{"label": "\xed\xa0\x80"}', OK.encode("utf-16")):
        answer = await world.send("POST", "/v1/boxes", content=body, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


async def test_another_form_is_a_415(world: World) -> None:
    kinds = ["text/plain", "application/xml", "application/json; charset=latin-1", "application/x-www-form-urlencoded", ""]
    for headers in [{"Content-Type": kind} for kind in kinds] + [JSON | {"Content-Encoding": "gzip"}]:
        answer = await world.send("POST", "/v1/boxes", content=OK, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media")
        assert answer.json()["fix"]


async def test_json_by_its_other_names_is_read(world: World) -> None:
    for kind in ("application/json;charset=UTF-8", "Application/JSON", "application/merge-patch+json"):
        assert (await world.send("POST", "/v1/boxes", content=OK, headers={"Content-Type": kind})).status_code == 201


async def test_ten_megabytes_are_refused_unread(world: World) -> None:
    answer = await world.send("POST", "/v1/boxes", json={"label": "x" * 10_000_000})
    assert (answer.status_code, answer.json()["code"], answer.headers["connection"]) == (413, "too-large", "close")
    assert await world.count() == 0


async def test_a_bad_path_or_query_names_its_place(world: World) -> None:
    known = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"
    for path, field in (("/v1/boxes/by-id/1", "path/given"), (f"/v1/boxes/by-id/{known}?shelf=toolong", "?shelf")):
        answer = await world.send("PUT", path)
        assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_a_bad_number_in_the_query_names_it_and_shows_one(world: World) -> None:
    for said, fix in (("abc", "Send a whole number in digits, like 3."), ("0", "Send 1 or more."), ("201", "Send 200 or less.")):
        problem = (await world.send("GET", f"/v1/boxes?limit={said}")).json()
        assert (problem["status"], problem["field"], problem["fix"]) == (422, "?limit", fix)


async def test_nul_in_an_address_is_refused(world: World) -> None:
    for path in ("/v1/boxes/%00", "/v1/boxes?after=%00"):
        answer = await world.send("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    ("path", "place"), [("/v1/boxes/Bogot%E1", "path"), ("/v1/boxes?after=Bogot%E9", "query"), ("/v1/boxes/%FF", "path")]
)
async def test_an_address_that_is_no_utf_8_is_refused_and_not_read_as_one_that_many_are(world: World, path: str, place: str) -> None:
    answer = await world.send("GET", path)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "malformed", place)
    assert (await world.send("GET", "/v1/boxes?after=%C3%A1")).json()["code"] == "bad-cursor"


async def test_a_parameter_that_is_there_twice_is_refused_and_none_of_the_two_is_dropped(world: World) -> None:
    for method, path in (("GET", "/v1/boxes?limit=1&after=x&limit=2"), ("POST", "/v1/boxes?x=1&x=1")):
        answer = await world.send(method, path, json={"label": "x"} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["field"] == ("?limit" if method == "GET" else "?x")


async def test_an_address_or_headers_without_end_are_refused(world: World) -> None:
    assert (await world.send("GET", "/v1/boxes?after=" + "x" * 9000)).status_code == 414
    assert (await world.send("GET", "/v1/boxes", headers={"X-Long": "x" * 40_000})).status_code == 431
    assert (await world.send("GET", "/v1/boxes", headers={f"X-{n}": "1" for n in range(200)})).status_code == 431


async def test_several_errors_are_all_told(world: World) -> None:
    answer = await world.send("POST", "/v1/boxes", json={"timezone": "Nowhere", "secret_token": "hush", "lines": [{"line": "x"}]})
    errors = {error["field"]: error for error in answer.json()["errors"]}
    assert set(errors) == {"/label", "/timezone", "/secret_token", "/lines/0/amount"}
    assert errors["/timezone"]["value"] == "Nowhere"
    assert "hush" not in answer.text
    assert all(error["rule"] and error["fix"] and error["in"] == "body" for error in errors.values())


def test_what_may_pass_does() -> None:
    deep: Any = "x"
    for _ in range(32):
        deep = [deep]
    whole = {"a": [1.5, -2, 9007199254740991, True, None, "é😀"], "text": "[{,}]" * 9000}
    for value in (deep, whole, {"b": "\\u0000 is written so", "c": '"' * 40}):
        assert strict_json.parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize("size", [0, 1, 7])
def test_cut_short_anywhere_it_is_refused_in_words(size: int) -> None:
    whole = json.dumps({"a": [1, {"b": "ñ"}], "c": None}, ensure_ascii=False).encode()
    for end in range(size, len(whole) - 1):
        with pytest.raises(Refusal):
            strict_json.parse(whole[:end])
