"""Access over HTTP: clients, tokens and keys."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from services.partners.access import commands, views
from services.partners.access.models import Client
from services.partners.access.refusals import ClientRefused
from services.partners.access.schemas import (
    KEYS_PATH,
    METADATA_PATH,
    TOKEN_FORM,
    TOKEN_PATH,
    ClientChanges,
    ClientFilters,
    ClientId,
    ClientMade,
    ClientOut,
    KeyOut,
    KeySet,
    KeysOut,
    Metadata,
    NewClient,
    Token,
    credentials_of,
)
from services.partners.access.secrets.models import Guesses
from services.partners.access.secrets.schemas import NewSecret, SecretMade
from services.partners.models import Seen
from shared.auth import Caller, Issuer, secret_of
from shared.http import Admins, CommandRoute, Cursor, IfMatch, OpenRoute, Page, Reader, Session, page_of, shown_once, versioned
from shared.http.access import SANDBOX
from shared.http.session import after_commit
from shared.revoked import Revoked
from shared.signing import public_set

_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}

router = APIRouter(prefix="/v1", tags=["access"], route_class=CommandRoute)
open_router = APIRouter(tags=["access"], route_class=OpenRoute)


@dataclass(frozen=True, slots=True)
class Access:
    """What this process gives tokens with."""

    ring: views.KeyRing
    issuer: Issuer
    guesses: Guesses
    revoked: Revoked


async def _access(request: Request) -> Access:
    return cast("Access", request.scope["app"].state.access)


Gate = Annotated[Access, Depends(_access)]
SecretNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="The secret's number, as the client's `secrets` show it.")]
ClientPath = Annotated[ClientId, Path(description="The client's id.")]


async def _seen(client: ClientPath, version: IfMatch) -> Seen:
    return Seen(client, version)


@router.post("/clients", status_code=201, response_model=ClientMade, summary="Make a client")
@shown_once
async def create_client(body: NewClient, caller: Admins, session: Session) -> JSONResponse:
    """Make a client for a partner's system. Its `secret` is in this answer and never shown again.

    The operator makes clients for every partner, a client with the scope `admin` those of its own partner. For a partner of the
    sandbox send `"sandbox": true`: its tokens say so, as does `Interurbe-Sandbox: true` on every answer to it.
    """
    now = datetime.now(UTC)
    client, secret = await commands.create_client(session, caller, body.wanted(), now)
    return versioned(views.told(client, now) | {"secret": secret}, 201, among="/v1/clients")


@router.get("/clients", response_model=Page[ClientOut], summary="List clients")
async def list_clients(request: Request, reader: Reader, caller: Admins, filters: Annotated[ClientFilters, Query()]) -> JSONResponse:
    """The clients of the caller's partner; the operator sees all, or those of the `partner` asked for."""
    after = Cursor.read(filters.after, str)
    partner = await views.shown_to(reader, caller, filters.partner)
    found = await views.clients_of(reader, partner, after[0] if after else None, filters.limit + 1, datetime.now(UTC))
    return page_of(request, found, filters.limit)


@router.get("/clients/{client}", response_model=ClientOut, summary="Read a client")
async def read_client(client: ClientPath, reader: Reader, caller: Admins) -> JSONResponse:
    """One client, never with its secrets themselves; somebody else's is a 404. Its `ETag` is what a change must send in `If-Match`."""
    found = await views.client_by_id(reader, client, None if caller.is_admin else caller.partner, datetime.now(UTC))
    return versioned(found)


@router.patch("/clients/{client}", response_model=ClientOut, summary="Change a client's name or end")
async def change_client(
    seen: Annotated[Seen, Depends(_seen)], body: ClientChanges, caller: Admins, session: Session, gate: Gate
) -> JSONResponse:
    """Each field given replaces what was there; an end that has passed can be moved, a client that was revoked stays so.

    With an end that comes before the tokens it has would end, these are refused as when it is revoked; it gets new ones until then.
    """
    now = datetime.now(UTC)
    changed = await commands.change_client(session, caller, seen, body.changes(), now)
    if changed.tokens_since == now:
        after_commit(session, lambda: gate.revoked.hold(seen.id, now))
    return _answer(changed, now)


@router.post("/clients/{client}/secrets", status_code=201, response_model=SecretMade, summary="Make a client's next secret")
@shown_once
async def make_secret(client: ClientPath, caller: Admins, session: Session, gate: Gate, body: NewSecret | None = None) -> JSONResponse:
    """Make one more secret, shown this once; the older one stays good until `old_valid_until`, in seven days when left out.

    Two at most are good at a time: 409 `two-secrets`. With a time that has passed the older one ends at once. Tokens that were taken
    with it end when it does, here and as soon as the other services hear of it, so none is refused while it is good.
    No `If-Match` is asked for: a secret that leaked must be followed by another whatever else changed.
    """
    until = body.old_valid_until if body is not None else None
    secret, words, retired = await commands.make_secret(session, caller, client, until, datetime.now(UTC))
    for fact in retired:
        after_commit(session, partial(gate.revoked.hold, secret_of(client, fact.secret), fact.good_until))
    return JSONResponse(views.told_secret(secret) | {"secret": words}, 201, {"Location": f"/v1/clients/{client}"})


@router.delete("/clients/{client}/secrets/{n}", response_model=ClientOut, summary="Drop one of a client's two secrets")
async def drop_secret(client: ClientPath, n: SecretNumber, caller: Admins, session: Session, gate: Gate) -> JSONResponse:
    """Let a secret get no token from now on; one that had ended changes nothing, one that never was is a 404.

    The only one is a 409 `last-secret`.
    Tokens that were taken with it are refused here at once, and by the other services as soon as they hear of it.
    """
    now = datetime.now(UTC)
    changed = await commands.drop_secret(session, caller, client, n, now)
    after_commit(session, partial(gate.revoked.hold, secret_of(client, n), now))
    return _answer(changed, now)


@router.post("/clients/{client}/revoke", response_model=ClientOut, summary="Revoke a client")
async def revoke_client(client: ClientPath, caller: Admins, session: Session, gate: Gate) -> JSONResponse:
    """Let a client get no token any more; those it has are refused here at once, and by the other services as soon as they hear of it.

    No `If-Match` is asked for: a secret that leaked must be stopped whatever else changed, and revoking twice changes nothing.
    """
    now = datetime.now(UTC)
    revoked = await commands.revoke_client(session, caller, client, now)
    after_commit(session, lambda: gate.revoked.hold(client, revoked.revoked_at or now))
    return _answer(revoked, now)


def _answer(client: Client, now: datetime) -> JSONResponse:
    return versioned(views.told(client, now))


@router.post("/keys/rotate", response_model=KeysOut, summary="Rotate the keys that sign tokens")
async def rotate_keys(caller: Admins, session: Session, gate: Gate) -> dict[str, Any]:
    """Let the next key, published long enough, sign from now on; the old one stays published until its last token has ended.

    No request fails meanwhile: a system goes on with the token it has, and every service knows the next key before it signs.

    It happens by itself every 30 days. 409 `key-too-young` within ten minutes of the rotation before.
    """
    keys = await commands.rotate_keys(session, caller, datetime.now(UTC))
    after_commit(session, gate.ring.look_again)
    return {"keys": [KeyOut.model_validate(key, from_attributes=True) for key in keys]}


@open_router.post(TOKEN_PATH, response_model=Token, openapi_extra=TOKEN_FORM, summary="Get an access token")
async def token(request: Request, session: Session, gate: Gate) -> JSONResponse:
    """OAuth 2 client credentials (RFC 6749, section 4.4): `curl -u ID:SECRET -d grant_type=client_credentials …`.

    The token lives for ten minutes, or to the end of its client or secret where that comes sooner: `expires_in` says it. A refusal is a
    problem document that also carries `error` and `error_description`.
    """
    now = datetime.now(UTC)
    credentials = credentials_of(request.headers.get("authorization"), await request.body())
    address = request.client.host if request.client is not None else ""
    gate.guesses.must_be_few(address, credentials.client, now)
    try:
        caller, until = await commands.admit(session, credentials, now)
    except ClientRefused:
        gate.guesses.refused(address, credentials.client, now)
        raise
    if caller.sandbox:
        request.scope["state"]["marked"] = SANDBOX
    issued = gate.issuer.issue(await gate.ring.signing_key(), caller, now, until)
    return JSONResponse(_token(caller, issued, gate.issuer.seconds(now, until)), headers=_NOT_STORED)


_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _token(caller: Caller, access_token: str, seconds: int) -> dict[str, Any]:
    return {"access_token": access_token, "token_type": "Bearer", "expires_in": seconds, "scope": " ".join(sorted(caller.scopes))}


@open_router.get(KEYS_PATH, response_model=KeySet, summary="The keys that verify tokens")
async def key_set(gate: Gate) -> JSONResponse:
    """The JSON Web Key Set (RFC 7517): the key that signs, the next one, and retired ones until their last token has ended."""
    return JSONResponse(public_set(await gate.ring.published()), headers=_FOR_A_WHILE, media_type="application/jwk-set+json")


@open_router.get(METADATA_PATH, response_model=Metadata, summary="What this authorization server does")
async def metadata(gate: Gate) -> JSONResponse:
    """Authorization server metadata (RFC 8414)."""
    return JSONResponse(Metadata.of(gate.issuer.issuer).model_dump(), headers=_FOR_A_WHILE)
