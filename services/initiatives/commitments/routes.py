"""Commitments over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from services.initiatives.commitments import views
from services.initiatives.commitments.schemas import CommitmentShown, CommitmentsWanted
from services.initiatives.directory.routes import paged
from shared.http import CommandRoute, Cursor, Id, Page, Reader, Reads, tag

router = APIRouter(prefix="/v1/commitments", tags=["commitments"], route_class=CommandRoute)

CommitmentId = Annotated[Id, Path(description="The commitment's id in this service.")]


@router.get("", response_model=Page[CommitmentShown], summary="List commitments")
async def list_commitments(request: Request, caller: Reads, reader: Reader, asked: Annotated[CommitmentsWanted, Query()]) -> Response:
    """Those the caller may know of."""
    wanted = views.Wanted(
        agreement=asked.agreement,
        giver=asked.giver,
        receiver=asked.receiver,
        state=asked.state,
        after=Cursor.read_id(asked.after),
        limit=asked.limit + 1,
    )
    rows = await views.commitments(reader, caller, wanted, datetime.now(UTC).date())
    shown = [CommitmentShown.model_validate(row) for row in rows[: asked.limit]]
    return paged(request, Page[CommitmentShown](items=shown, next=Cursor.write(shown[-1].id) if len(rows) > asked.limit else None))


@router.get("/{commitment_id}", summary="Read a commitment")
async def read_commitment(commitment_id: CommitmentId, response: Response, caller: Reads, reader: Reader) -> CommitmentShown:
    """With its ETag; 404 also for a commitment that the caller may not know of."""
    row = await views.commitment(reader, caller, commitment_id, datetime.now(UTC).date())
    tag(response, row.version)
    return CommitmentShown.model_validate(row)
