"""What can be done with contacts: name a person, change what is said of them, forget them."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.contacts.models import Contact, Person
from services.partners.contacts.views import must_be_theirs, no_contact
from services.partners.models import Seen
from services.partners.registry.models import UnknownPartner
from services.partners.registry.views import known_partners
from shared.auth import Caller
from shared.refusals import NotFound, Stale


async def name_contact(session: AsyncSession, caller: Caller, partner: str, person: Person, now: datetime) -> Contact:
    """Put a contact of a partner on record, by the partner itself or the operator; raises Forbidden, NotFound or Invalid."""
    must_be_theirs(caller, partner)
    try:
        await known_partners(session, [partner])
    except UnknownPartner:
        raise NotFound(f"There is no partner {partner}.", fix="Look the partner up with GET /v1/partners?q=.") from None
    contact = Contact.named(partner, person, now)
    session.add(contact)
    await session.flush()
    return contact


async def change_contact(session: AsyncSession, caller: Caller, seen: Seen, changes: dict[str, Any], now: datetime) -> Contact:
    """Take over the changed fields of a contact; raises NotFound, Stale, `ContactErased` or Invalid."""
    contact = await _seen(session, caller, seen)
    contact.change(changes, now)
    await session.flush()
    return contact


async def erase_contact(session: AsyncSession, caller: Caller, contact_id: str, now: datetime) -> Contact:
    """Forget who a contact is; done again it does nothing. Raises NotFound."""
    contact = await _seen(session, caller, Seen(contact_id))
    contact.erase(now)
    await session.flush()
    return contact


async def _seen(session: AsyncSession, caller: Caller, seen: Seen) -> Contact:
    contact = await session.get(Contact, seen.id)
    if contact is None or not (caller.is_admin or caller.partner == contact.partner):
        raise no_contact(seen.id)
    if seen.version is not None and contact.version != seen.version:
        detail = f"The contact is at version {contact.version}, not {seen.version}."
        raise Stale(detail, field="If-Match", fix="Read it again.", version=contact.version)
    return contact
