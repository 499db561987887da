"""Entitlements over HTTP: what a partner may use and why, and who may use an agreement."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from services.partners.agreements.record.routes import AgreementId
from services.partners.agreements.views import Reading
from services.partners.entitlements import views
from services.partners.entitlements.schemas import EntitlementFilters, EntitlementOut
from services.partners.networks.routes import PartnerId
from shared.http import CommandRoute, Cursor, Page, Reader, Reads, link_next

router = APIRouter(prefix="/v1", tags=["entitlements"], route_class=CommandRoute)

Filters = Annotated[EntitlementFilters, Query()]


@router.get("/partners/{partner}/entitlements", response_model=Page[EntitlementOut], summary="List what a partner may use, and why")
async def list_entitlements(request: Request, partner: PartnerId, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The lines of agreements in force that a partner may use: as a party, or by its networks, each with the path in words and in ids.

    Only what is under agreements that the caller may read is listed, the newest agreement first.
    """
    found = await views.entitlements_of(reader, partner, Reading(caller, datetime.now(UTC)), filters.portion())
    return _page(request, found, filters, "agreement")


@router.get("/agreements/{agreement}/beneficiaries", response_model=Page[EntitlementOut], summary="List who may use an agreement, and why")
async def list_beneficiaries(request: Request, agreement: AgreementId, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The partners that may use the lines of an agreement in force: those it binds, and their members by the paths that lead there.

    Nobody, before it is in force and when it is over; an agreement that the caller may not read is a 404.
    """
    found = await views.beneficiaries_of(reader, agreement, Reading(caller, datetime.now(UTC)), filters.portion())
    return _page(request, found, filters, "partner")


def _page(request: Request, found: list[dict[str, Any]], filters: EntitlementFilters, key: str) -> JSONResponse:
    following = Cursor.write(found[filters.limit - 1][key]) if len(found) > filters.limit else None
    response = JSONResponse({"items": found[: filters.limit], "next": following})
    link_next(request, response, following)
    return response
