"""Refusals carry their own words and know nothing of HTTP libraries."""

from __future__ import annotations

import subprocess
import sys

from shared.refusals import Conflict, NotFound, Refusal, TooManyRequests, Unavailable, every_refusal


def test_a_refusal_says_what_where_and_what_to_do() -> None:
    refusal = NotFound("There is no such box.", field="/box", fix="Look again.", box=7)
    assert (str(refusal), refusal.field, refusal.fix, refusal.extra) == ("There is no such box.", "/box", "Look again.", {"box": 7})
    assert (refusal.status, refusal.code, refusal.headers()) == (404, "not-found", {})


def test_a_rooms_own_refusal_is_found() -> None:
    class StaleTerms(Conflict):
        """The terms changed. Read them again."""

        code = "stale-terms"

    assert StaleTerms in set(every_refusal())
    assert StaleTerms("x").status == 409


def test_those_that_pass_say_when_to_come_back() -> None:
    assert TooManyRequests("x", retry_after=7).headers() == {"Retry-After": "7"}
    assert Unavailable("x").headers() == {"Retry-After": "2"}


def test_every_refusal_explains_itself() -> None:
    for refusal in every_refusal():
        assert refusal.__doc__
        assert refusal.title.endswith(".")
        assert 400 <= refusal.status < 600 or refusal.status == 308  # sent on to where the answer is
        assert refusal is Refusal or refusal.code != Refusal.code


def test_refusals_and_tokens_need_no_http_library() -> None:
    asked = "import sys, shared.refusals, shared.auth; print({'fastapi', 'starlette', 'httpx', 'aiohttp'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
