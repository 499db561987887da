"""Entitlements over HTTP: what a partner may take part in, and why."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.initiatives.directory.entitlements import views
from services.initiatives.directory.entitlements.schemas import EntitlementShown, EntitlementsWanted
from services.initiatives.directory.routes import PartnerId, paged
from shared.http import CommandRoute, Cursor, Page, Reader, Reads

router = APIRouter(prefix="/v1/partners", tags=["entitlements"], route_class=CommandRoute)


@router.get("/{partner_id}/entitlements", response_model=Page[EntitlementShown], summary="What a partner may take part in, and why")
async def list_entitlements(
    partner_id: PartnerId, request: Request, caller: Reads, reader: Reader, asked: Annotated[EntitlementsWanted, Query()]
) -> Response:
    """Each line of each agreement that the partner is entitled to now, as party itself or through its networks, if it lasts that day.

    The partners service decides who is entitled; agreements that the caller may not know of are left out. Without `on` the day is
    today (UTC).
    """
    today = datetime.now(UTC).date()
    wanted = views.Asked(partner_id, asked.on or today, Cursor.read(asked.after, str, str, str), asked.limit + 1)
    rows = await views.entitlements(reader, caller, wanted, today)
    shown = rows[: asked.limit]
    following = Cursor.write(shown[-1].agreement, shown[-1].party, shown[-1].line) if len(rows) > asked.limit else None
    return paged(request, Page[EntitlementShown](items=[EntitlementShown.of(row) for row in shown], next=following))
