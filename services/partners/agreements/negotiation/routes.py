"""Negotiating an agreement over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from services.partners.agreements.negotiation import commands
from services.partners.agreements.negotiation.schemas import Abandonment, Approval, NewRevision
from services.partners.agreements.record.routes import AgreementId, answer
from services.partners.agreements.record.schemas import AgreementOut
from services.partners.models import Seen
from shared.http import CommandRoute, IfMatch, Session, Signs, Writes

router = APIRouter(prefix="/v1/agreements/{agreement}", tags=["agreements"], route_class=CommandRoute)


@router.post("/propose", response_model=AgreementOut, summary="Put a draft before its parties")
async def propose(agreement: AgreementId, caller: Writes, session: Session, version: IfMatch) -> Response:
    """Let the parties know of the draft and invite each to approve its terms."""
    return answer(await commands.propose_agreement(session, caller, Seen(agreement, version), datetime.now(UTC)))


@router.post("/revisions", status_code=201, response_model=AgreementOut, summary="Propose other terms")
async def revise(agreement: AgreementId, body: NewRevision, caller: Writes, session: Session, version: IfMatch) -> Response:
    """Replace the terms under negotiation by a new revision. Approvals of the terms before lapse, which is no refusal."""
    revised = await commands.propose_revision(session, caller, Seen(agreement, version), body.wanted(), datetime.now(UTC))
    return answer(revised, 201, f"/v1/agreements/{agreement}/revisions/{revised.revision}")


@router.post("/approve", response_model=AgreementOut, summary="Approve the terms")
async def approve(agreement: AgreementId, body: Approval, caller: Signs, session: Session, version: IfMatch) -> Response:
    """Approve exactly the terms with this hash: for the caller's own partner, or for one that gave it a mandate.

    When the terms changed meanwhile the answer is 409 `stale-terms` with the new hash and what changed.
    """
    now = datetime.now(UTC)
    given = commands.Given(agreement=agreement, action="approve", terms_hash=body.terms_hash, partner=body.partner)
    acting = await commands.acting(session, caller, given, now)
    return answer(await commands.approve_terms(session, acting, Seen(agreement, version), body.terms_hash, now))


@router.post("/abandon", response_model=AgreementOut, summary="Give an agreement up")
async def abandon(agreement: AgreementId, body: Abandonment, caller: Writes, session: Session, version: IfMatch) -> Response:
    """Give the agreement up before it binds anybody; the reason is told to its parties."""
    return answer(await commands.abandon_agreement(session, caller, Seen(agreement, version), body.reason, datetime.now(UTC)))
