"""What is asked of access: which clients there are, and which keys sign and verify now."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey
from sqlalchemy import CompoundSelect, Text, cast, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.access.models import Client, KeyState, SigningKey
from services.partners.access.secrets.models import ClientSecret
from services.partners.models import plain
from services.partners.registry.views import survivor_of
from shared.auth import PLATFORM, Caller, secret_of
from shared.db import Database
from shared.refusals import Forbidden, NotFound, Unavailable
from shared.sandbox import in_sandbox
from shared.signing import load_key

FRESH = timedelta(seconds=60)
"""How long a process goes without looking whether the keys were rotated."""
SHORTEST_PAUSE = timedelta(seconds=1)

_COLUMNS = (
    Client.id,
    Client.partner,
    Client.name,
    Client.scopes,
    Client.created_at,
    Client.created_by,
    Client.expires_at,
    Client.revoked_at,
    Client.last_used_at,
    Client.version,
)
_SECRET = (ClientSecret.n, ClientSecret.created_at, ClientSecret.expires_at, ClientSecret.last_used_at)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Published:
    key: ECKey
    signs: bool
    until: datetime | None


class KeyRing:
    """The signing keys as this process read them last; looks again by itself every minute, or when an unknown key is named."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Read the keys of ``database`` when they are first needed; ``clock`` gives aware times."""
        self._database = database
        self._clock = clock
        self._keys: dict[str, _Published] = {}
        self._read_at = self._asked_at = _LONG_AGO
        self._doubts = 0
        self._reading = asyncio.Lock()

    def get(self, kid: str) -> ECKey | None:
        """The published key by this id, as far as known now."""
        known = self._keys.get(kid)
        return known.key if known is not None and self._is_published(known) else None

    async def refresh(self) -> None:
        """Look for keys that are not known yet, at most once a second."""
        if self._clock() - self._asked_at >= SHORTEST_PAUSE:
            await self.read()

    async def signing_key(self) -> ECKey:
        """The private key that signs now; raises Unavailable while there is none."""
        await self._be_fresh()
        for known in self._keys.values():
            if known.signs:
                return known.key
        raise Unavailable("There is no key to sign tokens with yet.", fix="Try again in a few seconds.")

    async def published(self) -> list[ECKey]:
        """Every key that a token may be signed with, the coming one included."""
        await self._be_fresh()
        return [known.key for known in self._keys.values() if self._is_published(known)]

    async def read(self) -> None:
        """Read the keys from the database now."""
        self._asked_at = asked_at = self._clock()
        doubts = self._doubts
        asked = select(SigningKey.kid, SigningKey.state, SigningKey.private_jwk, SigningKey.public_jwk, SigningKey.published_until)
        asked = asked.where(or_(SigningKey.published_until.is_(None), SigningKey.published_until > self._asked_at))
        async with self._database.reader() as reader:
            rows = (await reader.execute(asked.order_by(SigningKey.published_at))).all()
        self._keys = {
            kid: _Published(load_key(private or public), state == KeyState.CURRENT, until) for kid, state, private, public, until in rows
        }
        # What was forgotten while it was read may have been read as it was before.
        self._read_at = asked_at if doubts == self._doubts else _LONG_AGO

    def look_again(self) -> None:
        """Forget that the keys were read lately."""
        self._read_at = self._asked_at = _LONG_AGO
        self._doubts += 1

    async def _be_fresh(self) -> None:
        if self._is_fresh():
            return
        async with self._reading:
            if not self._is_fresh():
                await self.read()

    def _is_fresh(self) -> bool:
        return self._clock() - self._read_at < FRESH

    def _is_published(self, known: _Published) -> bool:
        return known.until is None or known.until > self._clock()


def revoked_since(moment: datetime) -> CompoundSelect[str, datetime | None]:
    """The clients whose tokens are refused, and until when they were issued; those revoked before the moment have none any more.

    And the secrets that ended after the moment, or will, with their end.
    """
    clients = select(Client.id, Client.tokens_since).where(Client.tokens_since > moment)
    name = ClientSecret.client + secret_of("", 0).removesuffix("0") + cast(ClientSecret.n, Text)
    return union_all(clients, select(name, ClientSecret.expires_at).where(ClientSecret.expires_at > moment))


async def shown_to(reader: AsyncConnection, caller: Caller, asked: str | None) -> str | None:
    """Of which partner the caller is shown the clients: the operator of whom it asks (None: of everybody), others of their own.

    Raises Forbidden for whoever asks for those of somebody else.
    """
    if caller.is_admin:
        return asked
    if asked is not None and await survivor_of(reader, asked) != caller.partner:
        fix = "Leave the partner out, or send your own."
        raise Forbidden("A partner's clients are seen by that partner and the operator alone.", field="?partner", fix=fix)
    return caller.partner


async def clients_of(reader: AsyncConnection, partner: str | None, after: str | None, limit: int, now: datetime) -> list[dict[str, Any]]:
    """At most ``limit`` clients of a partner (None: of everybody) in the order of their ids, those after the id ``after``."""
    asked = select(*_COLUMNS).order_by(Client.id).limit(limit)
    if partner is not None:
        asked = asked.where(Client.partner == await survivor_of(reader, partner))
    if after is not None:
        asked = asked.where(Client.id > after)
    rows = (await reader.execute(asked)).mappings().all()
    secrets = await _good_secrets(reader, [row["id"] for row in rows], now)
    return [_said(row) | {"secrets": secrets[row["id"]]} for row in rows]


async def client_by_id(reader: AsyncConnection, client: str, partner: str | None, now: datetime) -> dict[str, Any]:
    """One client of a partner (None: of anybody) as the API tells it; raises NotFound, also for a client of somebody else."""
    row = (await reader.execute(select(*_COLUMNS).where(Client.id == client))).mappings().one_or_none()
    if row is None or (partner is not None and row["partner"] != partner):
        raise NotFound(f"There is no client {client}.", fix="List yours with GET /v1/clients.")
    return _said(row) | {"secrets": (await _good_secrets(reader, [client], now))[client]}


def told(client: Client, now: datetime) -> dict[str, Any]:
    """A client that was just written, as the API tells it: never with its secrets themselves."""
    said = _said({column.key: getattr(client, column.key) for column in _COLUMNS})
    return said | {"secrets": [told_secret(secret) for secret in client.secrets if secret.is_good(now)]}


def _said(client: Mapping[Any, Any]) -> dict[str, Any]:
    return plain(client) | {"sandbox": in_sandbox(client["partner"] or PLATFORM)}


def told_secret(secret: ClientSecret) -> dict[str, Any]:
    """A secret that was just written, as the API tells it."""
    return plain({column.key: getattr(secret, column.key) for column in _SECRET})


async def _good_secrets(reader: AsyncConnection, clients: Sequence[str], now: datetime) -> defaultdict[str, list[dict[str, Any]]]:
    """What is told of the secrets of these clients that have not ended, by client."""
    good = or_(ClientSecret.expires_at.is_(None), ClientSecret.expires_at > now)
    asked = select(ClientSecret.client, *_SECRET).where(ClientSecret.client.in_(clients), good).order_by(ClientSecret.n)
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in (await reader.execute(asked)).mappings():
        said = plain(row)
        found[said.pop("client")].append(said)
    return found
