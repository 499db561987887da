"""Mandates over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from services.partners.mandates import commands, views
from services.partners.mandates.models import Mandate
from services.partners.mandates.schemas import MandateFilters, MandateOut, MandateUseOut, NewMandate, Revocation, UseFilters
from services.partners.models import Seen
from services.partners.registry.paths import SENT_ON, PartnerPath
from shared.http import CommandRoute, Cursor, Id, IfMatch, Page, Reader, Reads, Session, Signs, Writes, page_of, versioned

router = APIRouter(prefix="/v1", tags=["mandates"], route_class=CommandRoute)

MandateId = Annotated[Id, Path(description="The mandate's id.")]
Filters = Annotated[MandateFilters, Query()]
Uses = Annotated[UseFilters, Query()]


@router.post(
    "/partners/{partner}/mandates", responses=SENT_ON, status_code=201, response_model=MandateOut, summary="Ask for a mandate, or give one"
)
async def ask(partner: PartnerPath, body: NewMandate, caller: Signs, session: Session) -> JSONResponse:
    """By the holder: it is `requested` until the partner grants it. By the partner itself: it is `active` at once.

    There is at most one between the two at a time: else 409 `mandate-exists`, which names it.
    """
    between = commands.Between(partner, body.holder)
    return _answer(await commands.ask_for_mandate(session, caller, between, body.scope(), datetime.now(UTC)), 201)


@router.get("/partners/{partner}/mandates", responses=SENT_ON, response_model=Page[MandateOut], summary="List a partner's mandates")
async def list_mandates(request: Request, partner: PartnerPath, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """Those the partner gave, was asked for or holds, in the order of their request; for itself and the operator alone."""
    sought = views.Sought(partner=partner, state=filters.state, after=Cursor.read_id(filters.after))
    found = await views.mandates_of(reader, caller, sought, filters.limit + 1)
    return page_of(request, found, filters.limit)


@router.get("/mandates/{mandate}", response_model=MandateOut, summary="Read a mandate")
async def read(mandate: MandateId, reader: Reader, caller: Reads) -> JSONResponse:
    """One mandate, for its two partners and the operator. Its `ETag` is what granting or revoking must send in `If-Match`."""
    found = await views.mandate_by_id(reader, caller, mandate)
    return versioned(found)


@router.get("/mandates/{mandate}/uses", response_model=Page[MandateUseOut], summary="List what was done under a mandate")
async def list_uses(request: Request, mandate: MandateId, reader: Reader, caller: Reads, filters: Uses) -> JSONResponse:
    """Every approval and signature given under it, oldest first, with the hash of the terms and the client that sent it."""
    await views.mandate_by_id(reader, caller, mandate)
    found = await views.uses_of(reader, mandate, Cursor.read_id(filters.after), filters.limit + 1)
    return page_of(request, found, filters.limit)


@router.post("/mandates/{mandate}/grant", response_model=MandateOut, summary="Grant a mandate")
async def grant(mandate: MandateId, caller: Signs, session: Session, version: IfMatch) -> JSONResponse:
    """Let the holder act, by the partner for which it shall; granting again changes nothing.

    Where the holder is not active (any more) it is a 409 `partner-not-active`.
    """
    return _answer(await commands.grant_mandate(session, caller, Seen(mandate, version), datetime.now(UTC)))


@router.post("/mandates/{mandate}/revoke", response_model=MandateOut, summary="Revoke a mandate")
async def revoke(mandate: MandateId, body: Revocation, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """End it, or refuse to give it, by either of the two or the operator. What was approved or signed under it stands."""
    return _answer(await commands.revoke_mandate(session, caller, Seen(mandate, version), body.reason, datetime.now(UTC)))


def _answer(mandate: Mandate, status: int = 200) -> JSONResponse:
    return versioned(views.told(mandate), status, among="/v1/mandates")
