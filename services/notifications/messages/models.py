"""Notice, rendering and message: what must be told, in which words, and to whom with what result."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.notifications.models import Model
from shared.db import Key, new_id
from shared.events import (
    AgreementEnteredIntoForce,
    AgreementSigned,
    ClientExpiryWarned,
    Event,
    ExchangeCancelled,
    ExchangeRescheduled,
    ExchangeScheduled,
    MembershipApproved,
    MembershipChanged,
    MembershipLapsed,
    MembershipLapseWarned,
    PartnerDuplicateSuspected,
)

EMAIL = "email"
"""The one channel there is."""

CONFIRMATION = "confirmation"
"""The template of the mail that asks whether an address is its owner's."""

TOLD: tuple[type[Event], ...] = (
    AgreementSigned,
    AgreementEnteredIntoForce,
    ExchangeScheduled,
    ExchangeRescheduled,
    ExchangeCancelled,
    MembershipApproved,
    MembershipLapseWarned,
    MembershipLapsed,
    MembershipChanged,
    PartnerDuplicateSuspected,
    ClientExpiryWarned,
)
"""The facts that somebody is told of."""

KINDS = {f"{event.SUBJECT}.{event.FACT}": event for event in TOLD}
"""The same by the short name that subscriptions use: ``exchange.scheduled``."""

OWN = ("membership.lapse_warned", "partner.duplicate_suspected", "client.expiry_warned")
"""Those that only the partners concerned are told of: the public page does not offer them."""

OFFERED = tuple(kind for kind in KINDS if kind not in OWN)
"""What anybody may ask for on the public page."""

LANGUAGES = ("es", "en")
"""The languages in which messages and pages exist."""

FALLBACK = "en"
"""The language of a message to somebody whose own is not among `LANGUAGES`."""

PATIENCE = timedelta(days=3)
"""How long a message is tried before it is given up."""


class Status(StrEnum):
    """How far a message has come."""

    QUEUED = "queued"
    SUBMITTED = "submitted"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    SKIPPED = "skipped"
    FAILED = "failed"


class Skipped(StrEnum):
    """Why a message was never sent."""

    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    NOT_VISIBLE = "not-visible"
    NO_SUBSCRIPTION = "no-subscription"
    SANDBOX = "sandbox"


def served(language: str) -> str:
    """The language a message is written in for somebody who asked for ``language``: itself, its primary part, or English."""
    primary = language.lower().partition("-")[0]
    return primary if primary in LANGUAGES else FALLBACK


class Notice(Model):
    """A fact that must be told: what it says (``data``, as on the bus) and everything subscriptions match on.

    ``partners`` are those it is about, ``networks`` those they belong to; ``names`` holds the texts of every id by language.
    """

    __tablename__ = "notice"

    event_id: Mapped[str] = mapped_column(Key, primary_key=True)
    type: Mapped[str]
    template: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    occurred_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    names: Mapped[dict[str, dict[str, str]]]
    partners: Mapped[list[str]] = mapped_column(ARRAY(Key))
    networks: Mapped[list[str]] = mapped_column(ARRAY(Key))
    agreements: Mapped[list[str]] = mapped_column(ARRAY(Key))
    lines: Mapped[list[str]]
    topics: Mapped[list[str]]
    visibility: Mapped[str]
    audience: Mapped[list[str]] = mapped_column(ARRAY(Key))
    trace_id: Mapped[str | None] = mapped_column(index=True)


class Rendering(Model):
    """The words of a notice in one language, written once; places that differ per person are marked in them."""

    __tablename__ = "rendering"

    event_id: Mapped[str] = mapped_column(Key, primary_key=True)
    template: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    rendered_at: Mapped[datetime]


class Message(Model):
    """One message to one subscriber about one occasion: a fact (``event_id`` its id), or a confirmation (the id of it).

    ``why`` says which part of which subscription matched. ``next_attempt_at`` is when it is due, unless a sender (``claim``)
    holds it until ``claimed_until``: no index knows these two, so that holding costs little. ``attempts`` counts the times it
    was handed to a mail server, ``ambiguous`` those whose outcome is unknown; ``history`` has an entry for each. ``secret`` is
    the token of a confirmation's link, erased as soon as the mail is out.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("event_id", "subscriber_id", "channel", "template"),
        Index("ix_message_due", "next_attempt_at", postgresql_where=text("status IN ('queued', 'deferred')")),
        Index("ix_message_trouble", "status", "id", postgresql_where=text("status IN ('deferred', 'bounced', 'failed')")),
        Index("ix_message_asked", "trace_id", postgresql_where=text("template = 'confirmation'")),
        Index("ix_message_subscriber_id", "subscriber_id"),
        {"postgresql_with": {"fillfactor": 70}},  # room on the page for the two changes that each message meets
    )

    id: Mapped[str] = mapped_column(Key, primary_key=True, default=new_id)
    event_id: Mapped[str] = mapped_column(Key)
    subscriber_id: Mapped[str] = mapped_column(Key, ForeignKey("subscriber.id"))
    channel: Mapped[str]
    template: Mapped[str]
    language: Mapped[str]
    why: Mapped[dict[str, Any] | None]
    secret: Mapped[str | None]
    status: Mapped[str]
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    ambiguous: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]
    history: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    claim: Mapped[str | None] = mapped_column(Key)
    claimed_until: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    traceparent: Mapped[str | None]
    tracestate: Mapped[str | None]
    trace_id: Mapped[str | None]
