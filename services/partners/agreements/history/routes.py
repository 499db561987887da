"""Recording agreements of the past over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from services.partners.agreements.history.commands import record_agreement
from services.partners.agreements.history.schemas import PastAgreement
from services.partners.agreements.record.routes import answer
from services.partners.agreements.record.schemas import AgreementOut
from shared.http import CommandRoute, Session, Signed

router = APIRouter(prefix="/v1/agreements", tags=["agreements"], route_class=CommandRoute)


@router.post("/historic", status_code=201, response_model=AgreementOut, summary="Record an agreement of the past")
async def record(body: PastAgreement, caller: Signed, session: Session) -> Response:
    """Put on record an agreement that was signed before, with the digests of what shows it; by a party or the operator.

    `signed_on` is the day of the signature, `created_at` the time of the recording. It is in force at once when its
    effective date has come.
    """
    if not caller.is_admin:
        caller.must("write")
    agreement = await record_agreement(session, caller, body.account(), datetime.now(UTC))
    return answer(agreement, 201, f"/v1/agreements/{agreement.id}")
