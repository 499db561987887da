"""Refusals that only HTTP knows: too large, too slow, not spoken here, not repeated as it was."""

from shared.refusals import Conflict, Invalid, Malformed, Refusal, Unavailable


class MethodNotAllowed(Refusal):
    """The path exists and does not know this method. ``Allow`` lists the ones it knows."""

    status = 405
    code = "method-not-allowed"
    title = "The path does not know this method."

    def headers(self) -> dict[str, str]:
        """The methods that the path knows."""
        return {"Allow": ", ".join(str(method) for method in self.allowed)}

    @property
    def allowed(self) -> list[str]:
        """Methods in alphabetical order."""
        given = self.extra.get("allowed")
        return sorted(str(method) for method in given) if isinstance(given, list) else []


class NoSuchPath(Refusal):
    """No resource has this path. The API's own description, ``/openapi.json``, lists all of them."""

    status = 404
    code = "no-such-path"
    title = "No resource has this path."


class SlowBody(Refusal):
    """The request's body stopped arriving. Send it again at once, without pauses."""

    status = 408
    code = "slow-body"
    title = "The request's body did not arrive in time."

    def headers(self) -> dict[str, str]:
        """The rest of the body is not waited for."""
        return {"Connection": "close"}


class TooLarge(Refusal):
    """The request's body has too many bytes. Send less at once, or large things by reference (an address and a digest)."""

    status = 413
    code = "too-large"
    title = "The request's body is too large."

    def headers(self) -> dict[str, str]:
        """The rest of the body is not read."""
        return {"Connection": "close"}


class TooMuchToTell(Refusal):
    """What happened would be too large to tell other systems. Shorten the texts, or give large things by reference."""

    status = 413
    code = "too-much-to-tell"
    title = "What happened is too large to be told."


class AddressTooLong(Refusal):
    """The path and query are too long. Send fewer or shorter parameters."""

    status = 414
    code = "address-too-long"
    title = "The address is too long."


class UnsupportedMedia(Refusal):
    """The body is in a form that is not read here. Send ``Content-Type: application/json``, uncompressed."""

    status = 415
    code = "unsupported-media"
    title = "The body's form is not read here."


class HeadersTooLarge(Refusal):
    """The request has too many header fields, or too many bytes in them."""

    status = 431
    code = "headers-too-large"
    title = "The request's header fields are too large."


class TooComplex(Malformed):
    """The JSON is nested too deeply or has too many members. Send a flatter or smaller document."""

    code = "too-complex"
    title = "The JSON document is too complex."


class IdempotencyKeyRequired(Malformed):
    """A POST carries an ``Idempotency-Key``: a text of your own, new for every new thing, the same when you try again."""

    code = "idempotency-key-required"
    title = "The request needs an Idempotency-Key."


class IdempotencyKeyReused(Invalid):
    """The ``Idempotency-Key`` was used for another request in the last 24 hours. Use a new key for a new request."""

    code = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another request."


class IdempotencyKeyInUse(Conflict):
    """The first request with this ``Idempotency-Key`` is still being worked on. Try again after ``Retry-After`` seconds."""

    code = "idempotency-key-in-use"
    title = "The first request with this Idempotency-Key is still running."

    def headers(self) -> dict[str, str]:
        """When to come back, in seconds."""
        return {"Retry-After": "1"}


class ShownOnce(Conflict):
    """The request was done before, and its answer held a secret that is shown once and not kept. Make a new secret."""

    code = "shown-once"
    title = "The answer was shown once and is not kept."


class IfMatchMalformed(Malformed):
    """``If-Match`` holds one strong entity tag, exactly as it was read from ``ETag``: for example ``"7"``."""

    code = "if-match-malformed"
    title = "If-Match cannot be read."


class BadCursor(Malformed):
    """A cursor is opaque: follow the ``next`` link as it was given, or start again without one."""

    code = "bad-cursor"
    title = "The cursor cannot be read."


class TookTooLong(Unavailable):
    """The request took longer than the service allows and was given up; nothing was changed. Try again later."""

    code = "took-too-long"
    title = "The request took too long."


class Failed(Refusal):
    """Something is wrong in the service itself. Tell its operator the ``trace_id``; trying again may help."""

    status = 500
    code = "internal-error"
    title = "Something went wrong in the service."
