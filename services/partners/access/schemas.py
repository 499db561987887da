"""What access is told and what it answers."""

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, unquote_plus

from pydantic import BaseModel, ConfigDict, Field

from services.partners.access.commands import Credentials
from services.partners.access.models import ClientWanted
from services.partners.access.refusals import ClientRefused, TokenRefused
from services.partners.access.secrets.schemas import SECRET, SHOWN, SecretOut
from shared.auth import SCOPES
from shared.http import After, Flag, Id, Limit, Line, Moment, StrictModel, Written
from shared.refusals import Invalid

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path, no password
KEYS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"
GRANT = "client_credentials"
MOST_FIELDS = 20
CLIENT_ID = "01939f6e-7d3a-7b11-8c22-9d0e1f2a3b4c"
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,100}")
_SECRET = re.compile(r"[\x20-\x7e]{1,200}")

Scope = Literal["read", "write", "sign", "admin"]
ClientId = Annotated[str, Written(r"^[\x21-\x7e]{1,100}$", "must be up to 100 visible characters of ASCII without blanks", CLIENT_ID)]

CLIENT: dict[str, Any] = {
    "partner": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f",
    "name": "Sistema de convenios",
    "scopes": ["read", "write", "sign"],
    "expires_at": None,
    "sandbox": False,
}
ANSWER: dict[str, Any] = CLIENT | {
    "id": CLIENT_ID,
    "created_at": "2025-03-04T15:00:00+00:00",
    "created_by": "bootstrap",
    "revoked_at": None,
    "last_used_at": None,
    "version": 1,
    "secrets": [SECRET],
}
TOKEN: dict[str, Any] = {"access_token": "eyJhbGciOiJFUzI1NiIs…", "token_type": "Bearer", "expires_in": 600, "scope": "read write"}
JWK: dict[str, Any] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "kid": "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
    "use": "sig",
    "alg": "ES256",
}
TOKEN_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "const": GRANT},
                        "scope": {"type": "string", "description": "Some of the client's scopes, blanks between; all when left out."},
                        "client_id": {"type": "string", "description": "Only when the header Authorization: Basic is not sent."},
                        "client_secret": {"type": "string", "description": "The same."},
                    },
                },
                "example": {"grant_type": GRANT, "scope": "read write"},
            }
        },
    },
    "security": [{"client id and secret": []}, {}],
}


class NewClient(StrictModel):
    """A client to make for a partner's system."""

    partner: Id | None = Field(description="Whose system it is; null only for the operator's own clients.")
    name: Line = Field(examples=["Sistema de convenios"])
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    expires_at: Moment | None = Field(None, description="When it ends by itself; null never.")
    sandbox: Flag = Field(False, description="Whether it is for trying out: true for a partner of the sandbox, and only then. Stays so.")

    model_config = ConfigDict(json_schema_extra={"example": CLIENT})

    def wanted(self) -> ClientWanted:
        """The body in the words of access."""
        said: dict[str, Any] = {"partner": self.partner, "name": self.name, "expires_at": self.expires_at, "sandbox": self.sandbox}
        return ClientWanted(scopes=frozenset(self.scopes), **said)


class ClientChanges(StrictModel):
    """What shall be different about a client; fields left out stay."""

    name: Line | None = Field(None, examples=["Sistema de convenios"])
    expires_at: Moment | None = Field(None, description="When it ends by itself; null never.")

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Sistema de convenios", "expires_at": None}})

    def changes(self) -> dict[str, Any]:
        """The fields that were given; a name cannot be taken away."""
        if "name" in self.model_fields_set and self.name is None:
            raise Invalid("A client has a name.", field="/name", fix="Send a text, or leave the field out.")
        return {name: getattr(self, name) for name in self.model_fields_set}


class ClientFilters(BaseModel):
    """Which clients a list shall hold."""

    partner: Id | None = Field(None, description="Only clients of this partner: who is not the operator names its own.")
    after: After = None
    limit: Limit = 50

    model_config = ConfigDict(extra="forbid")


class ClientOut(BaseModel):
    """A client of a partner's system, without its secret."""

    id: str
    partner: str | None
    name: str
    scopes: list[str]
    sandbox: bool
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    version: int
    secrets: list[SecretOut]

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})


class ClientMade(ClientOut):
    """A new client with its secret, which is shown this once and never again."""

    secret: str

    model_config = ConfigDict(json_schema_extra={"example": ANSWER | {"secret": SHOWN}})


class Token(BaseModel):
    """An access token (RFC 6749, section 5.1): send it as ``Authorization: Bearer …`` for ``expires_in`` seconds."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str

    model_config = ConfigDict(json_schema_extra={"example": TOKEN})


class KeySet(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]

    model_config = ConfigDict(json_schema_extra={"example": {"keys": [JWK]}})


class Metadata(BaseModel):
    """Authorization server metadata (RFC 8414)."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    service_documentation: str

    @classmethod
    def of(cls, issuer: str) -> Self:
        """What the issuer at this address does."""
        return cls(
            issuer=issuer,
            token_endpoint=issuer + TOKEN_PATH,
            jwks_uri=issuer + KEYS_PATH,
            scopes_supported=sorted(SCOPES),
            response_types_supported=[],
            grant_types_supported=[GRANT],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
            service_documentation=issuer + "/docs",
        )


class KeyOut(BaseModel):
    """A published key and what it is for now."""

    kid: str
    state: str
    published_at: datetime
    signs_from: datetime | None
    published_until: datetime | None


class KeysOut(BaseModel):
    """All keys that are published."""

    keys: list[KeyOut]


def credentials_of(authorization: str | None, body: bytes) -> Credentials:
    """What a token request says (RFC 6749, sections 2.3.1 and 4.4.2); raises `TokenRefused` or `ClientRefused`."""
    form = _form(body)
    grant = form.get("grant_type")
    if grant is None:
        raise TokenRefused("invalid_request", "The parameter grant_type is missing.", f"Send grant_type={GRANT} in a form.")
    if grant != GRANT:
        raise TokenRefused("unsupported_grant_type", f"Tokens are given for {GRANT} only.", f"Send grant_type={GRANT}.")
    client, secret = _id_and_secret(authorization, form)
    scope = form.get("scope")
    return Credentials(client, secret, None if scope is None else tuple(scope.split()))


def _form(body: bytes) -> dict[str, str]:
    fix = "Send each parameter once, as application/x-www-form-urlencoded."
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise TokenRefused("invalid_request", "The body is not a form.", fix) from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRefused("invalid_request", "A parameter is there more than once.", fix)
    # A parameter without a value counts as one left out (RFC 6749, section 3.2).
    return {name: value for name, value in form.items() if value}


def _id_and_secret(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    if authorization is not None:
        if "client_secret" in form:
            fix = "Send the secret in the header or in the form, not in both."
            raise TokenRefused("invalid_request", "The client authenticates in two ways at once.", fix)
        client, secret = _basic(authorization)
    elif "client_id" in form and "client_secret" in form:
        client, secret = form["client_id"], form["client_secret"]
    else:
        raise ClientRefused
    if _CLIENT_ID.fullmatch(client) is None or _SECRET.fullmatch(secret) is None:
        raise ClientRefused
    return client, secret


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, words = authorization.partition(" ")
    try:
        text = base64.b64decode(words.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ClientRefused from None
    client, colon, secret = text.partition(":")
    if kind.lower() != "basic" or not colon:
        raise ClientRefused
    return unquote_plus(client), unquote_plus(secret)
