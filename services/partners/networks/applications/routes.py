"""Applications to networks over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.partners.models import Seen
from services.partners.networks.applications import commands
from services.partners.networks.applications.schemas import ApprovalBody, NewApplication, Rejection
from services.partners.networks.days import day_of
from services.partners.networks.routes import Filters, MembershipId, answer, page, sought
from services.partners.networks.schemas import MembershipOut
from services.partners.registry.paths import SENT_ON, NetworkPath
from shared.http import CommandRoute, IfMatch, Page, Reader, Reads, Session, Writes

router = APIRouter(prefix="/v1", tags=["networks"], route_class=CommandRoute)


@router.post(
    "/networks/{network}/applications", responses=SENT_ON, status_code=201, response_model=MembershipOut, summary="Apply to a network"
)
async def apply(network: NetworkPath, body: NewApplication, caller: Writes, session: Session) -> JSONResponse:
    """Ask a network to take the caller's own partner in. The membership is `applied`, and holds nothing until the network approves it.

    There is at most one open application of a partner to a network: else 409 `application-open`, which names it.
    """
    now = datetime.now(UTC)
    joining = body.joining(caller.partner, network, day_of(now))
    return answer(await commands.apply_to_network(session, caller, joining, body.message, now), 201)


@router.get(
    "/networks/{network}/applications", responses=SENT_ON, response_model=Page[MembershipOut], summary="List the applications to a network"
)
async def list_applications(request: Request, network: NetworkPath, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """Those that were not approved, in the order in which they came; `status=applied` gives the open ones.

    All of them for the network and the operator; for anybody else its own.
    """
    return await page(request, reader, sought(caller, filters, network=network, applying=True), filters)


@router.post("/memberships/{membership}/approve", response_model=MembershipOut, summary="Approve an application")
async def approve(membership: MembershipId, body: ApprovalBody, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Take in the partner that applied, between the days that the network says. By the network or the operator.

    Where one of the two is not active (any more) it is a 409 `partner-not-active`.
    """
    seen = Seen(membership, version)
    return answer(await commands.approve_application(session, caller, seen, body.approval(), datetime.now(UTC)))


@router.post("/memberships/{membership}/reject", response_model=MembershipOut, summary="Reject an application")
async def reject(membership: MembershipId, body: Rejection, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Do not take in the partner that applied, and say why: to that partner, and to nobody else. By the network or the operator."""
    return answer(await commands.reject_application(session, caller, Seen(membership, version), body.reason, datetime.now(UTC)))


@router.post("/memberships/{membership}/withdraw", response_model=MembershipOut, summary="Withdraw an application")
async def withdraw(membership: MembershipId, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Ask no longer. By the partner that applied or the operator; afterwards it may apply anew."""
    return answer(await commands.withdraw_application(session, caller, Seen(membership, version), datetime.now(UTC)))
