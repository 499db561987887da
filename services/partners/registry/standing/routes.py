"""Where a partner stands, over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.partners.models import Seen
from services.partners.registry.models import Partner
from services.partners.registry.paths import SENT_ON, PartnerPath
from services.partners.registry.schemas import PartnerOut
from services.partners.registry.standing import commands
from services.partners.registry.standing.schemas import Reason
from services.partners.registry.views import told
from shared.http import Admins, CommandRoute, IfMatch, Session, Writes, versioned

router = APIRouter(prefix="/v1/partners", tags=["registry"], route_class=CommandRoute)


@router.post("/{partner}/submit", responses=SENT_ON, response_model=PartnerOut, summary="Hand a draft in to be verified")
async def submit(partner: PartnerPath, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """From `draft` to `pending_verification`, by the partner itself or the operator: from then on everybody reads it.

    It becomes `active` when it is verified. In any other state: 409 `wrong-state`, which lists what is possible (`allowed`).
    """
    return _answer(await commands.submit_partner(session, caller, Seen(partner, version), datetime.now(UTC)))


@router.post("/{partner}/suspend", responses=SENT_ON, response_model=PartnerOut, summary="Suspend a partner")
async def suspend(partner: PartnerPath, body: Reason, caller: Admins, session: Session, version: IfMatch) -> JSONResponse:
    """Let an active partner read and no longer act. By the platform's operator.

    Its clients' changes are refused with 403 `partner-barred`, their new tokens carry `read` alone, and nobody can name it as a party,
    a member or in a mandate (409 `partner-not-active`). What it did before stands, and its memberships and agreements run on.
    """
    return _answer(await commands.suspend_partner(session, caller, Seen(partner, version), body.reason, datetime.now(UTC)))


@router.post("/{partner}/resume", responses=SENT_ON, response_model=PartnerOut, summary="Let a suspended partner act again")
async def resume(partner: PartnerPath, caller: Admins, session: Session, version: IfMatch) -> JSONResponse:
    """From `suspended` back to `active`. By the platform's operator."""
    return _answer(await commands.resume_partner(session, caller, Seen(partner, version), datetime.now(UTC)))


@router.post("/{partner}/archive", responses=SENT_ON, response_model=PartnerOut, summary="Archive a partner")
async def archive(partner: PartnerPath, body: Reason, caller: Admins, session: Session, version: IfMatch) -> JSONResponse:
    """Keep a partner for the record alone: everybody still reads it, its clients get no token. By the operator, and for good.

    Its memberships end with that day, or with their first if they are yet to begin, those of its members too where it is a network
    (`membership.ended`, then `entitlement.withdrawn`); its open applications are withdrawn, those to it rejected. Agreements stay as
    they are, and so does what entitles by them alone: whether they go on is for their parties to say. It happens moments after the answer.
    Of a draft that leads nowhere nobody hears: it stays hidden, and its names and identifiers are free for another.
    """
    return _answer(await commands.archive_partner(session, caller, Seen(partner, version), body.reason, datetime.now(UTC)))


def _answer(partner: Partner) -> JSONResponse:
    return versioned(told(partner))
