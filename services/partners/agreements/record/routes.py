"""Reading agreements over HTTP."""

import json
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.partners.agreements import views
from services.partners.agreements.models import Agreement
from services.partners.agreements.record.schemas import AgreementFilters, AgreementOut
from services.partners.agreements.views import Reading
from shared.http import CommandRoute, Cursor, Id, Page, Reader, Reads, etag, link_next

router = APIRouter(prefix="/v1/agreements", tags=["agreements"], route_class=CommandRoute)

AgreementId = Annotated[Id, Path(description="The agreement's id.")]


@router.get("/{agreement}", response_model=AgreementOut, summary="Read an agreement")
async def read(agreement: AgreementId, reader: Reader, caller: Reads) -> Response:
    """An agreement, to its parties, and once it is signed to whom its visibility allows; everybody else is told 404.

    A draft is its writer's alone until it is proposed. The `ETag` is what a change must send in `If-Match`.
    """
    document, version = await views.agreement_by_id(reader, agreement, Reading(caller, datetime.now(UTC)))
    return Response(document, headers={"ETag": etag(version)}, media_type="application/json")


@router.get("", response_model=Page[AgreementOut], summary="List agreements")
async def list_agreements(request: Request, reader: Reader, caller: Reads, filters: Annotated[AgreementFilters, Query()]) -> Response:
    """The agreements the caller may know of, the newest first, a page at a time; every filter given narrows the list."""
    after, reading = Cursor.read_id(filters.after), Reading(caller, datetime.now(UTC))
    found = await views.agreements_sought(reader, reading, filters.sought(), after, filters.limit + 1)
    following = Cursor.write(found[filters.limit - 1].id) if len(found) > filters.limit else None
    items = ",".join(row.document for row in found[: filters.limit])
    response = Response(f'{{"items":[{items}],"next":{json.dumps(following)}}}', media_type="application/json")
    link_next(request, response, following)
    return response


def answer(agreement: Agreement, status: int = 200, location: str | None = None) -> Response:
    """The agreement as it was just written, with its new ETag."""
    headers = {"ETag": etag(agreement.version)}
    if location is not None:
        headers["Location"] = location
    return Response(agreement.document, status, headers, media_type="application/json")
