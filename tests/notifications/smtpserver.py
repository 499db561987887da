"""A mail server that does what a test tells it to: take mails, refuse them at any command, close or say nothing at any point."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

CLOSE, RESET, STALL = "close", "reset", "stall"
"""What a script may answer instead of a reply: close the connection, cut it, or say nothing for ever."""

Script = Callable[[str, str], str | None]
"""From a command (`MAIL`, `RCPT`, `DATA`, `.`, `CONNECT`) and the recipient so far to the answer; None is the usual one."""

USUAL = {"MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", "DATA": "354 go ahead", ".": "250 2.0.0 Ok: queued", "RSET": "250 Ok", "CONNECT": "220 mail.test"}


@dataclass(frozen=True)
class Mail:
    """A mail the server took over."""

    sender: str
    to: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def body(self, kind: str = "plain") -> str:
        """Its text, or its HTML."""
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class MailServer:
    """`mails` are those taken over (answered or not), `heard` every command; `script` decides on answers."""

    pipelining: bool = True
    size: int | None = None
    script: Script = lambda command, to: None
    mails: list[Mail] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def start(self) -> None:
        """Listen on a free port."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=10_000_000)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and drop every connection."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    def to(self, address: str) -> list[Mail]:
        """The mails to one address."""
        return [mail for mail in self.mails if mail.to == address]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._converse(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = to = ""
        if not await self._answer(writer, "CONNECT", ""):
            return
        while line := (await reader.readline()).decode("latin-1").rstrip("\r\n"):
            verb = line[:4].upper()
            self.heard.append(line)
            if verb in ("EHLO", "HELO"):
                writer.write(self._extensions())
                continue
            if verb == "QUIT":
                return
            if verb == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
            if verb == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
            if not await self._answer(writer, verb, to):
                return
            if verb == "DATA" and self._said.startswith("354"):
                raw = await reader.readuntil(b".\r\n") if to == "" else await _content(reader)
                self.mails.append(Mail(sender, to, raw))
                if not await self._answer(writer, ".", to):
                    return
                if not self._said.startswith("2"):
                    self.mails.pop()

    async def _answer(self, writer: asyncio.StreamWriter, verb: str, to: str) -> bool:
        """Answer as the script says; False ends the conversation."""
        self._said = self.script(verb, to) or USUAL[verb]
        if self._said == STALL:
            await asyncio.Event().wait()
        if self._said == RESET:
            writer.transport.abort()
        if self._said in (CLOSE, RESET):
            return False
        writer.write(self._said.encode() + b"\r\n")
        return True

    def _extensions(self) -> bytes:
        names = ["mail.test"] + ["PIPELINING"] * self.pipelining + ([f"SIZE {self.size}"] if self.size else [])
        return b"".join(f"250{'-' if place < len(names) - 1 else ' '}{name}\r\n".encode() for place, name in enumerate(names))


async def _content(reader: asyncio.StreamReader) -> bytes:
    lines = []
    while (line := await reader.readline()) != b".\r\n":
        if not line:
            raise asyncio.IncompleteReadError(b"", None)
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)
