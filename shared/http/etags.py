"""Versions on the wire: a strong ETag out, If-Match in."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from shared.http.refusals import IfMatchMalformed
from shared.refusals import PreconditionRequired

_STRONG = re.compile(r'"([1-9][0-9]{0,17})"')
_FIX = 'Read the thing and send its ETag exactly as it was given, for example If-Match: "7".'


def etag(version: int) -> str:
    """The strong entity tag of ``version``."""
    return f'"{version}"'


def tag(response: Response, version: int) -> None:
    """Put the ETag of ``version`` on ``response``."""
    response.headers["ETag"] = f'"{version}"'


def versioned(told: Mapping[str, Any], status: int = 200, *, among: str = "") -> JSONResponse:
    """A thing as an answer with the ETag of its ``version``; with 201 also its Location, by its ``id`` ``among`` its like."""
    headers = {"ETag": etag(told["version"])}
    if status == 201:
        headers["Location"] = f"{among}/{told['id']}"
    return JSONResponse(told, status, headers)


async def _if_match(
    request: Request,
    shown: Annotated[str | None, Header(alias="If-Match", description="The ETag you read.", examples=['"7"'])] = None,
) -> int:
    given = request.headers.getlist("if-match")
    if not given:
        raise PreconditionRequired("The header If-Match is missing.", field="If-Match", fix=_FIX)
    found = _STRONG.fullmatch(given[0].strip()) if len(given) == 1 else None
    if found is None:
        raise IfMatchMalformed(_why(given), field="If-Match", fix=_FIX)
    return int(found[1])


def _why(given: list[str]) -> str:
    text = given[0].strip()
    if len(given) > 1 or "," in text:
        return "If-Match must hold one entity tag, not a list."
    if text == "*":
        return "If-Match '*' would match any version; a change must say which version it is about."
    if text.startswith("W/"):
        return "If-Match holds a weak entity tag; versions here are strong."
    return "If-Match does not hold an entity tag that this service gives."


IfMatch = Annotated[int, Depends(_if_match)]
"""The version the caller has seen; commands compare it with the aggregate's own and raise Stale."""


async def _if_match_given(request: Request) -> int | None:
    return await _if_match(request) if "if-match" in request.headers else None


IfMatchGiven = Annotated[int | None, Depends(_if_match_given)]
"""The same where it is optional (a system that writes by its own key has read no version); None when it is not sent."""
