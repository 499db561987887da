"""What can be done about access: make and revoke clients, give tokens, and rotate the keys that sign them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.access.models import (
    BOOTSTRAP,
    KEY_LIFE,
    Client,
    ClientRefused,
    ClientWanted,
    KeyState,
    SigningKey,
    digest,
)
from services.partners.registry.views import known_partners
from shared.auth import Caller
from shared.due import Act, owe
from shared.refusals import Forbidden, NotFound

ROTATE = "access.rotate_keys"
SIGNING_KEYS = "signing-keys"
USE_NOTED_EVERY = timedelta(minutes=1)
_FOUNDING_LOCK = 7_238_412
_BOOTSTRAP_SCOPES = ["admin", "read", "write"]


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
        await known_partners(session, [wanted.partner])
    client, secret = Client.create(wanted, created_by=caller.client, now=now)
    session.add(client)
    await session.flush()
    return client, secret


async def revoke_client(session: AsyncSession, caller: Caller, client_id: str, now: datetime) -> Client:
    """Let a client get no token any more; the ones it has end within `TOKEN_LIFE`. Raises InsufficientScope or NotFound."""
    caller.must("admin")
    client = await session.get(Client, client_id)
    if client is None or (not caller.is_admin and client.partner != caller.partner):
        raise NotFound(f"There is no client {client_id}.", fix="List yours with GET /v1/clients.")
    client.revoke(now)
    await session.flush()
    return client


async def admit(session: AsyncSession, credentials: Credentials, now: datetime) -> Caller:
    """The caller that a token for these credentials shall name; raises `ClientRefused` or `TokenRefused` (scopes)."""
    client = await session.get(Client, credentials.client)
    if client is None or not client.accepts(credentials.secret, now):
        raise ClientRefused
    caller = client.caller(credentials.scopes)
    if client.last_used_at is None or now - client.last_used_at > USE_NOTED_EVERY:
        client.last_used_at = now
    return caller


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
    client = await session.get(Client, BOOTSTRAP)
    if client is None:
        client = Client(id=BOOTSTRAP, partner=None, name="Operator", scopes=_BOOTSTRAP_SCOPES, created_at=now, created_by="settings")
        client.secret_sha256 = digest(secret)
        session.add(client)
    elif client.secret_sha256 != digest(secret):
        # A new secret in the settings is how an operator comes back after revoking the old one; the same secret stays revoked.
        client.secret_sha256, client.revoked_at = digest(secret), None


ACTS: Mapping[str, Act] = {ROTATE: rotate_due}
"""What becomes due in this room."""
