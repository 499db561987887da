"""The caller of a request, and the scope a route asks of it."""

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.openapi.models import OAuth2, OAuthFlowClientCredentials, OAuthFlows
from fastapi.security.base import SecurityBase

from shared.auth import Caller, TokenMissing
from shared.http.allowances import Allowances, Exhausted
from shared.http.headers import Raw
from shared.http.session import runtime_of
from shared.refusals import Unauthenticated, Unavailable

SCOPE_WORDS = {
    "read": "see what the partner may see",
    "write": "draft and change for the partner",
    "sign": "approve and sign for the partner",
    "admin": "operate the platform",
}

SANDBOX: Final[tuple[Raw, ...]] = ((b"interurbe-sandbox", b"true"),)
"""On every answer to a client for trying out, so that nobody takes what it does for real."""

_FLOW = OAuthFlowClientCredentials(tokenUrl="/oauth/token", scopes=SCOPE_WORDS)


class Allow(SecurityBase):
    """A dependency that gives the caller, or refuses one whose token lacks ``scope``."""

    def __init__(self, scope: str | None) -> None:
        """Ask for ``scope``; None asks for any known caller."""
        self.scope = scope
        self.model = OAuth2(flows=OAuthFlows(clientCredentials=_FLOW), description="OAuth 2 client credentials.")
        self.scheme_name = "client credentials"

    async def __call__(self, request: Request) -> Caller:
        """The caller whom the edge has already recognised."""
        caller: Caller | None = request.scope["state"].get("caller")
        if caller is None:
            raise LookupError("only a CommandRoute knows its caller")
        if self.scope is not None:
            caller.must(self.scope)
        return caller


def allow(scope: str) -> Allow:
    """A dependency for a caller with ``scope``: ``Annotated[Caller, Depends(allow("write"))]``."""
    return Allow(scope)


async def recognise(request: Request) -> Caller:
    """The caller behind the request's access token; raises TokenMissing, InvalidToken, `TokenRevoked` or `Exhausted`."""
    runtime = runtime_of(request)
    verifier = runtime.verifier
    if verifier is None:
        raise Unavailable("This process cannot verify access tokens.")
    header = request.headers.get("authorization")
    if header is None:
        raise TokenMissing(
            "The header Authorization is missing.", field="Authorization", fix="Send 'Authorization: Bearer <access token>'."
        )
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "The header Authorization is not of the kind Bearer.",
            field="Authorization",
            fix="Send 'Authorization: Bearer <access token>'.",
        )
    caller = await verifier.verify(token.strip())
    if runtime.revoked is not None:
        runtime.revoked.must_not_hold(caller)
    if caller.sandbox:
        request.scope["state"]["marked"] = SANDBOX
    if runtime.allowances is not None:
        _count(request, runtime.allowances, caller)
    return caller


def _count(request: Request, allowances: Allowances, caller: Caller) -> None:
    """Count the request; what is left of the caller's allowance goes onto the answer, whatever it will be."""
    state = request.scope["state"]
    try:
        state["allowance"] = allowances.take(caller.client)
    except Exhausted as refusal:
        state["allowance"] = refusal.told
        raise


ANONYMOUS = Caller(client="anonymous", partner="ffffffff-ffff-ffff-ffff-ffffffffffff", scopes=frozenset({"read"}))
"""Who asks without a token: a reader of what is public. The partner is the max UUID (RFC 9562), which is nobody's."""


async def anyone(request: Request) -> Caller:
    """The caller behind the access token if there is one, else `ANONYMOUS`; for an OpenRoute that shows more to some."""
    return ANONYMOUS if request.headers.get("authorization") is None else await recognise(request)


Anyone = Annotated[Caller, Depends(anyone)]
"""Anybody; a token, if sent, must be valid."""

Signed = Annotated[Caller, Security(Allow(None))]
"""Any caller with a valid token."""

Reads = Annotated[Caller, Security(allow("read"), scopes=["read"])]
"""A caller that may read."""

Writes = Annotated[Caller, Security(allow("write"), scopes=["write"])]
"""A caller that may write."""

Signs = Annotated[Caller, Security(allow("sign"), scopes=["sign"])]
"""A caller that may approve and sign for its partner."""

Admins = Annotated[Caller, Security(allow("admin"), scopes=["admin"])]
"""An operator of the platform."""
