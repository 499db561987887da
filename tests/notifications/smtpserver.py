"""A mail server that does what a test tells it to: take mails, refuse them at any command, close or say nothing at any point."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

from tests.fixtures import tally

CLOSE, RESET, STALL = "close", "reset", "stall"
"""What a script may answer instead of a reply: close the connection, cut it, or say nothing for ever."""

Script = Callable[[str, str], str | None]
"""From a command (`MAIL`, `RCPT`, `DATA`, `.`, `CONNECT`) and the recipient so far to the answer; None is the usual one."""

USUAL = {
    "CONNECT": "220 mail.test", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", "DATA": "354 go ahead", ".": "250 2.0.0 Ok: queued",
    "RSET": "250 Ok",
}  # fmt: skip


def kindly(command: str, to: str) -> str | None:
    """The script that has nothing against anything."""
    return None


@dataclass(frozen=True, repr=False)
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


@dataclass(repr=False)
class MailServer:
    """`mails` are those taken over (answered or not), `heard` every command; `script` decides on answers."""

    pipelining: bool = True
    size: int | None = None
    script: Script = kindly
    mails: list[Mail] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def start(self, port: int = 0) -> None:
        """Listen on a port, a free one unless it is named."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._arrived, self._stopped = asyncio.Event(), asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=10_000_000)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and drop every connection."""
        self._server.close()
        self._stopped.set()
        self.drop()
        await self._server.wait_closed()

    def drop(self) -> None:
        """Cut every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def holds(self, mails: int) -> None:
        """Return when so many mails have come, answered or not."""
        async with asyncio.timeout(10):
            while len(self.mails) < mails:
                self._arrived.clear()
                await self._arrived.wait()

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
        envelope = {"MAIL": "", "RCPT": ""}
        going = await self._answer(writer, "CONNECT", "")
        while going and (line := (await reader.readline()).decode("latin-1").rstrip("\r\n")):
            verb = line[:4].upper()
            self.heard.append(line)
            if verb == "MAIL":
                tally.one_more()
            if verb in ("EHLO", "HELO"):
                writer.write(self._extensions())
                continue
            if verb in envelope:
                envelope[verb] = line.partition("<")[2].partition(">")[0]
            if verb in ("RCPT", "DATA") and not envelope.get(f"{verb} may"):
                writer.write(b"503 5.5.1 bad sequence of commands\r\n")
                continue
            going = verb != "QUIT" and await self._answer(writer, verb, envelope["RCPT"])
            envelope["RCPT may" if verb == "MAIL" else "DATA may"] = "yes" if self._said.startswith("250") else ""
            if going and self._said.startswith("354"):
                going = await self._take(reader, writer, envelope)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, envelope: dict[str, str]) -> bool:
        """Read a content; it counts as taken over unless the answer, if there is one, is a refusal."""
        mail = Mail(envelope["MAIL"], envelope["RCPT"], await _content(reader))
        self.mails.append(mail)
        self._arrived.set()
        going = await self._answer(writer, ".", mail.to)
        if self._said[0] in "45":
            self.mails.remove(mail)
        return going

    async def _answer(self, writer: asyncio.StreamWriter, verb: str, to: str) -> bool:
        """Answer as the script says; False ends the conversation."""
        self._said = self.script(verb, to) or USUAL[verb]
        if self._said == STALL:
            await self._stopped.wait()
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
