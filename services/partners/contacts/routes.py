"""Contacts over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.contacts import commands, views
from services.partners.contacts.models import Contact
from services.partners.contacts.schemas import ContactChanges, ContactFilters, ContactOut, NewContact
from services.partners.models import Seen
from services.partners.registry.paths import SENT_ON, PartnerPath
from shared.auth import Caller
from shared.http import CommandRoute, Cursor, Id, IfMatch, Page, Reader, Reads, Session, Writes, page_of, told_anew, versioned

router = APIRouter(prefix="/v1", tags=["contacts"], route_class=CommandRoute)

ContactId = Annotated[Id, Path(description="The contact's id.")]
Filters = Annotated[ContactFilters, Query()]
_PLACE = "/v1/contacts"


async def _as_it_is(caller: Caller, reader: AsyncConnection, location: str) -> JSONResponse:
    return versioned(await views.contact_by_id(reader, caller, location.rpartition("/")[2]), 201, among=_PLACE)


@router.post("/partners/{partner}/contacts", responses=SENT_ON, status_code=201, response_model=ContactOut, summary="Name a contact")
@told_anew(_as_it_is)
async def name(partner: PartnerPath, body: NewContact, caller: Writes, session: Session) -> JSONResponse:
    """Name a person for a purpose. By the partner itself or the operator; nobody else ever sees it, and no event tells of it.

    Nothing of a person is kept to be repeated: sent again under its `Idempotency-Key`, it answers with the contact as it is by then.
    """
    return _answer(await commands.name_contact(session, caller, partner, body.person(), datetime.now(UTC)), 201)


@router.get("/partners/{partner}/contacts", responses=SENT_ON, response_model=Page[ContactOut], summary="List a partner's contacts")
async def list_contacts(request: Request, partner: PartnerPath, reader: Reader, caller: Reads, filters: Filters) -> JSONResponse:
    """The contacts of the caller's own partner (of any, for the operator), in the order they were named."""
    sought = views.Sought(partner=partner, role=filters.role, line=filters.line, on=filters.on, after=Cursor.read_id(filters.after))
    found = await views.contacts_sought(reader, caller, sought, filters.limit + 1)
    return page_of(request, found, filters.limit)


@router.get("/contacts/{contact}", response_model=ContactOut, summary="Read a contact")
async def read(contact: ContactId, reader: Reader, caller: Reads) -> JSONResponse:
    """One contact; somebody else's is a 404. Its `ETag` is what a change must send in `If-Match`."""
    found = await views.contact_by_id(reader, caller, contact)
    return versioned(found)


@router.patch("/contacts/{contact}", response_model=ContactOut, summary="Change a contact")
async def change(contact: ContactId, body: ContactChanges, caller: Writes, session: Session, version: IfMatch) -> JSONResponse:
    """Each field given replaces what was there, fields left out stay. A contact ends by its `valid_to`.

    Null empties a field, and no `lines` are all of them; `name`, `roles`, `language` and `valid_from` cannot be emptied.
    """
    return _answer(await commands.change_contact(session, caller, Seen(contact, version), body.changes(), datetime.now(UTC)))


@router.post("/contacts/{contact}/erase", response_model=ContactOut, summary="Forget who a contact is")
async def erase(contact: ContactId, caller: Writes, session: Session) -> JSONResponse:
    """Erase name, position, address and number for good, as the person asked; id, roles, language and days stay.

    No `If-Match` is asked for: whatever else changed, who asks to be forgotten is; doing it again changes nothing.
    """
    return _answer(await commands.erase_contact(session, caller, contact, datetime.now(UTC)))


def _answer(contact: Contact, status: int = 200) -> JSONResponse:
    return versioned(views.told(contact), status, among=_PLACE)
