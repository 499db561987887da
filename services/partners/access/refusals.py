"""What this room refuses, in words of its own."""

from shared.refusals import Conflict, Refusal


class KeyTooYoung(Conflict):
    """The next key was published a moment ago and not every verifier knows it. Rotate at ``ready_at`` or later."""

    code = "key-too-young"
    title = "The next key was published too short a while ago."


class TokenRefused(Refusal):
    """The token endpoint's own refusals (RFC 6749, section 5.2): ``error`` says which, ``error_description`` why."""

    status = 400
    code = "token-refused"
    title = "No token is given."

    def __init__(self, error: str, description: str, fix: str | None = None) -> None:
        """``error`` is one of the codes of RFC 6749, section 5.2."""
        super().__init__(description, fix=fix, error=error, error_description=description)

    def headers(self) -> dict[str, str]:
        """Refusals are no more to be stored than tokens."""
        return {"Cache-Control": "no-store"}


class ClientRefused(TokenRefused):
    """The client is unknown, revoked or expired, or its secret is another: which of these is not told."""

    status = 401
    code = "client-refused"
    title = "The client's id and secret are not accepted."

    def __init__(self) -> None:
        """The same words whatever the reason."""
        fix = "Check client_id and client_secret; ask your operator for a new client if it was revoked or has expired."
        super().__init__("invalid_client", "The client_id and client_secret are not those of a valid client.", fix)

    def headers(self) -> dict[str, str]:
        """The challenge that RFC 6749 asks for."""
        return super().headers() | {"WWW-Authenticate": 'Basic realm="interurbe", charset="UTF-8"'}


class ClientIsRevoked(Conflict):
    """The client was revoked, which is for ever. Make a new client."""

    code = "client-is-revoked"
    title = "The client was revoked."
