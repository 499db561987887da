"""Entitlements over HTTP: what a partner may use and why, and who may use an agreement."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from services.partners.agreements.record.routes import AgreementId
from services.partners.agreements.views import Reading
from services.partners.entitlements import commands, views
from services.partners.entitlements.schemas import ChoiceOut, EntitlementFilters, EntitlementOut
from services.partners.models import Seen
from services.partners.networks.routes import MembershipId, answer
from services.partners.networks.schemas import MembershipOut
from services.partners.registry.paths import SENT_ON, PartnerPath
from shared.http import CommandRoute, IfMatch, Page, Reader, Reads, Session, Writes, page_of

router = APIRouter(prefix="/v1", tags=["entitlements"], route_class=CommandRoute)

Filters = Annotated[EntitlementFilters, Query()]


@router.get(
    "/partners/{partner}/entitlements",
    responses=SENT_ON,
    response_model=Page[EntitlementOut],
    summary="List what a partner may use, and why",
)
async def list_entitlements(request: Request, partner: PartnerPath, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The lines of agreements in force that a partner may use: as a party, or by its networks, each with the path in words and in ids.

    Only what is under agreements that the caller may read is listed, the newest agreement first.
    """
    found = await views.entitlements_of(reader, partner, Reading(caller, datetime.now(UTC)), filters.portion())
    return page_of(request, found, filters.limit, "agreement")


@router.get("/agreements/{agreement}/beneficiaries", response_model=Page[EntitlementOut], summary="List who may use an agreement, and why")
async def list_beneficiaries(request: Request, agreement: AgreementId, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The partners that may use the lines of an agreement in force: those it binds, and their members by the paths that lead there.

    Nobody, before it is in force and when it is over; an agreement that the caller may not read is a 404.
    """
    found = await views.beneficiaries_of(reader, agreement, Reading(caller, datetime.now(UTC)), filters.portion())
    return page_of(request, found, filters.limit, "partner")


@router.get("/memberships/{membership}/agreements", response_model=Page[ChoiceOut], summary="List what a member opted in to or out of")
async def list_choices(request: Request, membership: MembershipId, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The agreements about which the member decided, the newest agreement first: taken or not, and since when.

    For the member, its network and the operator; only agreements that the caller may read are listed. About any other agreement the
    member's `inherits_agreements` decides. What follows from both is under `/v1/partners/{partner}/entitlements`.
    """
    found = await views.choices_of(reader, membership, Reading(caller, datetime.now(UTC)), filters.portion())
    return page_of(request, found, filters.limit, "agreement")


@router.post(
    "/memberships/{membership}/agreements/{agreement}/opt-in",
    response_model=MembershipOut,
    summary="Take part in an agreement",
)
async def opt_in(membership: MembershipId, agreement: AgreementId, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Let the member take part in an agreement that its network signed, or will: needed where `inherits_agreements` is `opt_in`.

    By the member itself or the operator. Done again it changes nothing, whichever version `If-Match` names.
    """
    chosen = commands.Choice(agreement, taken=True)
    return answer(await commands.choose_agreement(session, caller, Seen(membership, version), chosen, datetime.now(UTC)))


@router.post(
    "/memberships/{membership}/agreements/{agreement}/opt-out",
    response_model=MembershipOut,
    summary="Stay out of an agreement",
)
async def opt_out(membership: MembershipId, agreement: AgreementId, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Let the member, and whoever belongs to it, take no part in an agreement of its network, also where agreements pass by themselves.

    By the member itself or the operator. It closes this one way: a member by another network may still take part through that.
    """
    chosen = commands.Choice(agreement, taken=False)
    return answer(await commands.choose_agreement(session, caller, Seen(membership, version), chosen, datetime.now(UTC)))
