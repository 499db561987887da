"""Merges over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse

from services.partners.access.routes import Gate
from services.partners.merging import commands, views
from services.partners.merging.models import Merge
from services.partners.merging.schemas import MergeOut, NewMerge, Undoing
from services.partners.models import Seen
from shared.auth import Caller
from shared.http import Admins, CommandRoute, Id, IfMatch, Reader, Reads, Session

router = APIRouter(prefix="/v1/partners", tags=["registry"], route_class=CommandRoute)

OldId = Annotated[Id, Path(description="The id of the partner that was another one all along; it is not sent on.")]


async def _old(partner: OldId, version: IfMatch) -> Seen:
    return Seen(partner, version)


Old = Annotated[Seen, Depends(_old)]
"""The partner in the path, as the caller read it."""


@router.post(
    "/{partner}/merge",  # noqa: FAST003 - it is read by _old
    status_code=201,
    response_model=MergeOut,
    summary="Merge a partner into another",
)
async def merge(old: Old, body: NewMerge, caller: Admins, session: Session, gate: Gate) -> JSONResponse:
    """Let a partner be another one of the same kind. Only the platform's operator does; within 30 days it can be undone.

    Agreements, memberships, mandates, contacts, clients with their secrets, names (as aliases of the kind `former`), identifiers and
    guests follow. What was signed stays byte for byte; the next revision names the survivor. A membership that shares a day with one
    that the survivor has in the same network stays behind and ends, as does a mandate of which it has the like: `left` lists them.
    Afterwards every path with the old id answers 308 (a change with `If-Match` 409 `partner-merged`), but its `/history` and `/merge`;
    a request that names it in its body is refused with 409 `partner-merged`, and a token that does with 401: get a new one.
    """
    made = await commands.merge_partner(session, caller, old, body.wanted(), datetime.now(UTC))
    return _answer(made, caller, gate, made.at, 201)


@router.get("/{partner}/merge", response_model=MergeOut, summary="Read into whom a partner was merged")
async def read(partner: OldId, reader: Reader, caller: Reads) -> JSONResponse:
    """The last merge of a partner into another, undone or not; 404 for one that was never merged."""
    return JSONResponse(await views.merge_of(reader, caller, partner))


@router.post("/{partner}/undo-merge", response_model=MergeOut, summary="Undo a merge")
async def undo(partner: OldId, body: Undoing, caller: Admins, session: Session, gate: Gate) -> JSONResponse:
    """Let a merged partner be itself again, within 30 days: 409 `undo-too-late` afterwards. Only the platform's operator does.

    What passed comes back as far as the survivor has it still; what came to the survivor since stays there, and mandates that ended
    stay so. No `If-Match` is asked for: a merge is undone once, and nothing else happens to it.
    """
    now = datetime.now(UTC)
    return _answer(await commands.undo_merge(session, caller, partner, body.reason, now), caller, gate, now)


def _answer(merge: Merge, caller: Caller, gate: Gate, moment: datetime, status: int = 200) -> JSONResponse:
    for client in merge.moved["clients"]:
        gate.revoked.hold(client, moment)
    return JSONResponse(views.told(merge, caller), status, {"Location": f"/v1/partners/{merge.partner}/merge"} if status == 201 else None)
