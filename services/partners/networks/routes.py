"""The networks over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.models import Seen
from services.partners.networks import commands, views
from services.partners.networks.days import day_of
from services.partners.networks.models import Membership
from services.partners.networks.schemas import EndOfMembership, MembershipFilters, MembershipOut, NewMember
from services.partners.registry.paths import SENT_ON, NetworkPath, PartnerPath
from shared.auth import Caller
from shared.http import CommandRoute, Cursor, Id, IfMatch, Page, Reader, Reads, Session, Writes, page_of, versioned

router = APIRouter(prefix="/v1", tags=["networks"], route_class=CommandRoute)

MembershipId = Annotated[Id, Path(description="The membership's id.")]
Filters = Annotated[MembershipFilters, Query()]


@router.post(
    "/networks/{network}/members", responses=SENT_ON, status_code=201, response_model=MembershipOut, summary="Take a partner into a network"
)
async def join(network: NetworkPath, body: NewMember, caller: Writes, session: Session) -> JSONResponse:
    """Let a partner belong to a network from a day on. By the network itself or the platform's operator.

    A membership of the same partner that shares a day with this one is a 409 `membership-overlaps`, which names it.
    """
    return answer(await commands.join_network(session, caller, body.joining(network), datetime.now(UTC)), 201)


@router.get("/networks/{network}/members", responses=SENT_ON, response_model=Page[MembershipOut], summary="List a network's members")
async def list_members(request: Request, network: NetworkPath, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The memberships of a network in the order they were recorded; `on` gives those that hold on a day, `status` what they are today.

    Who only applied is under `/applications`.
    """
    return await page(request, reader, sought(caller, filters, network=network, applying=False), filters)


@router.get(
    "/partners/{partner}/memberships", responses=SENT_ON, response_model=Page[MembershipOut], summary="List a partner's memberships"
)
async def list_memberships(request: Request, partner: PartnerPath, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The networks a partner belongs or belonged to; `on` gives those of a day, `status` what they are today.

    Its applications are among them for the partner, for the network concerned and for the operator.
    """
    return await page(request, reader, sought(caller, filters, partner=partner), filters)


@router.get("/memberships/{membership}", response_model=MembershipOut, summary="Read a membership")
async def read(membership: MembershipId, reader: Reader, caller: Reads) -> JSONResponse:
    """One membership; its `ETag` is what a change must send in `If-Match`. An application is there for its two partners alone."""
    found = await views.membership_by_id(reader, caller, membership, day_of(datetime.now(UTC)))
    return versioned(found)


@router.post("/memberships/{membership}/end", response_model=MembershipOut, summary="End a membership")
async def end(membership: MembershipId, body: EndOfMembership, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """End a membership on a day, its last, without grace. By the network, by the member that leaves, or by the operator."""
    ended = await commands.end_membership(session, caller, Seen(membership, version), body.ending(), datetime.now(UTC))
    return answer(ended)


def sought(caller: Caller, filters: MembershipFilters, **said: Any) -> views.Sought:
    """What a list is about, in the words of the views."""
    return views.Sought(caller=caller, today=day_of(datetime.now(UTC)), on=filters.on, status=filters.status, role=filters.role, **said)


async def page(request: Request, reader: AsyncConnection, asked: views.Sought, filters: MembershipFilters) -> JSONResponse:
    """A page of memberships as an answer."""
    found = await views.memberships_sought(reader, asked, Cursor.read_id(filters.after), filters.limit + 1)
    return page_of(request, found, filters.limit)


def answer(membership: Membership, status: int = 200) -> JSONResponse:
    """The membership as it was just written, with its new ETag."""
    return versioned(views.told(membership, day_of(datetime.now(UTC))), status, among="/v1/memberships")
