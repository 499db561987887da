"""One connection to the mail server, spoken in a pipeline: MAIL, RCPT and DATA in one write (RFC 2920).

The library signs in (EHLO, STARTTLS, AUTH); then its transport is handed to a protocol of our own, because one await per
command is what keeps it at a fifth of the speed. Where the server does not announce PIPELINING, commands go one by one.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import aiosmtplib

LONGEST_REPLY = 64 * 1024
_AFTER_CODE = (b" ", b"-", b"\r", b"")


class Reply(NamedTuple):
    """What the server answered to one command: three digits, and the words after them."""

    code: int
    words: str

    @property
    def ok(self) -> bool:
        """Whether the command was done."""
        return 200 <= self.code < 300


class ConnectionEnded(Exception):
    """The connection broke, or the server was silent for too long; ``replies`` came before that."""

    def __init__(self, why: str, replies: list[Reply]) -> None:
        super().__init__(why)
        self.replies = replies


class SignInRefused(Exception):
    """The server does not accept our name and password; trying again soon may lock the account."""


class ServerAway(Exception):
    """The server cannot be reached, or cannot be spoken with as the settings ask."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed to, and how; ``hello`` is the name we give ourselves, ``seconds`` the patience per reply."""

    host: str
    port: int
    hello: str
    tls: str = "none"
    user: str = ""
    password: str = ""
    ca_file: Path | None = None
    seconds: float = 60.0

    async def connect(self) -> "Line":
        """A connection on which mails can be sent; raises `SignInRefused` or `ServerAway`."""
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            local_hostname=self.hello,
            timeout=min(self.seconds, 20.0),
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            tls_context=self._trust(),
            username=self.user or None,
            password=self.password if self.user else None,
        )
        try:
            await client.connect()
            await _greet(client)
        except aiosmtplib.SMTPAuthenticationError as error:
            raise SignInRefused(f"{self.host}:{self.port} answers {error.code} to our name and password") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise ServerAway(f"{self.host}:{self.port}: {error}") from None
        return Line(client, self.seconds)

    def _trust(self) -> ssl.SSLContext | None:
        if self.tls == "none":
            return None
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)


async def _greet(client: aiosmtplib.SMTP) -> None:
    """EHLO, or HELO for a server from before 1995."""
    if not client.is_ehlo_or_helo_needed:
        return
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


class Line(asyncio.Protocol):
    """A signed-in connection: commands out, replies back in order."""

    def __init__(self, client: aiosmtplib.SMTP, seconds: float) -> None:
        self.pipelining = client.supports_extension("pipelining")
        self.size = _size(client.esmtp_extensions.get("size", ""))
        self.ended: str | None = None
        self._transport = cast(asyncio.Transport, client.transport)
        self._transport.set_protocol(self)
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._received = b""
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None

    async def ask(self, commands: bytes, replies: int) -> list[Reply]:
        """Write, and wait for as many replies. Raises `ConnectionEnded` with those that came; the connection is then closed."""
        if self.ended is not None:
            raise ConnectionEnded(self.ended, [])
        self._replies, self._wanted = [], replies
        self._waiter = self._loop.create_future()
        late = self._loop.call_later(self._seconds, self._end, f"no answer within {self._seconds:g} s")
        self._transport.write(commands)
        try:
            await self._waiter
        finally:
            late.cancel()
            self._waiter = None
        return self._replies

    def data_received(self, data: bytes) -> None:
        """Take what came; once all replies wanted are there, let them go."""
        self._received = self._received + data if self._received else data
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            if not line[:3].isdigit() or line[3:4] not in _AFTER_CODE:
                self._end("the server's answer is not SMTP")
                return
            if line[3:4] == b"-":
                continue
            self._replies.append(Reply(int(line[:3]), line[4:].strip().decode("ascii", "replace")))
        if len(self._received) > LONGEST_REPLY:
            self._end("the server's answer is endless")
        elif self._waiter is not None and len(self._replies) >= self._wanted and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._end(f"the connection was lost ({type(exc).__name__})" if exc else "the server closed the connection")

    def quit(self) -> None:
        """Say goodbye and close, without waiting for an answer."""
        if self.ended is None:
            self._transport.write(b"QUIT\r\n")
            self.ended = "we closed the connection"
        self._transport.close()

    def _end(self, why: str) -> None:
        if self.ended is None:
            self.ended = why
            self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionEnded(self.ended, self._replies))


Connect = Callable[[], Awaitable[Line]]
"""Opens a connection; raises `SignInRefused` or `ServerAway`."""


def _size(announced: str) -> int | None:
    """The largest message the server takes, in bytes (RFC 1870); None when it does not say."""
    return int(announced) if announced.isdigit() and int(announced) > 0 else None
