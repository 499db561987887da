"""Business refusals: exceptions that carry their own HTTP status, code and words, and know nothing of HTTP libraries."""

from collections.abc import Iterator
from typing import ClassVar


class Refusal(Exception):
    """What was asked cannot be done; the edge answers it as a problem document (RFC 9457).

    A room declares its own refusals beside the rule they keep, with ``status``, ``code`` (published, never changed),
    ``title`` (one sentence, the same for every occurrence) and a docstring saying what it means and what to do.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused."

    def __init__(self, detail: str, *, field: str | None = None, fix: str | None = None, **extra: object) -> None:
        """Say what went wrong here (``detail``), where (``field``, a JSON pointer) and what to do (``fix``).

        ``extra`` members go into the problem document as they are: never put a secret there.
        """
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.fix = fix
        self.extra = extra

    def headers(self) -> dict[str, str]:
        """Response headers that belong to this refusal."""
        return {}


class Malformed(Refusal):
    """The request could not be read at all. Correct its form before sending it again."""

    status = 400
    code = "malformed"
    title = "The request cannot be read."


class Unauthenticated(Refusal):
    """The caller is not known. Get an access token and send it as ``Authorization: Bearer <token>``."""

    status = 401
    code = "unauthenticated"
    title = "The caller is not known."

    def headers(self) -> dict[str, str]:
        """A challenge, as RFC 6750 asks for."""
        return {"WWW-Authenticate": 'Bearer realm="interurbe"'}


class Forbidden(Refusal):
    """The caller is known and may see the thing, but may not do this to it."""

    status = 403
    code = "forbidden"
    title = "The caller may not do this."


class NotFound(Refusal):
    """There is no such thing, or the caller may not know of it: the answer is the same for both."""

    status = 404
    code = "not-found"
    title = "There is no such thing here."


class Conflict(Refusal):
    """The thing is not in a state that allows this. Read it again and decide anew."""

    status = 409
    code = "conflict"
    title = "The present state does not allow this."


class Gone(Refusal):
    """The thing existed and can no longer be used, like a confirmation link already followed."""

    status = 410
    code = "gone"
    title = "This can no longer be used."


class Stale(Refusal):
    """The thing changed since the caller read it. Read it again, decide anew and send the new ETag in ``If-Match``."""

    status = 412
    code = "stale"
    title = "The thing changed since it was read."


class Invalid(Refusal):
    """The request can be read, but what it says breaks a rule. ``errors`` names each field, its rule and the fix."""

    status = 422
    code = "invalid"
    title = "The request breaks a rule."


class PreconditionRequired(Refusal):
    """A change of an existing thing must say which version it is about: send the ETag you read in ``If-Match``."""

    status = 428
    code = "precondition-required"
    title = "The request must say which version it changes."


class TooManyRequests(Refusal):
    """The caller asked too often. Wait as many seconds as ``Retry-After`` says."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests."

    def headers(self) -> dict[str, str]:
        """When to come back, in seconds."""
        return {"Retry-After": str(self.extra.get("retry_after", 1))}


class Unavailable(Refusal):
    """Something the service needs does not answer now; nothing was changed. Try again with the same Idempotency-Key."""

    status = 503
    code = "unavailable"
    title = "The service cannot answer now."

    def headers(self) -> dict[str, str]:
        """When to come back, in seconds."""
        return {"Retry-After": str(self.extra.get("retry_after", 2))}


def every_refusal() -> Iterator[type[Refusal]]:
    """All classes of refusal that the running process has declared, the general one first."""
    waiting: list[type[Refusal]] = [Refusal]
    while waiting:
        refusal = waiting.pop(0)
        yield refusal
        waiting += refusal.__subclasses__()
