"""Clients of partners' systems with their secrets, and the keys that sign their tokens."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.orm.attributes import flag_modified

from services.partners.access.refusals import ClientIsRevoked, KeyTooYoung, TokenRefused
from services.partners.access.secrets.models import ClientSecret, drop, following, fresh_secret
from services.partners.models import Model
from shared.auth import PLATFORM, SCOPES, Caller
from shared.db import Key, new_id
from shared.events import ClientExpiryWarned, ClientRevoked, ClientSecretRetired, Event, Visibility
from shared.outbox import Aggregate, Reach
from shared.refusals import Invalid
from shared.sandbox import in_sandbox
from shared.signing import dump_key, key_id, new_key, public_set

BOOTSTRAP = "bootstrap"
"""The id of the operator's first client, whose secret is a setting."""
TOKEN_LIFE = timedelta(minutes=10)
KEY_LIFE = timedelta(days=30)
PUBLISHED_BEFORE_SIGNING = timedelta(minutes=10)
"""Longer than verifiers keep the key set, so that every one of them knows a key before its first signature."""
WARNED_BEFORE = (timedelta(days=14), timedelta(days=1))
"""How long before a client can take no token any more its partner is warned."""
PUBLISHED_AFTER_SIGNING = TOKEN_LIFE + timedelta(minutes=5)
"""Longer than the last token lives, plus what a process that has not noticed the rotation signs meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWanted:
    """What a new client shall be; ``partner`` None is the operator's own, ``expires_at`` None never expires.

    ``sandbox`` says that it is for trying out, as its partner is.
    """

    partner: str | None
    name: str
    scopes: frozenset[str]
    sandbox: bool = False
    expires_at: datetime | None = None


class Client(Aggregate, Model):
    """One system of a partner, and what it may do; its secrets are kept as digests only."""

    __tablename__ = "client"
    __table_args__ = (
        Index("ix_client_partner", "partner", "id"),
        Index("ix_client_tokens_since", "tokens_since", postgresql_where=text("tokens_since IS NOT NULL")),
    )
    SUBJECT = "client"

    id: Mapped[str] = mapped_column(primary_key=True)
    partner: Mapped[str | None] = mapped_column(Key, ForeignKey("partner.id"))
    name: Mapped[str]
    scopes: Mapped[list[str]]
    # Nobody reads it: it lets processes of the release before make clients while this one is rolled out.
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("'\\x'::bytea"))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    # Stays when a revoked client of the operator lives again: tokens of before are refused all the same.
    tokens_since: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    sequence: Mapped[int] = mapped_column(Integer, server_default="0")
    secrets: Mapped[list[ClientSecret]] = relationship(order_by=ClientSecret.n, lazy="raise", cascade="all")

    @classmethod
    def create(cls, wanted: ClientWanted, created_by: str, now: datetime) -> tuple[Self, str]:
        """A new client and its secret, which nobody can read again; raises Invalid for scopes or an end that cannot be."""
        if not wanted.scopes <= SCOPES or not wanted.scopes:
            fix = f"Send some of {', '.join(sorted(SCOPES))}."
            raise Invalid("A client has at least one scope, and only known ones.", field="/scopes", fix=fix)
        if wanted.sandbox is not in_sandbox(wanted.partner or PLATFORM):
            detail = "A client for trying out acts for a partner of the sandbox, and a partner of the sandbox has no other clients."
            raise Invalid(detail, field="/sandbox", fix="Send the field 'sandbox' as that partner has it.")
        _must_lie_ahead(wanted.expires_at, now)
        words = fresh_secret()
        client = cls(
            id=new_id(),
            partner=wanted.partner,
            name=wanted.name,
            scopes=sorted(wanted.scopes),
            created_at=now,
            created_by=created_by,
            expires_at=wanted.expires_at,
            secrets=[ClientSecret.of(words, 1, now)],
        )
        return client, words

    def accepts(self, secret: str, now: datetime) -> ClientSecret | None:
        """Which good secret of the client this is; None when it is none, or the client is revoked or has expired."""
        if self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return None
        return next((kept for kept in self.secrets if kept.is_said(secret) and kept.is_good(now)), None)

    def change(self, changes: Mapping[str, Any], now: datetime) -> ClientRevoked | None:
        """Give it another ``name``, or another ``expires_at`` (None never); raises Invalid or `ClientIsRevoked`.

        The fact, which tells everybody to refuse the tokens it has; None where none of them can live beyond its new end.
        """
        self._must_live()
        before, self.name = self.expires_at, changes.get("name", self.name)
        end = changes.get("expires_at", before)
        if end == before:
            return None
        _must_lie_ahead(end, now)
        self.expires_at = end
        outlived = end is not None and end < now + TOKEN_LIFE and (before is None or end < before)
        return self._refuse_tokens(now) if outlived else None

    def new_secret(self, old_valid_until: datetime | None, now: datetime) -> tuple[ClientSecret, str, list[ClientSecretRetired]]:
        """One more secret, what it is, and the end of the older one; raises `ClientIsRevoked`, Invalid or `TwoSecrets`."""
        self._must_live()
        before = self._ends()
        made, words = following(self.secrets, old_valid_until, now)
        self.secrets.append(made)
        self._changed()
        return made, words, self._retired(before)

    def drop_secret(self, n: int, now: datetime) -> list[ClientSecretRetired]:
        """End one of its secrets now; nothing happens when it had ended. Raises NotFound or `LastSecret`."""
        before = self._ends()
        if drop(self.secrets, n, now):
            self._changed()
        return self._retired(before)

    def take_over(self, secret: str, now: datetime) -> list[ClientSecretRetired]:
        """Let this secret, which nobody made here, be the only one, and the client live again."""
        before = self._ends()
        for kept in self.secrets:
            kept.end(now)
        self.secrets.append(ClientSecret.of(secret, len(self.secrets) + 1, now))
        self.revoked_at = None
        self._changed()
        return self._retired(before)

    def _ends(self) -> dict[int, datetime | None]:
        return {kept.n: kept.expires_at for kept in self.secrets}

    def _retired(self, before: Mapping[int, datetime | None]) -> list[ClientSecretRetired]:
        """What tells everybody of each secret whose end is another than ``before``; a new one has none."""
        moved = [(kept.n, kept.expires_at) for kept in self.secrets if kept.expires_at != before.get(kept.n)]
        return [ClientSecretRetired(client=self.id, secret=n, partner=self.partner, good_until=end) for n, end in moved if end is not None]

    def _changed(self) -> None:
        # Its secrets are rows of their own: the version, which is the ETag, must rise all the same.
        flag_modified(self, "name")

    def _must_live(self) -> None:
        if self.revoked_at is not None:
            raise ClientIsRevoked("The client was revoked and changes no more.", fix="Make a new client.")

    def caller(self, asked: Sequence[str] | None, left: frozenset[str] = SCOPES, secret: int | None = None) -> Caller:
        """The caller a token names, with the scopes asked for; all the client has when none is asked. Raises `TokenRefused`.

        ``left`` is what its partner's standing leaves it: an archived one nothing, a suspended one reading. ``secret`` is the one shown.
        """
        if not left:
            raise TokenRefused("unauthorized_client", "The client's partner is archived.", "Ask the platform's operator.")
        has = left & frozenset(self.scopes)
        scopes = has if asked is None else frozenset(asked)
        if not scopes or not scopes <= has:
            words = f"This client's scopes are: {' '.join(sorted(has))}{'' if left == SCOPES else ' (its partner is suspended)'}."
            raise TokenRefused("invalid_scope", words, "Ask for some of them, or leave scope out.")
        return Caller(client=self.id, partner=self.partner or PLATFORM, scopes=scopes, secret=secret)

    def revoke(self, now: datetime) -> ClientRevoked | None:
        """It gets no token from now on and those it has are refused; None when it was revoked before."""
        if self.revoked_at is not None:
            return None
        self.revoked_at = now
        return self._refuse_tokens(now)

    def pass_to(self, partner: str, now: datetime) -> ClientRevoked | None:
        """It speaks for this partner from now on, with its secrets: tokens that name another are refused, and it gets new ones.

        The fact, which tells everybody to refuse those tokens; None for a client that was revoked, which has none.
        """
        self.partner = partner
        return None if self.revoked_at is not None else self._refuse_tokens(now)

    def _refuse_tokens(self, now: datetime) -> ClientRevoked:
        self.tokens_since = now
        return ClientRevoked(client=self.id, partner=self.partner, revoked_at=now)

    def ends_at(self) -> datetime | None:
        """When it can take no token any more: at its own end or that of its last secret; None never, or when it was revoked."""
        if self.revoked_at is not None:
            return None
        lasts = [kept.expires_at for kept in self.secrets]
        ends = [self.expires_at, None if None in lasts else max(filter(None, lasts))]
        return min(filter(None, ends), default=None)

    def warned_next(self, now: datetime) -> datetime | None:
        """When its partner is to be warned next that it ends; None for a client without an end, or of the operator's own."""
        end = self.ends_at()
        if end is None or self.partner is None:
            return None
        return next((end - before for before in WARNED_BEFORE if end - before > now), None)

    def warn(self, names: dict[str, str], now: datetime) -> ClientExpiryWarned | None:
        """Its end is near; ``names`` are its partner's. None when there is no end any more, or it lies elsewhere."""
        end = self.ends_at()
        if end is None or self.partner is None or not end - WARNED_BEFORE[0] <= now < end:
            return None
        return ClientExpiryWarned(client=self.id, client_name=self.name, partner=self.partner, names=names, expires_at=end)

    def reach(self, fact: Event) -> Reach:
        """That it was revoked is its owner's alone; that it ends soon its partner's people are told."""
        visibility = Visibility.PARTIES if isinstance(fact, ClientExpiryWarned) else Visibility.OWNER
        return Reach(visibility, (self.partner or PLATFORM,))


def _must_lie_ahead(end: datetime | None, now: datetime) -> None:
    if end is not None and end <= now:
        raise Invalid("The client would have expired already.", field="/expires_at", fix="Send a later time, or leave it out.")


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
            raise KeyTooYoung("Not every verifier knows the next key yet.", fix=fix, ready_at=ready_at.isoformat())
        self.state, self.signs_from = KeyState.CURRENT, now

    def retire(self, now: datetime) -> None:
        """Sign no more; stay published until every token it signed is past its end."""
        self.state, self.private_jwk, self.published_until = KeyState.RETIRED, None, now + PUBLISHED_AFTER_SIGNING
