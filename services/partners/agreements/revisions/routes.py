"""Reading revisions over HTTP, and the exact bytes behind a hash."""

import base64
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from services.partners.agreements import views
from services.partners.agreements.record.routes import AgreementId
from services.partners.agreements.revisions.schemas import RevisionOut
from services.partners.agreements.views import Reading
from shared.http import CommandRoute, Reader, Reads

router = APIRouter(prefix="/v1/agreements/{agreement}/revisions", tags=["agreements"], route_class=CommandRoute)

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The revision's number, from 1.")]
_CANONICAL: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes whose SHA-256 is the terms_hash; `Repr-Digest` (RFC 9530) says so.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": {"agreement_id": "…", "number": 1, "prev_hash": None}}},
    }
}


@router.get("/{number}", response_model=RevisionOut, summary="Read a revision")
async def read(agreement: AgreementId, number: Number, reader: Reader, caller: Reads) -> Response:
    """One version of the terms with its full texts. Outsiders read only the one that was signed."""
    row = await views.revision_by_number(reader, agreement, number, Reading(caller, datetime.now(UTC)))
    return JSONResponse(views.told(row), headers={"ETag": f'"{row.terms_hash}"'})


@router.get("/{number}/canonical", responses=_CANONICAL, response_class=Response, summary="The exact bytes behind a terms_hash")
async def read_canonical(agreement: AgreementId, number: Number, reader: Reader, caller: Reads) -> Response:
    """What the parties consent to, as the very bytes (RFC 8785) whose SHA-256 is the revision's `terms_hash`.

    Keep the file: `python -m services.partners verify FILE --hash HASH` proves it without asking anybody.
    """
    row = await views.revision_by_number(reader, agreement, number, Reading(caller, datetime.now(UTC)))
    digest = base64.b64encode(bytes.fromhex(row.terms_hash)).decode()
    headers = {"ETag": f'"{row.terms_hash}"', "Repr-Digest": f"sha-256=:{digest}:", "Hash-Algorithm": row.hash_alg}
    return Response(row.canonical, headers=headers, media_type="application/json")
