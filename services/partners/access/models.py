"""Clients of partners' systems with their secrets, and the keys that sign their tokens."""

import hashlib
import hmac
import json
import secrets
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from shared.auth import PLATFORM, SCOPES, Caller, dump_key, key_id, new_key, public_set
from shared.db import Key, new_id
from shared.refusals import Conflict, Invalid, Refusal, TooManyRequests

BOOTSTRAP = "bootstrap"
"""The id of the operator's first client, whose secret is a setting."""
SECRET_PREFIX = "iub_"  # noqa: S105 - what a secret begins with, so that scanners of leaked secrets know one
SECRET_BYTES = 32

TOKEN_LIFE = timedelta(minutes=10)
KEY_LIFE = timedelta(days=30)
PUBLISHED_BEFORE_SIGNING = timedelta(minutes=10)
"""Longer than verifiers keep the key set, so that every one of them knows a key before its first signature."""
PUBLISHED_AFTER_SIGNING = TOKEN_LIFE + timedelta(minutes=5)
"""Longer than the last token lives, plus what a process that has not noticed the rotation signs meanwhile."""


class KeyTooYoung(Conflict):
    """The next key was published a moment ago and not every verifier knows it. Rotate at ``ready_at`` or later."""

    code = "key-too-young"
    title = "The next key was published too short a while ago."


class TokenRefused(Refusal):
    """The token endpoint's own refusals (RFC 6749, section 5.2): ``error`` says which, ``error_description`` why."""

    status = 400
    code = "token-refused"
    title = "No token is given."

    def __init__(self, error: str, description: str, fix: str | None = None) -> None:
        """``error`` is one of the codes of RFC 6749, section 5.2."""
        super().__init__(description, fix=fix, error=error, error_description=description)

    def headers(self) -> dict[str, str]:
        """Refusals are no more to be stored than tokens."""
        return {"Cache-Control": "no-store"}


class ClientRefused(TokenRefused):
    """The client is unknown, revoked or expired, or its secret is another: which of these is not told."""

    status = 401
    code = "client-refused"
    title = "The client's id and secret are not accepted."

    def __init__(self) -> None:
        """The same words whatever the reason."""
        fix = "Check client_id and client_secret; ask your operator for a new client if it was revoked or has expired."
        super().__init__("invalid_client", "The client_id and client_secret are not those of a valid client.", fix)

    def headers(self) -> dict[str, str]:
        """The challenge that RFC 6749 asks for."""
        return super().headers() | {"WWW-Authenticate": 'Basic realm="interurbe", charset="UTF-8"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWanted:
    """What a new client shall be; ``partner`` None is the operator's own, ``expires_at`` None never expires."""

    partner: str | None
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None


class Client(Model):
    """One system of a partner, and what it may do; its secret is kept as a digest only."""

    __tablename__ = "client"
    __table_args__ = (Index("ix_client_partner", "partner", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    partner: Mapped[str | None] = mapped_column(Key, ForeignKey("partner.id"))
    name: Mapped[str]
    scopes: Mapped[list[str]]
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    @classmethod
    def create(cls, wanted: ClientWanted, created_by: str, now: datetime) -> tuple[Self, str]:
        """A new client and its secret, which nobody can read again; raises Invalid for scopes or an end that cannot be."""
        if not wanted.scopes <= SCOPES or not wanted.scopes:
            fix = f"Send some of {', '.join(sorted(SCOPES))}."
            raise Invalid("A client has at least one scope, and only known ones.", field="/scopes", fix=fix)
        if wanted.expires_at is not None and wanted.expires_at <= now:
            raise Invalid("The client would have expired already.", field="/expires_at", fix="Send a later time, or leave it out.")
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        client = cls(
            id=new_id(),
            partner=wanted.partner,
            name=wanted.name,
            scopes=sorted(wanted.scopes),
            secret_sha256=digest(secret),
            created_at=now,
            created_by=created_by,
            expires_at=wanted.expires_at,
        )
        return client, secret

    def accepts(self, secret: str, now: datetime) -> bool:
        """Whether this is the client's secret and the client is neither revoked nor expired."""
        alive = self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
        return hmac.compare_digest(self.secret_sha256, digest(secret)) and alive

    def caller(self, asked: Sequence[str] | None) -> Caller:
        """The caller a token names, with the scopes asked for; all the client has when none is asked. Raises `TokenRefused`."""
        scopes = frozenset(self.scopes) if asked is None else frozenset(asked)
        if not scopes or not scopes <= frozenset(self.scopes):
            words = f"This client's scopes are: {' '.join(self.scopes)}."
            raise TokenRefused("invalid_scope", words, "Ask for some of them, or leave scope out.")
        return Caller(client=self.id, partner=self.partner or PLATFORM, scopes=scopes)

    def revoke(self, now: datetime) -> None:
        """It gets no token from now on; those it has live on for at most `TOKEN_LIFE`."""
        self.revoked_at = self.revoked_at or now


def digest(secret: str) -> bytes:
    """What is kept of a secret: 32 random bytes need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


class Guesses:
    """How often an address was refused for a client lately; in the memory of one process.

    Secrets cannot be guessed: this keeps somebody who tries from burning our time. It counts by address *and* client, so that
    nobody can lock a client out from elsewhere, nor everybody behind one proxy.
    """

    def __init__(self, most: int = 10, within: timedelta = timedelta(minutes=1), remembered: int = 10_000) -> None:
        """At most ``most`` refusals ``within`` a time, for the ``remembered`` latest pairs of address and client."""
        self._most, self._within, self._remembered = most, within, remembered
        self._refused: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def must_be_few(self, address: str, client: str, now: datetime) -> None:
        """Raise TooManyRequests when there were too many."""
        times = self._refused.get((address, client), deque())
        while times and now - times[0] >= self._within:
            times.popleft()
        if len(times) >= self._most:
            seconds = int((times[0] + self._within - now).total_seconds()) + 1
            raise TooManyRequests(
                f"This client was refused {self._most} times within {int(self._within.total_seconds())} seconds.",
                fix=f"Check the secret, and try again in {seconds} seconds.",
                retry_after=seconds,
            )

    def refused(self, address: str, client: str, now: datetime) -> None:
        """Count one more."""
        times = self._refused.setdefault((address, client), deque(maxlen=self._most))
        times.append(now)
        self._refused.move_to_end((address, client))
        if len(self._refused) > self._remembered:
            self._refused.popitem(last=False)


class KeyState(StrEnum):
    """A key is published before it signs, and stays published after it."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"


class SigningKey(Model):
    """A key that signs tokens; its private half is forgotten the moment it retires."""

    __tablename__ = "signing_key"
    __table_args__ = (
        Index("uq_signing_key_in_use", "state", unique=True, postgresql_where=text("state <> 'retired'")),
        CheckConstraint("(state = 'retired') = (private_jwk IS NULL)", name="private_half"),
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    private_jwk: Mapped[str | None]
    public_jwk: Mapped[str]
    published_at: Mapped[datetime]
    signs_from: Mapped[datetime | None]
    published_until: Mapped[datetime | None]

    @classmethod
    def make(cls, state: KeyState, now: datetime) -> Self:
        """A fresh key, published from ``now`` on."""
        key = new_key()
        signs_from = now if state is KeyState.CURRENT else None
        public = json.dumps(public_set([key])["keys"][0], sort_keys=True)
        return cls(kid=key_id(key), state=state, private_jwk=dump_key(key), public_jwk=public, published_at=now, signs_from=signs_from)

    def take_over(self, now: datetime) -> None:
        """The next key becomes the one that signs; raises `KeyTooYoung`."""
        ready_at = self.published_at + PUBLISHED_BEFORE_SIGNING
        if now < ready_at:
            fix = f"Rotate at {ready_at.isoformat()} or later."
            raise KeyTooYoung("Not every verifier knows the next key yet.", fix=fix, ready_at=ready_at)
        self.state, self.signs_from = KeyState.CURRENT, now

    def retire(self, now: datetime) -> None:
        """Sign no more; stay published until every token it signed is past its end."""
        self.state, self.private_jwk, self.published_until = KeyState.RETIRED, None, now + PUBLISHED_AFTER_SIGNING
