"""What operators ask about messages: which went where, which did not and why, and one with all its attempts."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.messages.models import CONFIRMATION, Message, Notice
from services.notifications.subscribers.models import Subscriber
from shared.refusals import NotFound

_COLUMNS = (
    Message.id,
    Message.event_id,
    Notice.kind,
    Notice.subject,
    Message.subscriber_id,
    Subscriber.email,
    Message.channel,
    Message.template,
    Message.language,
    Message.status,
    Message.reason,
    Message.attempts,
    Message.ambiguous,
    Message.last_error,
    Message.why,
    Message.history,
    Message.next_attempt_at,
    Message.created_at,
    Message.finished_at,
    Message.expires_at,
    Message.trace_id,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages a list is about; None asks nothing. ``to`` is the SHA-256 of an address in lower case."""

    status: str | None = None
    to: str | None = None
    subscriber: str | None = None
    event: str | None = None
    trace_id: str | None = None
    template: str | None = None


async def messages_wanted(reader: AsyncConnection, wanted: Wanted, after: str | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` messages, the newest first, those before the id ``after``."""
    asked = _asked().order_by(Message.id.desc()).limit(limit)
    narrowing = (
        (Message.status, wanted.status),
        (Subscriber.fingerprint, wanted.to),
        (Message.subscriber_id, wanted.subscriber),
        (Message.event_id, wanted.event),
        (Message.template, wanted.template),
    )
    if wanted.trace_id is not None:
        asked = asked.where(_of_trace(wanted.trace_id))
    for column, value in narrowing:
        if value is not None:
            asked = asked.where(column == value)
    if after is not None:
        asked = asked.where(Message.id < after)
    return [_told(row) for row in (await reader.execute(asked)).mappings()]


async def message_by_id(reader: AsyncConnection, message: str) -> dict[str, Any]:
    """One message; raises NotFound."""
    row = (await reader.execute(_asked().where(Message.id == message))).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no message {message}.", fix="List messages with GET /v1/messages.")
    return _told(row)


def _of_trace(trace_id: str) -> ColumnElement[bool]:
    """By way of the notice, which is indexed: one row there stands for thousands of messages."""
    facts = Message.event_id.in_(select(Notice.event_id).where(Notice.trace_id == trace_id))
    return or_(facts, and_(Message.template == CONFIRMATION, Message.trace_id == trace_id))


def _asked() -> Any:
    return select(*_COLUMNS).join(Subscriber, Subscriber.id == Message.subscriber_id).outerjoin(Notice, Notice.event_id == Message.event_id)


def _told(row: RowMapping) -> dict[str, Any]:
    told = dict(row)
    told["to"] = told.pop("email")
    told["attempts_made"] = told.pop("attempts")
    told["attempts"] = told.pop("history")
    if told["finished_at"] is not None:
        told["next_attempt_at"] = None
    return told
