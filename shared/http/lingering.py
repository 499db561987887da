"""An answer to somebody who is still sending: it goes out at once, and what is still coming is taken, within bounds."""

import asyncio
import contextlib
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MOST_TAKEN: Final = 16 * 1024 * 1024
LONGEST_SECONDS: Final = 2.0


class LingeringResponse(Response):
    """Closing a connection with unread bytes on it resets it, and the client may never read why it was refused.

    So the whole answer is sent first, then the body is read and thrown away, for two seconds and 16 MiB at most.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, take what comes, and end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if "expect" not in Headers(scope=scope):  # who asks first whether to send has not begun, and reading would tell it to
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_SECONDS):
                    await _take(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _take(receive: Receive) -> None:
    taken = 0
    while taken < MOST_TAKEN:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        taken += len(message.get("body", b""))
