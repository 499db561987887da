"""What can be done with contacts: name a person, change what is said of them, forget them."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.contacts.models import Contact, Person
from services.partners.contacts.views import must_be_theirs, no_contact
from services.partners.models import Seen
from services.partners.registry.refusals import UnknownPartner
from services.partners.registry.views import known_partners, no_partner
from shared.auth import Caller


async def name_contact(session: AsyncSession, caller: Caller, partner: str, person: Person, now: datetime) -> Contact:
    """Put a contact of a partner on record, by the partner itself or the operator; raises Forbidden, NotFound or Invalid."""
    must_be_theirs(caller, partner)
    try:
        await known_partners(session, [partner])
    except UnknownPartner:
        raise no_partner(partner) from None
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
    seen.must_be_current(contact.version, "contact")
    return contact
