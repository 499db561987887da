"""Who is calling: short signed tokens (ES256), issued by the partners service and verified offline by everyone."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, Self, cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode
from uuid_utils import uuid7

from shared.refusals import Forbidden, Unauthenticated

ALGORITHM: Final = "ES256"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
SCOPES: Final = frozenset({"read", "write", "sign", "admin"})
LONGEST_TOKEN: Final = 4096
LEEWAY_SECONDS: Final = 5
REMEMBERED_TOKENS: Final = 4096
PLATFORM: Final = "00000000-0000-0000-0000-000000000000"
"""The partner of a client that belongs to no partner but to the operator: the nil UUID, so it equals nobody's id."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of a partner's system, and what it may do: any of ``read``, ``write``, ``sign`` and ``admin``."""

    client: str
    partner: str
    scopes: frozenset[str]
    issued: float = field(default=0.0, compare=False)

    @property
    def is_admin(self) -> bool:
        """Whether this is an operator of the platform; a partner's own ``admin`` rules that partner's clients and no more."""
        return "admin" in self.scopes and self.partner == PLATFORM

    def must(self, scope: str) -> None:
        """Raise InsufficientScope unless the caller's token carries ``scope`` (no scope implies another)."""
        if scope not in self.scopes:
            raise InsufficientScope(scope)


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
        return Caller(_words(claims, "sub"), _words(claims, "partner"), scopes & SCOPES, issued)


class Issuer:
    """Writes access tokens; only the service that owns the private keys has one."""

    def __init__(self, issuer: str, audience: str, lifetime: timedelta) -> None:
        """Tokens name ``issuer`` (an URL) and ``audience`` and live for ``lifetime``."""
        self.issuer = issuer
        self.audience = audience
        self.lifetime = lifetime

    def issue(self, key: ECKey, caller: Caller, now: datetime) -> str:
        """A signed access token (RFC 9068) for ``caller``, valid from ``now`` for the issuer's lifetime."""
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
            "exp": start + int(self.lifetime.total_seconds()),
            "jti": str(uuid7()),
        }
        return sign_token(key, claims)


def sign_token(key: ECKey, claims: dict[str, Any]) -> str:
    """The compact JWT of ``claims``, signed by the private ``key`` with ES256 and marked as an access token."""
    header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": key_id(key)}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])


def new_key() -> ECKey:
    """A fresh private key on P-256, named by its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": ALGORITHM}, private=True)
    return load_key(dump_key(key))


def dump_key(key: ECKey) -> str:
    """The private key as JWK text, to be kept secret."""
    return json.dumps(key.as_dict(private=True), sort_keys=True)


def load_key(text: str) -> ECKey:
    """The key written as JWK ``text``, private or public, named by its thumbprint; raises ValueError when it is not P-256."""
    members = json.loads(text)
    key = ECKey.import_key({name: members[name] for name in ("kty", "crv", "x", "y", "d") if name in members})
    if key.curve_name != "P-256":
        raise ValueError(f"an ES256 key lies on the curve P-256, not on {key.curve_name}")
    return ECKey.import_key(
        {**key.as_dict(private=key.is_private), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM},
    )


def key_id(key: ECKey) -> str:
    """The key's id: its RFC 7638 thumbprint."""
    return key.kid or key.thumbprint()


def public_set(keys: Iterable[ECKey]) -> dict[str, list[dict[str, Any]]]:
    """The JSON Web Key Set of the public halves of ``keys``."""
    return {"keys": [cast("dict[str, Any]", key.as_dict(private=False)) for key in keys]}


def read_public_set(document: object) -> dict[str, ECKey]:
    """The usable ES256 keys of a JSON Web Key Set by id; raises ValueError when the document is no key set."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("a key set is an object with a list called 'keys'")  # noqa: TRY004 - a document from outside
    read = [_public_key(members) for members in document["keys"] if isinstance(members, dict)]
    return {key_id(key): key for key in read if key is not None}


def _public_key(members: dict[str, Any]) -> ECKey | None:
    """The key, None when it is of a kind, or for a use, that is not ours: a set may hold others too."""
    wanted = {"kty": "EC", "crv": "P-256", "use": "sig", "alg": ALGORITHM}
    if any(members.get(name, value) != value for name, value in wanted.items()):
        return None
    try:
        key = ECKey.import_key({name: members[name] for name in ("kty", "crv", "x", "y")})
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    kid = members.get("kid")
    return ECKey.import_key({**key.as_dict(private=False), "kid": kid}) if isinstance(kid, str) else key


class LocalKeys:
    """The key set of a process that has the keys at hand."""

    def __init__(self, *keys: ECKey) -> None:
        """Know ``keys`` from the start."""
        self._keys = {key_id(key): key for key in keys}

    def get(self, kid: str) -> ECKey | None:
        """The key by this id."""
        return self._keys.get(kid)

    async def refresh(self) -> None:
        """Nothing to ask: the keys are at hand."""

    def replace(self, *keys: ECKey) -> Self:
        """Know only ``keys`` from now on."""
        self._keys = {key_id(key): key for key in keys}
        return self


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


def _words(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken(f"the token's claim {name} must be a text")
    return value
