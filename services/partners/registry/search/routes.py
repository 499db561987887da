"""Searching the registry over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from services.partners.registry.search.schemas import Hits, SearchFilters
from services.partners.registry.search.views import partners_like
from shared.http import CommandRoute, Reader, Reads

router = APIRouter(prefix="/v1/partners", tags=["registry"], route_class=CommandRoute)


@router.get("/search", response_model=Hits, summary="Find partners by a name as somebody remembers it")
async def search(reader: Reader, caller: Reads, filters: Annotated[SearchFilters, Query()]) -> JSONResponse:
    """The partners whose name, alias, acronym or external identifier answers `q` best, best first, spelling mistakes forgiven.

    Script, accents, case and the order of words do not matter, and words may be begun only (`medell`). Each partner comes with a
    `score` up to 1 (the very name or identifier) and what `matched`. There are no pages: narrow the search, or list partners instead.
    """
    return JSONResponse({"items": await partners_like(reader, filters.sought(caller))})
