"""What is asked of contacts, by their own partner or the operator alone."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.contacts.models import Contact
from services.partners.models import covers, plain
from services.partners.registry.views import partner_by_id
from shared.auth import Caller
from shared.refusals import Forbidden, NotFound

_COLUMNS = tuple(Contact.__table__.c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which contacts of a partner a list is about; None asks nothing. ``after`` is the last id seen."""

    partner: str
    role: str | None = None
    line: str | None = None
    on: date | None = None
    after: str | None = None


def must_be_theirs(caller: Caller, partner: str) -> None:
    """Raise Forbidden for whoever is neither of the partner nor the operator: people are nobody else's business."""
    if not caller.is_admin and caller.partner != partner:
        raise Forbidden("Contacts are seen by their own partner and the operator alone.", fix="Use a client of that partner.")


def no_contact(contact: str) -> NotFound:
    """The refusal for a contact that is not there, or is somebody else's."""
    return NotFound(f"There is no contact {contact}.", fix="List yours with GET /v1/partners/{partner}/contacts.")


async def contact_by_id(reader: AsyncConnection, caller: Caller, contact: str) -> dict[str, Any]:
    """The contact as the API tells it; raises NotFound, also for somebody else's."""
    row = (await reader.execute(select(*_COLUMNS).where(Contact.id == contact))).mappings().one_or_none()
    if row is None or not (caller.is_admin or caller.partner == row["partner"]):
        raise no_contact(contact)
    return plain(row)


async def contacts_sought(reader: AsyncConnection, caller: Caller, sought: Sought, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` contacts of a partner in the order they were named; raises Forbidden for anybody else's, or NotFound."""
    must_be_theirs(caller, sought.partner)
    await partner_by_id(reader, sought.partner, caller)
    asked = select(*_COLUMNS).where(Contact.partner == sought.partner).order_by(Contact.id).limit(limit)
    if sought.role is not None:
        asked = asked.where(literal(sought.role) == func.any(Contact.roles))
    if sought.line is not None:
        asked = asked.where(or_(Contact.lines == [], literal(sought.line) == func.any(Contact.lines)))
    if sought.on is not None:
        asked = asked.where(covers(Contact.valid_from, Contact.valid_to, sought.on))
    if sought.after is not None:
        asked = asked.where(Contact.id > sought.after)
    return [plain(row) for row in (await reader.execute(asked)).mappings()]


def told(contact: Contact) -> dict[str, Any]:
    """A contact that was just written, as the API tells it."""
    return plain({column.key: getattr(contact, column.key) for column in _COLUMNS})
