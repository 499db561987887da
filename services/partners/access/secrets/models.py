"""A client's secrets, kept as digests, how one follows another, and how often one may be guessed."""

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import ForeignKey, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from shared.refusals import Conflict, Invalid, NotFound, TooManyRequests

SECRET_PREFIX = "iub_"  # noqa: S105 - what a secret begins with, so that scanners of leaked secrets know one
SECRET_BYTES = 32
MOST_AT_A_TIME = 2
OLD_VALID_FOR = timedelta(days=7)
"""How long the older secret stays good when nobody says how long."""
OLD_VALID_AT_MOST = timedelta(days=90)


class TwoSecrets(Conflict):
    """The client has two good secrets already. Drop one of them with DELETE, or wait until the older one ends."""

    code = "two-secrets"
    title = "The client has two secrets already."


class LastSecret(Conflict):
    """The secret is the only one the client has. Make a new one first, or revoke the client."""

    code = "last-secret"
    title = "The client has no other secret."


class ClientSecret(Model):
    """One secret of a client, by a number that is never given again; only its digest is kept."""

    __tablename__ = "client_secret"

    client: Mapped[str] = mapped_column(ForeignKey("client.id"), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    last_used_at: Mapped[datetime | None]

    @classmethod
    def of(cls, secret: str, n: int, now: datetime) -> Self:
        """The row of this secret, good until it is ended."""
        return cls(n=n, sha256=digest(secret), created_at=now)

    def is_good(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return self.expires_at is None or self.expires_at > now

    def is_said(self, secret: str) -> bool:
        """Whether this is the secret."""
        return hmac.compare_digest(self.sha256, digest(secret))

    def end(self, at: datetime) -> None:
        """Let it be good until then at most."""
        self.expires_at = at if self.expires_at is None else min(at, self.expires_at)


def fresh_secret() -> str:
    """A secret that nobody has seen."""
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is kept of a secret: 32 random bytes need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def following(kept: Sequence[ClientSecret], old_valid_until: datetime | None, now: datetime) -> tuple[ClientSecret, str]:
    """The secret that follows the one of ``kept`` that is good, which ends then; raises `TwoSecrets` or Invalid."""
    until = now + OLD_VALID_FOR if old_valid_until is None else old_valid_until
    if until > now + OLD_VALID_AT_MOST:
        raise Invalid(
            f"The older secret may stay good for {OLD_VALID_AT_MOST.days} days.", field="/old_valid_until", fix="Send an earlier time."
        )
    good = [secret for secret in kept if secret.is_good(now)]
    if len(good) >= MOST_AT_A_TIME:
        fix = f"Drop one with DELETE …/secrets/{good[0].n}, or wait until it ends."
        raise TwoSecrets("A client has at most two good secrets at a time.", fix=fix, secrets=[secret.n for secret in good])
    for secret in good:
        secret.end(max(until, now))
    words = fresh_secret()
    return ClientSecret.of(words, max((secret.n for secret in kept), default=0) + 1, now), words


def drop(kept: Sequence[ClientSecret], n: int, now: datetime) -> bool:
    """End the secret with this number at once; False when it had ended. Raises NotFound or `LastSecret`."""
    if all(secret.n != n for secret in kept):
        raise NotFound(f"The client never had a secret {n}.", fix="Read the client: its `secrets` show their numbers.")
    good = [secret for secret in kept if secret.is_good(now)]
    named = [secret for secret in good if secret.n == n]
    if named and len(good) == 1:
        raise LastSecret(
            "Without this secret the client could get no token any more.",
            fix="Make a new secret whose old_valid_until is now, or revoke the client.",
        )
    for secret in named:
        secret.end(now)
    return bool(named)


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
