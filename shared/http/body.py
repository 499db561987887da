"""The request's body, read within limits: bytes, time, form; and parsed strictly."""

import asyncio
import re
import time
from typing import Any, Final

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from shared.http import strict_json
from shared.http.limits import Limits
from shared.http.refusals import SlowBody, TooLarge, UnsupportedMedia

_JSON: Final = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json(?:\s*;\s*charset\s*=\s*\"?utf-8\"?)?\s*", re.IGNORECASE)
_FORM: Final = re.compile(r"(?:application/x-www-form-urlencoded|multipart/form-data)(?:\s*;.*)?", re.IGNORECASE)


class StrictRequest(Request):
    """A request whose body was already read within limits and whose JSON was parsed strictly."""

    def give(self, body: bytes, parsed: Any) -> None:
        """Let what was read be what the route gets."""
        self._body = body
        self._json = parsed


async def take_body(request: StrictRequest, *, forms: bool = False) -> bytes:
    """Read and parse the body of ``request`` (JSON, or a form where ``forms``); gives its bytes, empty without a body.

    Raises TooLarge, SlowBody, UnsupportedMedia, Malformed or Invalid.
    """
    body = await _read(request)
    if not body:
        request.give(body, None)
        return body
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("The body is compressed.", field="Content-Encoding", fix="Send the body without Content-Encoding.")
    kind = request.headers.get("content-type", "")
    if _JSON.fullmatch(kind):
        request.give(body, strict_json.parse(body))
    elif forms and _FORM.fullmatch(kind):
        request.give(body, None)
    else:
        wanted = "application/x-www-form-urlencoded" if forms else "application/json"
        raise UnsupportedMedia(f"The body must be {wanted}.", field="Content-Type", fix=f"Send Content-Type: {wanted}.")
    return body


async def _read(request: Request) -> bytes:
    limits: Limits = request.scope["app"].state.limits
    coming = announced(request)
    if coming > limits.body:
        raise too_large(coming, limits)
    if coming == 0 and "transfer-encoding" not in request.headers:
        return b""
    started = time.monotonic()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await next_message(request, min(limits.pause, started + limits.body_seconds - time.monotonic()))
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limits.body:
            raise too_large(size, limits)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if len(chunks) > 1 else chunks[0]


def announced(request: Request) -> int:
    """How many bytes the request says its body has; 0 when it does not say."""
    text = request.headers.get("content-length")
    return int(text) if text is not None and text.isdigit() and len(text) < 19 else 0


async def next_message(request: Request, seconds: float) -> Message:
    """What comes next of the body; raises SlowBody after so many ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            message = await request.receive()
    except TimeoutError:
        raise SlowBody("The body stopped arriving.", field="/", fix="Send the whole body without pauses.") from None
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message


def too_large(size: int, limits: Limits) -> TooLarge:
    """The refusal of a body of so many bytes."""
    words = f"The body has {size} bytes or more; at most {limits.body} are read."
    return TooLarge(words, field="/", fix=f"Send at most {limits.body} bytes.", limit=limits.body)
