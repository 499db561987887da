"""From rows of the queue to bytes: renderings kept in the database and at hand, each reader's own words put in."""

import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from functools import lru_cache
from typing import Any

import asyncpg
import structlog
from opentelemetry.trace import SpanContext

from services.notifications.alerts.wording import why
from services.notifications.mail import queue
from services.notifications.mail.letters import Prepared, Reader, Words, encoded, rfc_date
from services.notifications.mail.rendering import Templates
from services.notifications.messages.models import CONFIRMATION
from shared.events.partners import Names
from shared.telemetry import span_context

MOST_PREPARED = 256
MOST_REASONS = 1024

_log = structlog.get_logger("interurbe.mail")

Key = tuple[str, str, str]
"""Event, template, language; a confirmation belongs to no event."""


@dataclass(slots=True)
class Letter:
    """One mail on its way: what its row says, and how far it is."""

    id: str
    key: Key
    subscriber: str
    email: str
    token: str
    secret: str | None
    why: str | None
    attempts: int
    since: datetime
    parent: SpanContext | None
    taken_at: datetime
    held_until: datetime


@dataclass(slots=True)
class _Ready:
    prepared: Prepared
    names: Mapping[str, Names]
    reasons: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)


def letter_of(row: asyncpg.Record, taken_at: datetime, held_until: datetime) -> Letter:
    """The letter in a claimed row."""
    event = queue.NO_EVENT if row["template"] == CONFIRMATION else row["event_id"]
    return Letter(
        id=row["id"],
        key=(event, row["template"], row["language"]),
        subscriber=row["subscriber_id"],
        email=row["email"],
        token=row["token"],
        secret=row["secret"],
        why=row["why"],
        attempts=row["attempts"],
        since=row["since"],
        parent=_parent(row["traceparent"], row["tracestate"]),
        taken_at=taken_at,
        held_until=held_until,
    )


@lru_cache(maxsize=64)
def _parent(traceparent: str | None, tracestate: str | None) -> SpanContext | None:
    """All mails about one fact have the same."""
    return span_context(traceparent, tracestate)


class Composer:
    """Knows who mails come from, where pages are, and the latest renderings."""

    def __init__(self, templates: Templates, sender: Address, public_url: str) -> None:
        self._templates = templates
        self._sender = sender
        self._links = {page: encoded(f"{public_url}/{page}/") for page in ("preferences", "unsubscribe", "confirm")}
        self._unsubscribe = f"{public_url}/unsubscribe/".encode()
        self._ready: dict[Key, _Ready] = {}

    async def prepare(self, connection: queue.Connection, letters: Iterable[Letter], now: datetime) -> dict[Key, str]:
        """Have the words of all letters at hand, rendering what nobody has rendered; the keys that cannot be, with what is wrong."""
        missing = {letter.key for letter in letters} - self._ready.keys()
        if not missing:
            return {}
        kept = await queue.kept_words(connection, (event for event, _, _ in missing))
        noticed = await queue.notices(connection, (event for event, _, _ in missing))
        troubles: dict[Key, str] = {}
        for key in sorted(missing):
            try:
                words = kept.get(key) or self._rendered(key, noticed)
            except Exception as error:  # noqa: BLE001 - a template or a fact with a defect stops the mails of this key alone
                _log.exception("a message cannot be rendered", event_id=key[0], template=key[1], language=key[2])
                troubles[key] = f"cannot be rendered: {type(error).__name__}: {error}"[:500]
                continue
            if key not in kept:
                await queue.keep_words(connection, key[0], words, now)
            self._keep(key, _Ready(Prepared(words, self._sender), noticed.get(key[0], {}).get("names", {})))
        return troubles

    def bytes_of(self, letter: Letter, now: datetime) -> bytes:
        """The whole mail."""
        ready = self._ready[letter.key]
        trace = f"{letter.parent.trace_id:032x}" if letter.parent else None
        own = self._action(letter) if letter.secret else self._footer(letter, ready)
        return ready.prepared.bytes_for(Reader(letter.id, letter.email, trace, own), rfc_date(now.replace(microsecond=0)))

    def _rendered(self, key: Key, noticed: Mapping[str, dict[str, Any]]) -> Words:
        event, template, language = key
        return self._templates.confirmation(language) if template == CONFIRMATION else self._templates.notice(noticed[event], language)

    def _keep(self, key: Key, ready: _Ready) -> None:
        if len(self._ready) >= MOST_PREPARED:
            del self._ready[next(iter(self._ready))]
        self._ready[key] = ready

    def _action(self, letter: Letter) -> dict[str, tuple[bytes, bytes]]:
        link = self._link("confirm", str(letter.secret).encode())
        return {"action": (link, link)}

    def _footer(self, letter: Letter, ready: _Ready) -> dict[str, tuple[bytes, bytes]]:
        token = letter.token.encode()
        choose, leave = self._link("preferences", token), self._link("unsubscribe", token)
        return {
            "reason": self._reason(letter.why or "{}", letter.key[2], ready),
            "preferences": (choose, choose),
            "unsubscribe": (leave, leave),
            "unsubscribe_url": (self._unsubscribe + token, b""),
        }

    def _link(self, page: str, token: bytes) -> bytes:
        """A token is made of letters that quoted-printable leaves alone."""
        return self._links[page] + token + b"=\r\n"

    def _reason(self, matched: str, language: str, ready: _Ready) -> tuple[bytes, bytes]:
        known = ready.reasons.get(matched)
        if known is None:
            words = why(json.loads(matched), ready.names, language)
            known = (encoded(words), encoded(html.escape(words)))
            if len(ready.reasons) < MOST_REASONS:
                ready.reasons[matched] = known
        return known
