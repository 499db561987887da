"""Who is calling: short signed tokens (ES256), issued by the partners service and verified offline by everyone."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode
from uuid_utils import uuid7

from shared.refusals import Forbidden, Unauthenticated
from shared.sandbox import in_sandbox
from shared.signing import ALGORITHM, key_id

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
SCOPES: Final = frozenset({"read", "write", "sign", "admin"})
LONGEST_TOKEN: Final = 4096
LEEWAY_SECONDS: Final = 5
REMEMBERED_TOKENS: Final = 4096
_SECRET: Final = "secret_number"  # noqa: S105 - the claim that says with which of its secrets the client got the token
PLATFORM: Final = "00000000-0000-0000-0000-000000000000"
"""The partner of a client that belongs to no partner but to the operator: the nil UUID, so it equals nobody's id."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of a partner's system, and what it may do: any of ``read``, ``write``, ``sign`` and ``admin``.

    ``secret`` is the number of the client's secret that it came with; None in tokens of a release before.
    """

    client: str
    partner: str
    scopes: frozenset[str]
    issued: float = field(default=0.0, compare=False)
    secret: int | None = field(default=None, compare=False)

    @property
    def is_admin(self) -> bool:
        """Whether this is an operator of the platform; a partner's own ``admin`` rules that partner's clients and no more."""
        return "admin" in self.scopes and self.partner == PLATFORM

    @property
    def sandbox(self) -> bool:
        """Whether this client is for trying out: it acts for a partner of the sandbox, and can touch nothing real."""
        return in_sandbox(self.partner)

    def must(self, scope: str) -> None:
        """Raise InsufficientScope unless the caller's token carries ``scope`` (no scope implies another)."""
        if scope not in self.scopes:
            raise InsufficientScope(scope)


def secret_of(client: str, n: int) -> str:
    """What one secret of a client is called among what was revoked: a number is never given again, so it names the secret for ever."""
    return f"{client}/secrets/{n}"


class TokenMissing(Unauthenticated):
    """The request carries no access token. Get one at the token endpoint and send ``Authorization: Bearer <token>``."""

    code = "token-missing"
    title = "The request carries no access token."


class InvalidToken(Unauthenticated):
    """The access token is expired, forged, or meant for someone else. ``detail`` says what is wrong with it."""

    code = "invalid-token"
    title = "The access token is not valid."

    def __init__(self, detail: str) -> None:
        """Say what is wrong with the token; the words also go into a header, so they are plain ASCII."""
        super().__init__(detail, field="Authorization", fix="Get a new access token from the issuer's token endpoint.")

    def headers(self) -> dict[str, str]:
        """The challenge of RFC 6750, section 3."""
        return {"WWW-Authenticate": f'Bearer realm="interurbe", error="invalid_token", error_description="{self.detail}"'}


class InsufficientScope(Forbidden):
    """The access token lacks the scope this needs. Ask the platform's operator for a client with that scope."""

    code = "insufficient-scope"
    title = "The access token lacks a scope."

    def __init__(self, scope: str) -> None:
        """Name the ``scope`` that is missing."""
        super().__init__(
            f"This needs the scope '{scope}', which the access token does not carry.",
            fix=f"Use a client that has the scope '{scope}'.",
            scope=scope,
        )
        self.scope = scope

    def headers(self) -> dict[str, str]:
        """The challenge of RFC 6750, section 3."""
        return {"WWW-Authenticate": f'Bearer realm="interurbe", error="insufficient_scope", scope="{self.scope}"'}


class KeySet(Protocol):
    """The issuer's public keys, by key id."""

    def get(self, kid: str) -> ECKey | None:
        """The key known now by this id; never waits."""

    async def refresh(self) -> None:
        """Ask the issuer for its keys because an unknown id was seen; bounded in time and frequency. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    kid: str
    expires: float


class Verifier:
    """Turns an access token into its caller, offline, and remembers recent answers."""

    def __init__(self, issuer: str, audience: str, keys: KeySet, clock: Callable[[], float] = time.time) -> None:
        """Trust tokens that ``issuer`` (an URL) signed for ``audience`` with one of ``keys``; ``clock`` gives Unix seconds."""
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller behind ``token``; raises InvalidToken with what is wrong in words."""
        fingerprint = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._known.get(fingerprint)
        if known is not None and known.expires > self._clock() and self.keys.get(known.kid) is not None:
            return known.caller
        self._known.pop(fingerprint, None)
        known = await self._examine(token)
        self._remember(fingerprint, known)
        return known.caller

    def _remember(self, fingerprint: bytes, known: _Known) -> None:
        self._known[fingerprint] = known
        if len(self._known) > REMEMBERED_TOKENS:
            self._known.popitem(last=False)

    async def _examine(self, token: str) -> _Known:
        kid = _key_id(token)
        key = self.keys.get(kid)
        if key is None:
            await self.keys.refresh()
            key = self.keys.get(kid)
        if key is None:
            raise InvalidToken("the token is signed with a key that the issuer does not publish")
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError) as problem:
            raise InvalidToken("the signature does not match") from problem
        return _Known(self._caller(claims), kid, float(claims["exp"]) + LEEWAY_SECONDS)

    def _caller(self, claims: dict[str, Any]) -> Caller:
        now = self._clock()
        if claims.get("iss") != self.issuer:
            raise InvalidToken(f"the token's issuer is not {self.issuer}")
        audience = claims.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidToken(f"the token is not meant for the audience {self.audience}")
        if _seconds(claims, "exp") + LEEWAY_SECONDS <= now:
            raise InvalidToken("the token has expired")
        if "nbf" in claims and _seconds(claims, "nbf") - LEEWAY_SECONDS > now:
            raise InvalidToken("the token is not valid yet")
        scopes = frozenset(_words(claims, "scope").split())
        issued = _seconds(claims, "iat") if "iat" in claims else 0.0
        caller = Caller(_words(claims, "sub"), _words(claims, "partner"), scopes & SCOPES, issued, _secret(claims))
        if claims.get("sandbox", False) is not caller.sandbox:
            raise InvalidToken("the token's claim sandbox contradicts its partner")
        return caller


class Issuer:
    """Writes access tokens; only the service that owns the private keys has one."""

    def __init__(self, issuer: str, audience: str, lifetime: timedelta) -> None:
        """Tokens name ``issuer`` (an URL) and ``audience`` and live for ``lifetime``."""
        self.issuer = issuer
        self.audience = audience
        self.lifetime = lifetime

    def seconds(self, now: datetime, until: datetime | None = None) -> int:
        """For how long a token of ``now`` lives: the issuer's lifetime, or till ``until`` where that is sooner; a second at the least."""
        whole = int(self.lifetime.total_seconds())
        return whole if until is None else max(1, min(whole, int(until.timestamp()) - int(now.timestamp())))

    def issue(self, key: ECKey, caller: Caller, now: datetime, until: datetime | None = None) -> str:
        """A signed access token (RFC 9068) for ``caller``, valid from ``now`` for the issuer's lifetime, but not beyond ``until``."""
        start = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": caller.client,
            "client_id": caller.client,
            "partner": caller.partner,
            "scope": " ".join(sorted(caller.scopes)),
            "iat": start,
            "nbf": start,
            "exp": start + self.seconds(now, until),
            "jti": str(uuid7()),
        }
        by_secret = {} if caller.secret is None else {_SECRET: caller.secret}
        return sign_token(key, claims | by_secret | ({"sandbox": True} if caller.sandbox else {}))


def sign_token(key: ECKey, claims: dict[str, Any]) -> str:
    """The compact JWT of ``claims``, signed by the private ``key`` with ES256 and marked as an access token."""
    header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": key_id(key)}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])


def _key_id(token: str) -> str:
    if len(token) > LONGEST_TOKEN or token.count(".") != 2:
        raise InvalidToken("the token is not a signed JWT in compact form")
    try:
        header = json.loads(urlsafe_b64decode(token.split(".", 1)[0].encode("ascii")))
    except ValueError as problem:
        raise InvalidToken("the token's header cannot be read") from problem
    if not isinstance(header, dict) or header.get("alg") != ALGORITHM:
        raise InvalidToken(f"the token must be signed with {ALGORITHM}")
    if str(header.get("typ", "")).lower().removeprefix("application/") != TOKEN_TYPE:
        raise InvalidToken(f"the token must be an access token of type {TOKEN_TYPE}")
    kid = header.get("kid")
    if not isinstance(kid, str) or "crit" in header:
        raise InvalidToken("the token must name its key, and no critical extension")
    return kid


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"the token's claim {name} must be a number of seconds")
    return float(value)


def _secret(claims: dict[str, Any]) -> int | None:
    value = claims.get(_SECRET)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidToken(f"the token's claim {_SECRET} must be a whole number")
    return value


def _words(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken(f"the token's claim {name} must be a text")
    return value
