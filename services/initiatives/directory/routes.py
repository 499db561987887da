"""What this service knows of partners and signed agreements, over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from services.initiatives.directory import views
from services.initiatives.directory.schemas import AgreementShown, AgreementsWanted, PartnerShown
from shared.http import CommandRoute, Cursor, Id, Page, Reader, Reads, link_next

router = APIRouter(prefix="/v1/directory", tags=["directory"], route_class=CommandRoute)

PartnerId = Annotated[Id, Path(description="The partner's id, as the partners service gave it.")]
AgreementId = Annotated[Id, Path(description="The agreement's id, as the partners service gave it.")]


@router.get("/partners/{partner_id}", summary="A partner as this service knows it")
async def read_partner(partner_id: PartnerId, caller: Reads, reader: Reader) -> PartnerShown:
    """The public profile, as the newest fact about it said."""
    return PartnerShown.model_validate(await views.partner(reader, partner_id))


@router.get("/agreements", response_model=Page[AgreementShown], summary="List signed agreements")
async def list_agreements(request: Request, caller: Reads, reader: Reader, asked: Annotated[AgreementsWanted, Query()]) -> Response:
    """Those the caller may know of, oldest id first."""
    wanted = views.Wanted(asked.party, asked.on, Cursor.read_id(asked.after), asked.limit + 1)
    rows = await views.agreements(reader, caller, wanted, datetime.now(UTC).date())
    shown = [AgreementShown.model_validate(row) for row in rows[: asked.limit]]
    return paged(request, Page[AgreementShown](items=shown, next=Cursor.write(shown[-1].id) if len(rows) > asked.limit else None))


@router.get("/agreements/{agreement_id}", summary="A signed agreement as this service knows it")
async def read_agreement(agreement_id: AgreementId, caller: Reads, reader: Reader) -> AgreementShown:
    """Parties, lines and dates; 404 also for an agreement that the caller may not know of."""
    return AgreementShown.model_validate(await views.agreement(reader, caller, agreement_id, datetime.now(UTC).date()))


def paged(request: Request, page: Page[Any]) -> Response:
    """A page of a list as an answer, with the link to what follows."""
    answer = Response(page.model_dump_json(), media_type="application/json")
    link_next(request, answer, page.next)
    return answer
