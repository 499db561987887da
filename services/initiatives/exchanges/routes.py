"""Exchanges over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.initiatives.directory.routes import paged
from services.initiatives.exchanges import commands, views
from services.initiatives.exchanges.models import Exchange
from services.initiatives.exchanges.schemas import Cancellation, ExchangeShown, ExchangesWanted, Move, NewExchange
from shared.auth import Caller
from shared.http import CommandRoute, Cursor, Id, IfMatch, Page, Reader, Reads, Session, Writes, etag
from shared.http.refusals import BadCursor

router = APIRouter(prefix="/v1/exchanges", tags=["exchanges"], route_class=CommandRoute)

ExchangeId = Annotated[Id, Path(description="The exchange's id.")]


@router.post("", status_code=201, response_model=ExchangeShown, summary="Schedule an exchange")
async def schedule(body: NewExchange, caller: Writes, session: Session) -> Response:
    """A host schedules it, under a line of a signed agreement that every host and participant is entitled to on its day.

    Otherwise the answer is 409 `not-entitled` with who lacks what; `outside_agreement: true` with a reason needs no entitlement.
    A suspended or archived partner is not named in it (409 `partner-not-active`), and schedules none itself (403 `partner-barred`).
    """
    now = datetime.now(UTC)
    return await _told(session, caller, await commands.schedule(session, caller, body.plan(), now), now)


@router.get("", response_model=Page[ExchangeShown], summary="List exchanges")
async def list_exchanges(request: Request, caller: Reads, reader: Reader, asked: Annotated[ExchangesWanted, Query()]) -> Response:
    """Those the caller may know of, in the order in which they begin."""
    wanted = views.Wanted(
        since=asked.since,
        until=asked.until,
        partner=asked.partner,
        agreement=asked.agreement,
        state=asked.state,
        after=_place(asked.after),
        limit=asked.limit + 1,
    )
    rows = await views.exchanges(reader, caller, wanted, datetime.now(UTC).date())
    shown = [ExchangeShown.of(row) for row in rows[: asked.limit]]
    following = Cursor.write(shown[-1].starts_at.isoformat(), shown[-1].id) if len(rows) > asked.limit else None
    return paged(request, Page[ExchangeShown](items=shown, next=following))


@router.get("/{exchange_id}", response_model=ExchangeShown, summary="Read an exchange, and why its partners may take part")
async def read(exchange_id: ExchangeId, caller: Reads, reader: Reader) -> Response:
    """With its ETag, which a change needs; 404 also for an exchange that the caller may not know of."""
    return _answer(await views.exchange(reader, caller, exchange_id, datetime.now(UTC).date()))


@router.post("/{exchange_id}/reschedule", response_model=ExchangeShown, summary="Move an exchange")
async def reschedule(exchange_id: ExchangeId, body: Move, version: IfMatch, caller: Writes, session: Session) -> Response:
    """A host moves it; every partner must be entitled now, to the new day. Its calendar SEQUENCE rises.

    A scheduled exchange stands though a partner has lost its entitlement since; moving it asks anew. Who was suspended or archived
    since keeps its place in it, and moves nothing itself (403 `partner-barred`).
    """
    now = datetime.now(UTC)
    change = commands.Change(exchange_id, version, body.reason)
    return await _told(session, caller, await commands.reschedule(session, caller, change, body.wall(), now), now)


@router.post("/{exchange_id}/cancel", response_model=ExchangeShown, summary="Cancel an exchange")
async def cancel(exchange_id: ExchangeId, body: Cancellation, version: IfMatch, caller: Writes, session: Session) -> Response:
    """A host calls it off; it stays to be read, and its calendar file says CANCELLED. A suspended host may not (403 `partner-barred`)."""
    now = datetime.now(UTC)
    change = commands.Change(exchange_id, version, body.reason)
    return await _told(session, caller, await commands.cancel(session, caller, change, now), now)


async def _told(session: AsyncSession, caller: Caller, exchange: Exchange, now: datetime) -> Response:
    created = exchange.version == 1
    answer = _answer(await views.exchange(session, caller, exchange.id, now.date()), 201 if created else 200)
    if created:
        answer.headers["Location"] = f"/v1/exchanges/{exchange.id}"
    return answer


def _answer(row: Row[Any], status: int = 200) -> Response:
    shown = ExchangeShown.of(row).model_dump_json()
    return Response(shown, status, {"ETag": etag(row.version)}, "application/json")


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    """The (start, id) a list goes on after; raises BadCursor for one that this list did not give."""
    place = Cursor.read(cursor, str, str)
    if place is None:
        return None
    try:
        start, last = datetime.fromisoformat(place[0]), str(UUID(place[1]))
    except ValueError:
        start = None
    if start is None or start.tzinfo is None:
        raise BadCursor("The cursor was not given by this list.", field="?after", fix="Follow the next link as it was given.")
    return start, last
