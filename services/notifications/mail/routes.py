"""Messages over HTTP, for operators: addresses are shown here and nowhere else."""

from fastapi import APIRouter, Request, Response

from services.notifications.mail.schemas import Filters, MessageOut
from services.notifications.mail.views import message_by_id, messages_wanted
from shared.auth import Caller
from shared.http import Admins, CommandRoute, Cursor, Id, Page, Reader, link_next
from shared.refusals import Forbidden

router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=CommandRoute)


@router.get("", summary="List messages")
async def list_messages(request: Request, response: Response, caller: Admins, reader: Reader, filters: Filters) -> Page[MessageOut]:
    """Every message, sent or not, with the reason; the newest first, a page at a time. For the platform's operator alone."""
    _must_operate(caller)
    rows = await messages_wanted(reader, filters.wanted(), Cursor.read_id(filters.after), filters.limit + 1)
    following = Cursor.write(rows[filters.limit - 1]["id"]) if len(rows) > filters.limit else None
    link_next(request, response, following)
    return Page(items=[MessageOut.model_validate(row) for row in rows[: filters.limit]], next=following)


@router.get("/{message}", summary="Read a message")
async def read_message(message: Id, caller: Admins, reader: Reader) -> MessageOut:
    """One message with all its attempts. For the platform's operator alone."""
    _must_operate(caller)
    return MessageOut.model_validate(await message_by_id(reader, message))


def _must_operate(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Messages are seen by the platform's operator alone.", fix="Use a client of the operator with the scope 'admin'.")
