"""Subscriber: an address that said yes, and may say no at any time without signing in."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.notifications.messages.models import served
from services.notifications.models import Model
from shared.db import Key, new_id
from shared.events import Event, SubscriberConfirmed, SubscriberUnsubscribed, Visibility
from shared.outbox import Aggregate, Reach
from shared.refusals import Conflict, Gone, Invalid, NotFound

CONFIRM_WITHIN = timedelta(days=7)
ASK_AGAIN_AFTER = timedelta(minutes=10)
"""How long after a confirmation mail the same address gets no second one, whoever asks."""


class State(StrEnum):
    """Whether a subscriber may be written to: only a confirmed one is."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


class UnknownLink(NotFound):
    """The link is not one of ours. Open it exactly as it stands in the mail, or subscribe anew."""

    code = "unknown-link"
    title = "This link is not known."

    @classmethod
    def at_all(cls) -> Self:
        """The one way to say it, whatever the link was for."""
        return cls("No subscriber has this link.", fix="Open the link exactly as it stands in the mail, or subscribe anew.")


class UsedLink(Gone):
    """The confirmation link was used before; it works once. Nothing more is needed if it was you; otherwise subscribe anew."""

    code = "used-link"
    title = "This confirmation link was used before."


class ExpiredLink(Gone):
    """The confirmation link was not used within seven days. Subscribe anew to get another one."""

    code = "expired-link"
    title = "This confirmation link has expired."


class AddressSuppressed(Conflict):
    """Mail to this address came back, so nothing is sent to it. Use another address, or tell the operator it works again."""

    code = "address-suppressed"
    title = "Mail to this address came back."


class UndeliverableAddress(Invalid):
    """The address cannot be written to: local parts outside ASCII or in quotes, and reserved domains, are not served. Use another."""

    code = "undeliverable-address"
    title = "This mail address cannot be written to."


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address: as it is written to (domain in ASCII), and the digest by which it is found whatever its case."""

    email: str
    fingerprint: str

    @classmethod
    def of(cls, text: str) -> Self:
        """The address in ``text``; raises `UndeliverableAddress`. ``Ana@MÜLLER.example`` and ``ana@müller.example`` are one."""
        try:
            email = validate_email(text, check_deliverability=False, allow_smtputf8=False).ascii_email
        except EmailNotValidError as error:
            raise UndeliverableAddress(str(error), field="/email", fix="Use an address like 'name@example.org'.") from None
        if email is None:
            raise UndeliverableAddress("The address has no form in ASCII.", field="/email", fix="Use an address like 'name@example.org'.")
        return cls(email, hashlib.sha256(email.lower().encode()).hexdigest())


class Subscriber(Aggregate, Model):
    """A person or an institution's mailbox; ``mail_language`` is the one of ours that serves ``language``."""

    __tablename__ = "subscriber"
    SUBJECT: ClassVar[str] = "subscriber"

    email: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    language: Mapped[str]
    mail_language: Mapped[str]
    timezone: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]

    def confirm(self, now: datetime) -> SubscriberConfirmed | None:
        """The owner of the address said yes; None when that was known. A suppressed address stays so: mail to it bounced."""
        if self.state not in (State.PENDING, State.UNSUBSCRIBED):
            return None
        self.state, self.confirmed_at, self.unsubscribed_at = State.CONFIRMED, now, None
        return SubscriberConfirmed(subscriber=self.id, language=self.language)

    def unsubscribe(self, now: datetime) -> SubscriberUnsubscribed | None:
        """The owner of the address said no; None when that was known."""
        if self.unsubscribed_at is not None:
            return None
        if self.state != State.SUPPRESSED:
            self.state = State.UNSUBSCRIBED
        self.unsubscribed_at = now
        return SubscriberUnsubscribed(subscriber=self.id)

    def prefer(self, language: str, timezone: str) -> None:
        """Write in this language from now on, and count days in this time zone."""
        self.language, self.mail_language, self.timezone = language, served(language), timezone

    def must_not_bounce(self) -> None:
        """Raise `AddressSuppressed` when mail to this address came back as undeliverable."""
        if self.state == State.SUPPRESSED:
            fix = "Subscribe with another address, or tell the operator that it works again."
            raise AddressSuppressed("Mail to this address came back.", fix=fix)

    def reach(self, fact: Event) -> Reach:
        """Nobody outside this service is told who subscribes."""
        return Reach(Visibility.OWNER)


class SubscriberLink(Model):
    """The token in every mail to a subscriber, behind preferences and unsubscription: 32 random bytes, the same for ever.

    It is kept as it is, not derived from a secret: the links in mails must work for as long as the mails lie in mailboxes,
    which no rotation of a secret survives, and whoever can read this table can read the addresses beside it anyway.
    """

    __tablename__ = "subscriber_link"

    token: Mapped[str] = mapped_column(primary_key=True)
    subscriber_id: Mapped[str] = mapped_column(Key, ForeignKey("subscriber.id", ondelete="CASCADE"), unique=True)


class Voucher(Model):
    """A partner that brought a subscriber here, and so may see and add subscriptions of its own."""

    __tablename__ = "voucher"

    subscriber_id: Mapped[str] = mapped_column(Key, ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True)
    partner: Mapped[str] = mapped_column(Key, primary_key=True)
    since: Mapped[datetime]


class Confirmation(Model):
    """A question to the owner of an address, answered by a link that works once and for seven days; only its digest is kept."""

    __tablename__ = "confirmation"

    id: Mapped[str] = mapped_column(Key, primary_key=True, default=new_id)
    subscriber_id: Mapped[str] = mapped_column(Key, ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @classmethod
    def ask(cls, subscriber_id: str, now: datetime) -> tuple[Self, str]:
        """A new question, and the token of its link, which is not kept here."""
        token = new_token()
        asked = cls(id=new_id(), subscriber_id=subscriber_id, token_hash=digest(token), created_at=now, expires_at=now + CONFIRM_WITHIN)
        return asked, token

    def must_be_open(self, now: datetime) -> None:
        """Raise `UsedLink` or `ExpiredLink` unless the link can still be used."""
        if self.used_at is not None:
            raise UsedLink("This link was used before and works only once.", fix="Subscribe anew if the mails you expected do not come.")
        if now >= self.expires_at:
            raise ExpiredLink("This link worked for seven days and was not used.", fix="Subscribe anew to get another link.")


def new_token() -> str:
    """32 random bytes in the letters of URLs."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """SHA-256 of a token, in hexadecimal: what is kept of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
