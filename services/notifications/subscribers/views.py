"""What is asked about subscribers: one of them, may this caller know of it, and who is behind a link."""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.notifications.subscribers.models import Confirmation, Subscriber, SubscriberLink, UnknownLink, Voucher, digest
from shared.auth import Caller
from shared.refusals import NotFound
from shared.survivors import kin_of

_OPEN = (
    Subscriber.id,
    Subscriber.state,
    Subscriber.language,
    Subscriber.mail_language,
    Subscriber.timezone,
    Subscriber.created_at,
    Subscriber.confirmed_at,
    Subscriber.unsubscribed_at,
    Subscriber.version,
)


async def subscriber_for(reader: AsyncConnection, caller: Caller, subscriber: str) -> dict[str, Any]:
    """The subscriber as the caller may see it, the address for operators alone. Raises NotFound for whoever did not bring it here."""
    columns = (*_OPEN, Subscriber.email) if caller.is_admin else _OPEN
    asked = select(*columns).where(Subscriber.id == subscriber)
    if not caller.is_admin:
        asked = asked.where(_brought_by(caller, subscriber))
    row = (await reader.execute(asked)).mappings().one_or_none()
    if row is None:
        raise _nobody(subscriber)
    return dict(row)


async def must_have_brought(session: AsyncSession | AsyncConnection, caller: Caller, subscriber: str) -> None:
    """Raise NotFound unless the caller's partner brought this subscriber here, or the caller is an operator."""
    known = exists().where(Subscriber.id == subscriber)
    asked = select(known if caller.is_admin else known & _brought_by(caller, subscriber))
    if not (await session.execute(asked)).scalar():
        raise _nobody(subscriber)


async def language_of_question(reader: AsyncConnection, token: str, now: datetime) -> str:
    """The mail language of whoever is asked by a confirmation link; raises `UnknownLink`, `UsedLink` or `ExpiredLink`."""
    asked = select(Confirmation.__table__, Subscriber.mail_language).join(Subscriber, Subscriber.id == Confirmation.subscriber_id)
    row = (await reader.execute(asked.where(Confirmation.token_hash == digest(token)))).mappings().one_or_none()
    if row is None:
        raise UnknownLink.at_all()
    Confirmation(used_at=row["used_at"], expires_at=row["expires_at"]).must_be_open(now)
    return str(row["mail_language"])


async def behind(reader: AsyncConnection, token: str) -> dict[str, Any]:
    """Whoever's mails carry this link: id, state, languages and time zone; raises `UnknownLink`."""
    asked = select(*_OPEN).join(SubscriberLink, SubscriberLink.subscriber_id == Subscriber.id).where(SubscriberLink.token == token)
    row = (await reader.execute(asked)).mappings().one_or_none()
    if row is None:
        raise UnknownLink.at_all()
    return dict(row)


def _brought_by(caller: Caller, subscriber: str) -> Any:
    return exists().where(Voucher.subscriber_id == subscriber, Voucher.partner == func.any(kin_of([caller.partner])))


def _nobody(subscriber: str) -> NotFound:
    return NotFound(f"There is no subscriber {subscriber} that you brought here.", fix="Use the id that POST /v1/subscribers gave you.")
