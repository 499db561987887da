"""The history of a partner over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from services.partners.registry.history.schemas import ChangeOut, HistoryFilters
from services.partners.registry.history.views import changes_of_partner
from shared.http import CommandRoute, Cursor, Id, Page, Reader, Reads, page_of

router = APIRouter(prefix="/v1/partners", tags=["registry"], route_class=CommandRoute)

PartnerId = Annotated[Id, Path(description="The partner's id.")]
Filters = Annotated[HistoryFilters, Query()]


@router.get("/{partner}/history", response_model=Page[ChangeOut], summary="Read how a partner changed")
async def history(request: Request, partner: PartnerId, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """Every change of a partner's profile, newest first and its registration last: each field's old and new value, when and by whom.

    Everybody may know which partner made a change; which `client` of it did, only the partner itself and the platform's operator.
    """
    key = Cursor.read(filters.after, int)
    found = await changes_of_partner(reader, caller, partner, key[0] if key else None, filters.limit + 1)
    return page_of(request, found, filters.limit, "version")
