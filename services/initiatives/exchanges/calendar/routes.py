"""Calendar files over HTTP."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.initiatives.exchanges import views
from services.initiatives.exchanges.calendar.schemas import CalendarWanted
from services.initiatives.exchanges.calendar.views import calendar_file
from services.initiatives.exchanges.routes import ExchangeId
from shared.http import Anyone, OpenRoute, Reader
from shared.http.session import runtime_of

router = APIRouter(prefix="/v1/exchanges", tags=["exchanges"], route_class=OpenRoute)

EXAMPLE = "BEGIN:VCALENDAR\r\nPRODID:-//Interurbe//Exchanges//EN\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\n…"
MEDIA_TYPE = "text/calendar; charset=utf-8; method=PUBLISH"


@router.get(
    "/{exchange_id}/calendar.ics",
    response_class=Response,
    summary="An exchange as a calendar file",
    responses={
        200: {"content": {"text/calendar": {"schema": {"type": "string"}, "example": EXAMPLE}}},
        304: {"description": "The file has not changed."},
    },
)
async def read_calendar(
    exchange_id: ExchangeId, request: Request, caller: Anyone, reader: Reader, asked: Annotated[CalendarWanted, Query()]
) -> Response:
    """RFC 5545 with METHOD:PUBLISH: one event, its UID for ever the same, SEQUENCE risen with every move, CANCELLED kept.

    That of a public exchange can be fetched without a token: the link stands in mails, and calendars fetch it by themselves.
    """
    row = await views.exchange(reader, caller, exchange_id, datetime.now(UTC).date())
    link = f"{runtime_of(request).settings.public_url}/v1/exchanges/{exchange_id}"
    file = calendar_file(row, asked.lang, link)
    tag = f'"{hashlib.sha256(file).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Disposition": f'attachment; filename="{exchange_id}.ics"'}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file, headers=headers, media_type=MEDIA_TYPE)
