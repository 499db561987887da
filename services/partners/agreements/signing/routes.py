"""Signing an agreement over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from services.partners.agreements.negotiation.commands import must_speak_for_itself
from services.partners.agreements.record.routes import AgreementId, answer
from services.partners.agreements.record.schemas import AgreementOut
from services.partners.agreements.signing import commands
from services.partners.agreements.signing.schemas import SignatureBody, SignatureRequest
from services.partners.models import Seen
from shared.http import CommandRoute, IfMatch, Session, Signs, Writes

router = APIRouter(prefix="/v1/agreements/{agreement}", tags=["agreements"], route_class=CommandRoute)


@router.post("/request-signature", response_model=AgreementOut, summary="Ask for signatures")
async def request_signature(
    agreement: AgreementId, caller: Writes, session: Session, version: IfMatch, body: SignatureRequest | None = None
) -> Response:
    """Open the agreed terms for signature by every signatory.

    While something is to be defined the answer is 409 `signature-blocked`, which lists it in `blockers`.
    """
    deadline = body.deadline if body is not None else None
    return answer(await commands.request_signature(session, caller, Seen(agreement, version), deadline, datetime.now(UTC)))


@router.post("/sign", response_model=AgreementOut, summary="Sign")
async def sign(agreement: AgreementId, body: SignatureBody, caller: Signs, session: Session, version: IfMatch) -> Response:
    """Sign, for the caller's own partner, exactly the terms with this hash.

    With the last required signature the agreement is signed; it enters into force at once, or on its effective date.
    """
    must_speak_for_itself(caller, body.partner)
    return answer(await commands.sign_agreement(session, caller, Seen(agreement, version), body.signature(), datetime.now(UTC)))
