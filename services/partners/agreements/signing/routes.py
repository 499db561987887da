"""Signing an agreement over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from services.partners.agreements.negotiation.commands import Given, acting
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
    """Sign exactly the terms with this hash: for the caller's own partner, or for one that gave it a mandate.

    With the last required signature the agreement is signed; it enters into force at once, or on its effective date.
    """
    now = datetime.now(UTC)
    given = Given(agreement=agreement, action="sign", terms_hash=body.terms_hash, partner=body.partner)
    signer = await acting(session, caller, given, now)
    return answer(await commands.sign_agreement(session, signer, Seen(agreement, version), body.signature(), now))
