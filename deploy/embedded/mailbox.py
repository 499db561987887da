"""Mails as files: what the sink keeps, how it is listed, and what one mail says."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path

NAME = re.compile(r"[0-9TZ]{10,40}-[0-9]{1,9}-[0-9]{1,9}")
ENVELOPE_FROM = "X-Envelope-From"
ENVELOPE_TO = "X-Envelope-To"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is listed; `received_at` and `date` are ISO 8601 in UTC, `to` the addresses it was delivered to."""

    id: str
    received_at: str
    sender: str
    to: list[str]
    language: str
    subject: str
    date: str
    message_id: str
    size: int

    def as_json(self) -> dict[str, object]:
        """What /mails.json says of it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Content:
    """A mail opened: its headers in order, and what it says as text and as HTML ("" when it has no such part)."""

    mail: Mail
    headers: list[tuple[str, str]]
    text: str
    html: str

    def as_json(self) -> dict[str, object]:
        """What /mails/ID.json says."""
        return asdict(self)


class Mailbox:
    """A directory of .eml files, oldest first by name; a mail is there completely or not at all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._numbers = count(1)
        self._listed: dict[str, Mail] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes, sender: str, recipients: Sequence[str]) -> str:
        """Writes a mail with its envelope on top; returns its id."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{os.getpid()}-{next(self._numbers)}"
        envelope = f"{ENVELOPE_FROM}: {_one_line(sender)}\r\n{ENVELOPE_TO}: {_one_line(', '.join(recipients))}\r\n"
        growing = self.directory / f".{name}.part"
        growing.write_bytes(envelope.encode() + content)
        growing.rename(self._path(name))
        return name

    def mails(self) -> list[Mail]:
        """Every mail, newest first."""
        names = sorted((path.stem for path in self.directory.glob("*.eml") if NAME.fullmatch(path.stem)), reverse=True)
        self._listed = {name: self._listed.get(name) or self._read(name) for name in names}
        return list(self._listed.values())

    def open(self, name: str) -> Content | None:
        """One mail, or None when there is none of this id."""
        raw = self.raw(name)
        if raw is None:
            return None
        message = message_from_bytes(raw, policy=policy.default)
        headers = [(key, str(value)) for key, value in message.items() if not key.startswith("X-Envelope-")]
        return Content(_mail(name, message, len(raw)), headers, _part(message, "plain"), _part(message, "html"))

    def raw(self, name: str) -> bytes | None:
        """The file as it lies there, or None."""
        if not NAME.fullmatch(name) or not self._path(name).is_file():
            return None
        return self._path(name).read_bytes()

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.eml"

    def _read(self, name: str) -> Mail:
        raw = self._path(name).read_bytes()
        return _mail(name, message_from_bytes(raw, policy=policy.default), len(raw))


def _mail(name: str, message: EmailMessage, size: int) -> Mail:
    moment = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    date = message["Date"]
    sent = getattr(date, "datetime", None)
    return Mail(
        id=name,
        received_at=moment.isoformat(timespec="milliseconds"),
        sender=str(message[ENVELOPE_FROM] or ""),
        to=[address.strip() for address in str(message[ENVELOPE_TO] or "").split(",") if address.strip()],
        # A multipart mail may name the language on its parts only.
        language=next((str(part["Content-Language"]) for part in message.walk() if part["Content-Language"]), ""),
        subject=str(message["Subject"] or ""),
        date=sent.isoformat() if sent else str(date or ""),
        message_id=str(message["Message-ID"] or ""),
        size=size,
    )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, UnicodeError):  # an unknown charset must not hide the rest of the mail
        return str(body.get_payload())


def _one_line(text: str) -> str:
    return " ".join(text.split())
