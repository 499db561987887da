"""Pages of a list, continued by an opaque cursor over the sort key."""

import base64
import binascii
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from shared.http.refusals import BadCursor

Item = TypeVar("Item")

LONGEST_CURSOR = 512
LARGEST_PAGE = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many items at most, 1 to 200.")]
"""How many items a page may hold: ``limit: Limit = 50``."""

After = Annotated[str | None, Query(max_length=LONGEST_CURSOR, description="Where to go on: the `next` of the page before.")]
"""The cursor as the client sends it: ``after: After = None``; read it with ``Cursor.read``."""


class Page(BaseModel, Generic[Item]):
    """Some items of a list in a fixed order, and the cursor of the rest."""

    items: list[Item]
    next: str | None = Field(default=None, description="Send it as `after` to get what follows; null at the end.")


class Cursor:
    """Writes and reads the opaque text that stands for a place in a sorted list."""

    @staticmethod
    def write(*key: str | int | None) -> str:
        """The cursor that stands after the row with this sort ``key`` (the columns of ORDER BY, in order)."""
        text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @staticmethod
    def read(cursor: str | None, *kinds: type[str] | type[int]) -> tuple[Any, ...] | None:
        """The sort key inside ``cursor``, one value of each of ``kinds``; None without a cursor. Raises BadCursor."""
        if cursor is None:
            return None
        key = _decoded(cursor)
        if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
            raise _bad()
        if not all(_storable(part) for part in key):
            raise _bad()
        return tuple(key)

    @staticmethod
    def read_id(cursor: str | None) -> str | None:
        """The id inside the ``cursor`` of a list that is sorted by id; None without a cursor. Raises BadCursor."""
        key = Cursor.read(cursor, str)
        if key is None:
            return None
        try:
            return str(uuid.UUID(key[0]))
        except ValueError:
            raise _bad() from None


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Put ``Link: <…>; rel="next"`` on ``response`` when there is more (RFC 8288)."""
    if cursor is not None:
        url = request.url.include_query_params(after=cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'


def page_of(request: Request, found: Sequence[Mapping[str, Any]], limit: int, key: str = "id") -> JSONResponse:
    """The first ``limit`` of what was found, in the order of ``key``; ask for one more than that, to see whether anything follows."""
    following = Cursor.write(found[limit - 1][key]) if len(found) > limit else None
    response = JSONResponse({"items": list(found[:limit]), "next": following})
    link_next(request, response, following)
    return response


def _decoded(cursor: str) -> Any:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        raise _bad() from None


def _storable(part: str | int) -> bool:
    if isinstance(part, int):
        return -(2**63) <= part < 2**63
    return "\x00" not in part and not any("\ud800" <= sign <= "\udfff" for sign in part)


def _bad() -> BadCursor:
    return BadCursor("The cursor was not given by this list.", field="?after", fix="Follow the next link as it was given, or leave it out.")
