"""The audit over HTTP."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from services.partners.audit.schemas import EXPORT, AuditFilters, EntryOut, ExportWanted
from services.partners.audit.views import Sought, entries
from shared.auth import Caller
from shared.http import Admins, CommandRoute, Cursor, Page, Reader, link_next, page_of

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=CommandRoute)


@router.get("", response_model=Page[EntryOut], summary="Who did what")
async def list_entries(request: Request, reader: Reader, caller: Admins, filters: Annotated[AuditFilters, Query()]) -> JSONResponse:
    """Every change a client made, oldest first; an entry is here a second or so after its change, when it is chained.

    The operator sees all, a partner's client with the scope `admin` what its partner's clients did; `partner` and `action` narrow
    that further, though not in the export, which is there to be proved. What was refused changed
    nothing and is not here: a 401, 403 or 429 is in the metrics of the process and in its traces. Tokens that were given show as
    `last_used_at` of the client. What happens by its date (a mandate ends, an agreement enters into force) nobody does: it is told as
    a fact.
    """
    sought = Sought(whose=_whose(caller), partner=filters.partner, action=filters.action, after=_after(filters.after))
    found = await entries(reader, sought, filters.limit + 1)
    return page_of(request, found, filters.limit, "n")


@router.get("/export", responses=EXPORT, response_class=Response, summary="The audit as a file that can be proved")
async def export(request: Request, reader: Reader, caller: Admins, wanted: Annotated[ExportWanted, Query()]) -> Response:
    """The same entries, one a line. Append what `Link: rel="next"` leads to, and keep the file where nobody here can change it.

    `python -m services.partners audit-verify FILE` proves it without asking anybody, and names the first link that is broken.
    Keep the hash it ends with: `--holds HASH` proves of a later file that nothing up to there was cut off.
    """
    found = await entries(reader, Sought(whose=_whose(caller), after=_after(wanted.after)), wanted.limit + 1)
    lines = "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in found[: wanted.limit])
    response = Response(lines, media_type="application/x-ndjson")
    link_next(request, response, Cursor.write(found[wanted.limit - 1]["n"]) if len(found) > wanted.limit else None)
    return response


def _whose(caller: Caller) -> str | None:
    return None if caller.is_admin else caller.partner


def _after(cursor: str | None) -> int:
    key = Cursor.read(cursor, int)
    return int(key[0]) if key else 0
