"""Changing, renewing, suspending and resuming memberships over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.partners.models import Seen
from services.partners.networks.routes import MembershipId, answer
from services.partners.networks.schemas import MembershipOut
from services.partners.networks.tenure import commands
from services.partners.networks.tenure.schemas import MembershipChanges, RenewalBody, Suspension
from shared.http import CommandRoute, IfMatch, Session, Writes

router = APIRouter(prefix="/v1/memberships/{membership}", tags=["networks"], route_class=CommandRoute)


@router.patch("", response_model=MembershipOut, summary="Change a membership's role, or what passes to the member")
async def change(membership: MembershipId, body: MembershipChanges, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Each field given replaces what was there, fields left out stay. By the network or the operator.

    The member itself may let less pass to it (`auto`, `opt_in`, `no`, in this order), and change nothing else: 403. What it opted in to
    or out of is kept and counts again. Who may take part follows at once: entitlements are granted or withdrawn, each once. A membership
    that was not approved, or is over, is not changed: 409 `membership-state` says what is possible; where one of the two is not active
    it is a 409 `partner-not-active`.
    """
    return answer(await commands.change_membership(session, caller, Seen(membership, version), body.change(), datetime.now(UTC)))


@router.post("/renew", response_model=MembershipOut, summary="Renew a membership")
async def renew(membership: MembershipId, body: RenewalBody, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Let it go on to a later last day: while it is current or in grace, or up to a year after it lapsed. By the network or the operator.

    What has no last day, and what was ended, is not renewed: 409 `membership-state` says what is possible. Nor is it renewed or resumed
    where one of the two is not active: 409 `partner-not-active`.
    """
    seen = Seen(membership, version)
    return answer(await commands.renew_membership(session, caller, seen, body.renewal(), datetime.now(UTC)))


@router.post("/suspend", response_model=MembershipOut, summary="Suspend a membership")
async def suspend(membership: MembershipId, body: Suspension, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Let it pass nothing on until it is resumed; its days go on meanwhile, to its lapse. By the network or the operator."""
    return answer(await commands.suspend_membership(session, caller, Seen(membership, version), body.reason, datetime.now(UTC)))


@router.post("/resume", response_model=MembershipOut, summary="Resume a membership")
async def resume(membership: MembershipId, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Let a suspended membership hold again, on the days that it has. By the network or the operator."""
    return answer(await commands.resume_membership(session, caller, Seen(membership, version), datetime.now(UTC)))
