"""Verifying partners over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from services.partners.models import Seen
from services.partners.registry.paths import SENT_ON, PartnerPath
from services.partners.registry.schemas import PartnerOut
from services.partners.registry.verifying import commands
from services.partners.registry.verifying.schemas import NewVerification, VerificationFilters, VerificationOut
from services.partners.registry.verifying.views import verifications_of
from services.partners.registry.views import told
from shared.http import CommandRoute, Cursor, IfMatch, Page, Reader, Reads, Session, Writes, page_of, versioned

router = APIRouter(prefix="/v1/partners", tags=["registry"], route_class=CommandRoute)

Filters = Annotated[VerificationFilters, Query()]


@router.post("/{partner}/verify", responses=SENT_ON, response_model=PartnerOut, summary="Say that a partner is who it says")
async def verify(partner: PartnerPath, body: NewVerification, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """By the platform's operator, or by a verified network that the partner belongs to today (`network_vouch`). The last word counts.

    A partner in `pending_verification` becomes `active`. Sixty days before `valid_until` a renewal is asked for
    (`partner.verification_renewal_asked`); after it `verified` is false, and the partner goes on as before. So it is
    too from the day on which the partner itself changes its names or country.
    """
    return versioned(told(await commands.verify_partner(session, caller, Seen(partner, version), body.proof(), datetime.now(UTC))))


@router.get("/{partner}/verifications", responses=SENT_ON, response_model=Page[VerificationOut], summary="List how a partner was verified")
async def list_verifications(request: Request, partner: PartnerPath, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """Every verification, newest first: who said so, how, when and until when. The first one counts."""
    found = await verifications_of(reader, caller, partner, Cursor.read_id(filters.after), filters.limit + 1)
    return page_of(request, found, filters.limit)
