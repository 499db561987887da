"""What can be done about subscribers: bring one here, say yes, say no."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.messages.models import CONFIRMATION, EMAIL, PATIENCE, Message, Skipped, Status, served
from services.notifications.subscribers.models import (
    ASK_AGAIN_AFTER,
    Address,
    Confirmation,
    State,
    Subscriber,
    SubscriberLink,
    UnknownLink,
    Voucher,
    digest,
    new_token,
)
from shared.auth import Caller
from shared.db import new_id
from shared.outbox import record
from shared.telemetry.tracing import current_traceparent, trace_id_of


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to be told: the address, the language (BCP 47) and the time zone (IANA) of its owner."""

    address: Address
    language: str
    timezone: str


async def register_subscriber(session: AsyncSession, caller: Caller, person: Person, now: datetime) -> Subscriber:
    """Bring a person here on a partner's word; the address is asked to confirm unless it has. Known addresses are found again."""
    subscriber = await find_or_begin(session, person, now)
    vouched = insert(Voucher).values(subscriber_id=subscriber.id, partner=caller.partner, since=now)
    await session.execute(vouched.on_conflict_do_nothing())
    if subscriber.state != State.CONFIRMED and caller.sandbox:
        session.add(_not_asked(subscriber, now))
    elif subscriber.state != State.CONFIRMED:
        await ask_to_confirm(session, subscriber, now)
    return subscriber


def _not_asked(subscriber: Subscriber, now: datetime) -> Message:
    """The mail that would have asked for a yes: on the word of a partner of the sandbox nobody gets one, and no link is made."""
    mail = _confirmation_mail(subscriber, new_id(), None, now)
    mail.status, mail.reason, mail.finished_at = Status.SKIPPED, Skipped.SANDBOX, now
    return mail


async def find_or_begin(session: AsyncSession, person: Person, now: datetime) -> Subscriber:
    """The subscriber with this address, locked; a new one, pending, if there is none. What somebody chose is not overwritten."""
    begun = insert(Subscriber).values(
        id=new_id(),
        version=1,
        sequence=0,
        email=person.address.email,
        fingerprint=person.address.fingerprint,
        state=State.PENDING,
        language=person.language,
        mail_language=served(person.language),
        timezone=person.timezone,
        created_at=now,
    )
    new = (await session.execute(begun.on_conflict_do_nothing().returning(Subscriber.id))).scalar()
    if new is not None:
        await session.execute(insert(SubscriberLink).values(token=new_token(), subscriber_id=new))
    asked = select(Subscriber).where(Subscriber.fingerprint == person.address.fingerprint).with_for_update()
    subscriber = (await session.execute(asked)).scalar_one()
    if new is None and subscriber.state == State.PENDING:
        subscriber.prefer(person.language, person.timezone)
    return subscriber


async def ask_to_confirm(session: AsyncSession, subscriber: Subscriber, now: datetime) -> Confirmation:
    """Owe the address a mail with a link; one asked a moment ago is not asked again, so that nobody can flood a mailbox."""
    recent = select(Confirmation).where(Confirmation.subscriber_id == subscriber.id, Confirmation.used_at.is_(None))
    recent = recent.where(Confirmation.created_at > now - ASK_AGAIN_AFTER, Confirmation.expires_at > now)
    asked = (await session.execute(recent.order_by(Confirmation.created_at.desc()).limit(1))).scalar_one_or_none()
    if asked is not None:
        return asked
    asked, token = Confirmation.ask(subscriber.id, now)
    session.add_all([asked, _confirmation_mail(subscriber, asked.id, token, asked.created_at)])
    await session.flush()
    return asked


def _confirmation_mail(subscriber: Subscriber, asked: str, token: str | None, now: datetime) -> Message:
    traceparent, tracestate = current_traceparent()
    return Message(
        id=new_id(),
        event_id=asked,
        subscriber_id=subscriber.id,
        channel=EMAIL,
        template=CONFIRMATION,
        language=subscriber.mail_language,
        secret=token,
        status=Status.QUEUED,
        next_attempt_at=now,
        created_at=now,
        expires_at=now + PATIENCE,
        traceparent=traceparent,
        tracestate=tracestate,
        trace_id=trace_id_of(traceparent),
    )


async def confirm(session: AsyncSession, token: str, now: datetime) -> Subscriber:
    """Take the yes of an address's owner, given by the link in the mail.

    Raises `UnknownLink`, `UsedLink`, `ExpiredLink` or `AddressSuppressed`.
    """
    looked_up = select(Confirmation).where(Confirmation.token_hash == digest(token)).with_for_update()
    asked = (await session.execute(looked_up)).scalar_one_or_none()
    if asked is None:
        raise UnknownLink.at_all()
    asked.must_be_open(now)
    subscriber = await _locked(session, asked.subscriber_id)
    subscriber.must_not_bounce()
    asked.used_at = now
    said = subscriber.confirm(now)
    if said is not None:
        await record(session, subscriber, said, now=now)
    return subscriber


async def unsubscribe(session: AsyncSession, token: str, now: datetime) -> Subscriber:
    """Take the no of an address's owner, once or again; what waits for it is not sent. Raises `UnknownLink`."""
    subscriber = await behind_link(session, token)
    said = subscriber.unsubscribe(now)
    if said is not None:
        await record(session, subscriber, said, now=now)
        await _let_go(session, subscriber, now)
    return subscriber


async def _let_go(session: AsyncSession, subscriber: Subscriber, now: datetime) -> None:
    """Neither messages that wait nor links that were not used outlive a no."""
    unused = update(Confirmation).where(Confirmation.subscriber_id == subscriber.id, Confirmation.used_at.is_(None))
    await session.execute(unused.where(Confirmation.expires_at > now).values(expires_at=now))
    waiting = update(Message).where(Message.subscriber_id == subscriber.id, Message.claim.is_(None))
    waiting = waiting.where(Message.status.in_((Status.QUEUED, Status.DEFERRED)))
    await session.execute(waiting.values(status=Status.SKIPPED, reason=Skipped.UNSUBSCRIBED, finished_at=now, secret=None))


async def behind_link(session: AsyncSession, token: str) -> Subscriber:
    """The subscriber whose mails carry this link, locked; raises `UnknownLink`."""
    looked_up = select(Subscriber).join(SubscriberLink, SubscriberLink.subscriber_id == Subscriber.id)
    looked_up = looked_up.where(SubscriberLink.token == token).with_for_update(of=Subscriber)
    subscriber = (await session.execute(looked_up)).scalar_one_or_none()
    if subscriber is None:
        raise UnknownLink.at_all()
    return subscriber


async def _locked(session: AsyncSession, subscriber: str) -> Subscriber:
    return (await session.execute(select(Subscriber).where(Subscriber.id == subscriber).with_for_update())).scalar_one()
