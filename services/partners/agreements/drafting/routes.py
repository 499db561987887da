"""Beginning an agreement over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from services.partners.agreements.drafting.commands import draft_agreement
from services.partners.agreements.drafting.schemas import NewAgreement
from services.partners.agreements.record.routes import answer
from services.partners.agreements.record.schemas import AgreementOut
from shared.http import CommandRoute, Session, Writes

router = APIRouter(prefix="/v1/agreements", tags=["agreements"], route_class=CommandRoute)


@router.post("", status_code=201, response_model=AgreementOut, summary="Draft an agreement")
async def draft(body: NewAgreement, caller: Writes, session: Session) -> Response:
    """Write an agreement down for two or more parties, one of which is the caller's partner (the operator drafts for any).

    Nobody else knows of a draft until it is proposed. Quantities may be `to_be_defined` until signature.
    """
    agreement = await draft_agreement(session, caller, body.frame(), body.wanted(), datetime.now(UTC))
    return answer(agreement, 201, f"/v1/agreements/{agreement.id}")
