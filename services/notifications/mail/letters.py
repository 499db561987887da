"""The bytes of a mail: everything that is the same for all its readers prepared once, each one's own put in between.

Text and HTML are quoted-printable, so that no server on the way has to change a byte. In that encoding a line may be broken
anywhere by ``=`` and a line break, which is how a reader's own words are put into bytes that were encoded long before.
"""

import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from services.notifications.messages.models import CONFIRMATION

SLOTS = ("reason", "preferences", "unsubscribe", "action")
"""What differs from reader to reader: why it came, their own two links, and the link of a confirmation."""

_OPEN, _CLOSE = "\ue000", "\ue001"
_SLOT = re.compile(f"{_OPEN}([a-z]+){_CLOSE}")
_SAFE_ADDRESS = re.compile(r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~.-]+@[0-9A-Za-z.-]+")
_LEADING_DOT = re.compile(rb"(?m)^\.")


def slot(name: str) -> str:
    """The mark of a reader's own words in a rendered text; no partner's text can hold it, see `unmarked`."""
    return f"{_OPEN}{name}{_CLOSE}"


def unmarked(text: str) -> str:
    """The text without the two characters that make marks."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def is_safe(address: str) -> bool:
    """Whether an address can stand in an envelope and in a header as it is: one address of plain atoms (RFC 5322), nothing else."""
    return _SAFE_ADDRESS.fullmatch(address) is not None


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in one language, as it is kept; ``subject`` is one line."""

    template: str
    language: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom one mail is for: the message's id, the address, the trace, and the words for each slot (text, HTML)."""

    message: str
    email: str
    trace_id: str | None
    own: Mapping[str, tuple[bytes, bytes]]


class Prepared:
    """Words made ready to be sent to any number of readers, from one sender."""

    __slots__ = ("_domain", "_head", "_pieces")

    def __init__(self, words: Words, sender: Address) -> None:
        boundary = "=_" + hashlib.sha256(f"{words.template} {words.language} {words.text}".encode()).hexdigest()[:32]
        self._domain = sender.domain
        self._head = _common_head(words, sender, boundary)
        self._pieces = _pieces(words, boundary)

    def bytes_for(self, reader: Reader, date: bytes) -> bytes:
        """The whole mail for DATA, dots doubled and the final dot included; ``date`` as `rfc_date` gives it."""
        own = reader.own
        parts = [b"Message-ID: <", reader.message.encode(), b"@", self._domain.encode(), b">\r\nDate: ", date]
        parts += [b"\r\nTo: ", reader.email.encode(), b"\r\n"]
        if "unsubscribe_url" in own:
            parts += [b"List-Unsubscribe: <", own["unsubscribe_url"][0], b">\r\n"]
        if reader.trace_id:
            parts += [b"X-Trace-Id: ", reader.trace_id.encode(), b"\r\n"]
        parts.append(self._head)
        for piece in self._pieces:
            parts.append(piece if isinstance(piece, bytes) else own[piece[0]][piece[1]])
        return b"".join(parts)


@lru_cache(maxsize=4)
def rfc_date(now: datetime) -> bytes:
    """The Date header's text; ``now`` cut to the second so that it is made once for many."""
    return format_datetime(now).encode()


def encoded(value: str) -> bytes:
    """A reader's own words in quoted-printable, between two soft line breaks."""
    return b"=\r\n" + _LEADING_DOT.sub(b"=2E", _quoted(value)) + b"=\r\n"


def _common_head(words: Words, sender: Address, boundary: str) -> bytes:
    head = EmailMessage(policy=SMTP)
    head["From"] = sender
    head["List-Id"] = f"Interurbe <{words.template.replace('_', '-')}.{sender.domain}>"
    if words.template != CONFIRMATION:
        head["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    head["Auto-Submitted"] = "auto-generated"
    head["X-Auto-Response-Suppress"] = "All"
    head["Content-Language"] = words.language
    head["MIME-Version"] = "1.0"
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
    return head.as_bytes().removesuffix(b"\r\n") + _subject(words.subject) + kind.encode()


def _subject(text: str) -> bytes:
    """The Subject header: all of it in encoded words (RFC 2047) when it is not plain ASCII.

    EmailMessage encodes word by word and loses or doubles spaces where such a line is folded (Python 3.11).
    """
    charset = "us-ascii" if text.isascii() else "utf-8"
    return b"Subject: " + Header(text, charset, header_name="Subject").encode(linesep="\r\n").encode("ascii") + b"\r\n"


def _pieces(words: Words, boundary: str) -> list[bytes | tuple[str, int]]:
    """What stands between the head and the end: bytes as they are, and (slot, 0 for text or 1 for HTML)."""
    pieces: list[bytes | tuple[str, int]] = []
    for place, (kind, body) in enumerate((("plain", words.text), ("html", words.html))):
        head = f'--{boundary}\r\nContent-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
        pieces.append(head.encode())
        for number, piece in enumerate(_SLOT.split(body)):
            pieces.append((piece, place) if number % 2 else _LEADING_DOT.sub(b"..", _quoted(piece)))
        pieces.append(b"\r\n")
    pieces.append(f"--{boundary}--\r\n.\r\n".encode())
    return pieces


def _quoted(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").encode("utf-8", "replace")
    return binascii.b2a_qp(lines, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
