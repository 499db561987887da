"""What can be done about access: make and revoke clients, give tokens, and rotate the keys that sign them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from services.partners.access.models import (
    BOOTSTRAP,
    KEY_LIFE,
    Client,
    ClientWanted,
    KeyState,
    SigningKey,
)
from services.partners.access.refusals import ClientRefused
from services.partners.access.secrets.models import ClientSecret
from services.partners.models import Seen
from services.partners.registry.models import Partner
from services.partners.registry.standing.views import must_be_served, scopes_left
from services.partners.registry.views import known_partners
from shared.auth import Caller
from shared.due import Act, forgive, owe
from shared.events import ClientSecretRetired
from shared.outbox import record
from shared.refusals import Forbidden, NotFound, Stale

ROTATE = "access.rotate_keys"
WARN = "client.expiry_warning"
"""The kind of due act by which a partner is warned that a client of it ends."""
SIGNING_KEYS = "signing-keys"
USE_NOTED_EVERY = timedelta(minutes=1)
_FOUNDING_LOCK = 7_238_412
_BOOTSTRAP_SCOPES = ["admin", "read", "write"]
_WITH_SECRETS = selectinload(Client.secrets)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client shows at the token endpoint; ``scopes`` None asks for all it has."""

    client: str
    secret: str
    scopes: tuple[str, ...] | None = None


async def create_client(session: AsyncSession, caller: Caller, wanted: ClientWanted, now: datetime) -> tuple[Client, str]:
    """Make a client for a system of a partner; gives it and its secret, which is shown once.

    The operator makes clients for anybody, a client with the scope ``admin`` those of its own partner.
    Raises InsufficientScope, Forbidden, `UnknownPartner` or Invalid.
    """
    caller.must("admin")
    if not caller.is_admin and wanted.partner != caller.partner:
        fix = "Send your own partner's id."
        raise Forbidden("A partner's clients are made by that partner or by the operator.", field="/partner", fix=fix)
    if wanted.partner is not None:
        must_be_served(await known_partners(session, [wanted.partner]), wanted.partner)
    client, secret = Client.create(wanted, created_by=caller.client, now=now)
    session.add(client)
    await session.flush()
    await _warn_in_time(session, client, None, now)
    return client, secret


async def change_client(session: AsyncSession, caller: Caller, seen: Seen, changes: Mapping[str, Any], now: datetime) -> Client:
    """Give a client another name or end; tokens that would outlive the end are refused from now on.

    Raises InsufficientScope, NotFound, Stale, Invalid or `ClientIsRevoked`.
    """
    client = await _ruled(session, caller, seen.id)
    if client.version != seen.version:
        detail = f"Version {client.version} of this client is the current one."
        raise Stale(detail, field="If-Match", fix="Read it again.", version=client.version)
    before = client.ends_at()
    outlived = client.change(changes, now)
    if outlived is not None:
        await record(session, client, outlived, now=now)
    await _warn_in_time(session, client, before, now)
    await session.flush()
    return client


async def make_secret(
    session: AsyncSession, caller: Caller, client_id: str, old_valid_until: datetime | None, now: datetime
) -> tuple[ClientSecret, str, Sequence[ClientSecretRetired]]:
    """Give a client one more secret, shown once; the older one ends then (None: in seven days), which everybody is told.

    Raises InsufficientScope, NotFound, `ClientIsRevoked`, Invalid or `TwoSecrets`.
    """
    client = await _ruled(session, caller, client_id)
    before = client.ends_at()
    secret, words, retired = client.new_secret(old_valid_until, now)
    await record(session, client, *retired, now=now)
    await _warn_in_time(session, client, before, now)
    await session.flush()
    return secret, words, retired


async def drop_secret(session: AsyncSession, caller: Caller, client_id: str, n: int, now: datetime) -> Client:
    """End one of a client's two secrets at once, and the tokens that were got with it.

    Raises InsufficientScope, NotFound or `LastSecret`.
    """
    client = await _ruled(session, caller, client_id)
    before = client.ends_at()
    await record(session, client, *client.drop_secret(n, now), now=now)
    await _warn_in_time(session, client, before, now)
    await session.flush()
    return client


async def revoke_client(session: AsyncSession, caller: Caller, client_id: str, now: datetime) -> Client:
    """Let a client get no token any more, and the ones it has be refused. Raises InsufficientScope or NotFound."""
    client = await _ruled(session, caller, client_id)
    before = client.ends_at()
    fact = client.revoke(now)
    if fact is not None:
        await record(session, client, fact, now=now)
        await _warn_in_time(session, client, before, now)
    return client


async def warn_of_expiry(session: AsyncSession, subject: str, now: datetime) -> None:
    """Warn the partner that a client of it can take no token soon, and see to the next warning; after its end there is none.

    However late it comes, it warns once: of two warnings missed the later one is not owed any more.
    """
    client = await session.get_one(Client, subject.partition("/")[2], options=[_WITH_SECRETS], with_for_update=True)
    names = await session.scalar(select(Partner.names).where(Partner.id == client.partner))
    warned = client.warn(names or {}, now)
    if warned is not None:
        await record(session, client, warned, now=now)
    following = client.warned_next(now)
    if following is not None:
        await owe(session, WARN, subject, following)


async def _warn_in_time(session: AsyncSession, client: Client, before: datetime | None, now: datetime) -> None:
    """Owe the next warning where the client's end is another than ``before``; a warning that waits is left alone otherwise."""
    if client.ends_at() == before:
        return
    first = client.warned_next(now)
    if first is not None:
        await owe(session, WARN, client.subject, first)
    else:
        await forgive(session, WARN, client.subject)


async def _ruled(session: AsyncSession, caller: Caller, client_id: str) -> Client:
    """The client, locked so that its secrets are changed by one at a time; raises InsufficientScope or NotFound."""
    caller.must("admin")
    client = await session.get(Client, client_id, options=[_WITH_SECRETS], with_for_update=True)
    if client is None or (not caller.is_admin and client.partner != caller.partner):
        raise NotFound(f"There is no client {client_id}.", fix="List yours with GET /v1/clients.")
    return client


async def admit(session: AsyncSession, credentials: Credentials, now: datetime) -> tuple[Caller, datetime | None]:
    """The caller that a token for these credentials shall name, and when its client or the secret shown ends (None: never).

    Raises `ClientRefused` or `TokenRefused` (scopes).
    """
    client = await session.get(Client, credentials.client, options=[_WITH_SECRETS])
    secret = client.accepts(credentials.secret, now) if client is not None else None
    if client is None or secret is None:
        raise ClientRefused
    caller = client.caller(credentials.scopes, await scopes_left(session, client.partner), secret.n)
    if secret.last_used_at is None or now - secret.last_used_at > USE_NOTED_EVERY:
        secret.last_used_at = now
        # Past the version: use is no change, and two uses at once get not in each other's way.
        used = update(Client).where(Client.id == client.id).values(last_used_at=now).execution_options(synchronize_session=False)
        await session.execute(used)
    return caller, min(filter(None, (client.expires_at, secret.expires_at)), default=None)


async def found(session: AsyncSession, bootstrap_secret: str | None, now: datetime) -> None:
    """See to it that there are keys to sign with, and the operator's first client when its secret is set; safe to repeat."""
    await session.execute(select(func.pg_advisory_xact_lock(_FOUNDING_LOCK)))
    if await session.scalar(select(SigningKey.kid).where(SigningKey.state == KeyState.CURRENT)) is None:
        session.add_all([SigningKey.make(KeyState.CURRENT, now), SigningKey.make(KeyState.NEXT, now)])
        await owe(session, ROTATE, SIGNING_KEYS, now + KEY_LIFE)
    if bootstrap_secret is not None:
        await _keep_bootstrap(session, bootstrap_secret, now)
    await session.flush()


async def rotate_keys(session: AsyncSession, caller: Caller, now: datetime) -> list[SigningKey]:
    """Let the next key sign from now on and publish the one after it; all keys that are published, oldest first.

    Raises Forbidden or `KeyTooYoung`.
    """
    if not caller.is_admin:
        raise Forbidden("Keys are rotated by the platform's operator.", fix="Use a client of the operator.")
    return await _rotate(session, now)


async def rotate_due(session: AsyncSession, _subject: str, now: datetime) -> None:
    """Rotate the keys because the current one has signed for `KEY_LIFE`."""
    await _rotate(session, now)


async def _rotate(session: AsyncSession, now: datetime) -> list[SigningKey]:
    in_use = select(SigningKey).where(SigningKey.state != KeyState.RETIRED).order_by(SigningKey.state).with_for_update()
    keys = {key.state: key for key in await session.scalars(in_use)}
    following = keys[KeyState.NEXT]
    keys[KeyState.CURRENT].retire(now)
    # One key of each kind: the place must be free before the next key takes it.
    await session.flush()
    following.take_over(now)
    await session.flush()
    session.add(SigningKey.make(KeyState.NEXT, now))
    await session.execute(delete(SigningKey).where(SigningKey.published_until < now))
    await owe(session, ROTATE, SIGNING_KEYS, now + KEY_LIFE)
    await session.flush()
    return list(await session.scalars(select(SigningKey).order_by(SigningKey.published_at)))


async def _keep_bootstrap(session: AsyncSession, secret: str, now: datetime) -> None:
    client = await session.get(Client, BOOTSTRAP, options=[_WITH_SECRETS], with_for_update=True)
    if client is None:
        client = Client(id=BOOTSTRAP, partner=None, name="Operator", scopes=_BOOTSTRAP_SCOPES, created_at=now, created_by="settings")
        client.secrets = [ClientSecret.of(secret, 1, now)]
        session.add(client)
    elif not any(kept.is_said(secret) for kept in client.secrets):
        # A new secret in the settings is how an operator comes back after revoking the old one; one known before changes nothing.
        await record(session, client, *client.take_over(secret, now), now=now)


ACTS: Mapping[str, Act] = {ROTATE: rotate_due, WARN: warn_of_expiry}
"""What becomes due in this room."""
