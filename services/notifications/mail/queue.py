"""The queue of mails in the database: claimed in batches, checked once more, marked in batches.

A claim ends by itself (``claimed_until``), so the mails of a sender that died become due again, and whoever takes them up
knows by the old ``claim`` that they may have been sent.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from services.notifications.mail.letters import Words
from services.notifications.messages.models import CONFIRMATION
from services.notifications.subscriptions.views import FITS, MAY_SEE, WAITS

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

_WAITING = "status IN ('queued', 'deferred')"
_DUE = f"{_WAITING} AND next_attempt_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)"

# The digits of a confirmation's rendering: its words are the same for everybody, so they belong to no event.
NO_EVENT = "00000000-0000-0000-0000-000000000000"

_CLAIM = f"""
WITH taken AS (
  UPDATE message m SET claim = $3, claimed_until = $2,
    attempts = m.attempts + (m.claim IS NOT NULL)::int, ambiguous = m.ambiguous + (m.claim IS NOT NULL)::int,
    history = CASE WHEN m.claim IS NULL THEN m.history ELSE m.history || jsonb_build_object('number', m.attempts + 1, 'outcome', 'unknown',
      'ambiguous', true, 'words', 'the sender ended before it could say what became of this attempt') END
  WHERE m.ctid = ANY(ARRAY(SELECT ctid FROM message WHERE {_DUE} ORDER BY next_attempt_at LIMIT $4 FOR UPDATE SKIP LOCKED))
  RETURNING m.id, m.event_id, m.template, m.language, m.subscriber_id, m.why, m.secret, m.attempts, m.created_at,
    m.traceparent, m.tracestate
)
SELECT t.id::text AS id, t.event_id::text AS event_id, t.template, t.language, t.subscriber_id::text AS subscriber_id, t.why, t.secret,
  t.attempts, t.traceparent, t.tracestate,
  coalesce(n.occurred_at, t.created_at) AS since, b.email, l.token,
  CASE WHEN t.template = '{CONFIRMATION}' THEN CASE WHEN b.state = 'suppressed' THEN b.state END
       WHEN b.state <> 'confirmed' THEN b.state
       WHEN v.may IS NULL THEN 'no-subscription' WHEN NOT v.may THEN 'not-visible' WHEN NOT v.ready THEN 'pending' END AS skip
FROM taken t
JOIN subscriber b ON b.id = t.subscriber_id
JOIN subscriber_link l ON l.subscriber_id = b.id
LEFT JOIN notice n ON n.event_id = t.event_id
CROSS JOIN (SELECT CAST(CAST($1 AS timestamptz) AT TIME ZONE 'UTC' AS date) AS day) d
LEFT JOIN LATERAL (
  SELECT bool_or(seen.may) AS may, bool_or(seen.may AND NOT seen.waits) AS ready
  FROM subscription s CROSS JOIN LATERAL (SELECT {MAY_SEE} AS may, {WAITS} AS waits) seen
  WHERE s.subscriber_id = b.id AND {FITS}
) v ON true
"""  # noqa: S608 - put together from constants of this service

_ACCEPTED = f"""
UPDATE message m SET status = 'submitted', reason = NULL, attempts = m.attempts + 1, claim = NULL, claimed_until = NULL,
  finished_at = r.ended, secret = NULL, history = m.history || jsonb_build_object('number', m.attempts + 1, 'at', r.began,
    'ended_at', r.ended, 'outcome', 'submitted', 'stage', 'content', 'code', r.code, 'words', r.words, 'ambiguous', false)
FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::int[], $5::text[]) AS r(id, began, ended, code, words)
WHERE m.id = r.id AND m.{_WAITING}
"""  # noqa: S608 - put together from constants of this service

_OTHERWISE = f"""
UPDATE message m SET status = coalesce(r.status, m.status), reason = r.reason, last_error = coalesce(r.error, m.last_error),
  attempts = m.attempts + r.tried, ambiguous = m.ambiguous + r.ambiguous, claim = NULL, claimed_until = NULL,
  next_attempt_at = coalesce(r.next, m.next_attempt_at), finished_at = r.finished,
  history = CASE WHEN r.entry IS NULL THEN m.history ELSE m.history || r.entry END,
  secret = CASE WHEN r.finished IS NULL THEN m.secret END
FROM jsonb_to_recordset($1) AS r(
  id uuid, status text, reason text, error text, tried int, ambiguous int, next timestamptz, finished timestamptz, entry jsonb)
WHERE m.id = r.id AND m.{_WAITING} AND m.claim = $2
"""  # noqa: S608 - put together from constants of this service

_EXPIRE = f"""
UPDATE message SET status = 'failed', reason = 'expired', finished_at = $1, secret = NULL
WHERE {_WAITING} AND claim IS NULL AND expires_at <= $1
"""  # noqa: S608 - put together from constants of this service
_SUPPRESS = "UPDATE subscriber SET state = 'suppressed', version = version + 1 WHERE id = ANY($1) AND state <> 'suppressed'"
_RENEW = "UPDATE message SET claimed_until = $2 WHERE id = ANY($1) AND claim = $3"
_WORDS = "SELECT event_id, template, language, subject, text, html FROM rendering WHERE event_id = ANY($1)"
_NOTICES = (
    "SELECT event_id, type, template, data, names, visibility, "
    "(SELECT timezone FROM known_partner WHERE id = CAST(data->>'partner' AS uuid)) AS timezone "
    "FROM notice WHERE event_id = ANY($1)"
)
_KEEP_WORDS = (
    "INSERT INTO rendering (event_id, template, language, subject, text, html, rendered_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Hold:
    """Whose claim it is, how many mails it asks for, and until when it holds."""

    sender: str
    limit: int
    until: datetime


class Accepted(NamedTuple):
    """A mail the server took over: the message, from when to when that took, and what the server said."""

    id: str
    began: datetime
    ended: datetime
    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What else is to be written on a message. ``status`` None leaves it as it was: it was not tried and is due again at ``next``."""

    id: str
    status: str | None = None
    reason: str | None = None
    error: str | None = None
    tried: int = 0
    ambiguous: int = 0
    next: datetime | None = None
    finished: datetime | None = None
    entry: dict[str, Any] | None = None

    def row(self) -> dict[str, Any]:
        """The same as the statement takes it."""
        next_, finished = (moment and moment.isoformat() for moment in (self.next, self.finished))
        return {
            "id": self.id,
            "status": self.status,
            "reason": self.reason,
            "error": self.error,
            "tried": self.tried,
            "ambiguous": self.ambiguous,
            "next": next_,
            "finished": finished,
            "entry": self.entry,
        }


@dataclass(slots=True)
class Written:
    """What waits to be written: mails accepted, other marks, and the subscribers whose addresses do not exist."""

    sender: str
    accepted: list[Accepted] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    suppressed: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.accepted) + len(self.marks)


async def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a mail waits to be sent."""
    return bool(await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM message WHERE {_DUE})", now))  # noqa: S608 - a constant


async def by_key_alone(connection: Connection) -> None:
    """Have every statement of the queue planned once, and to go by keys: right for a queue of millions, and soon faster for any."""
    await connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
    await connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")


async def expire(connection: Connection, now: datetime) -> None:
    """Give up what was tried for long enough, also while the mail server is away."""
    await connection.execute(_EXPIRE, now)


async def renew(connection: Connection, ids: Sequence[str], sender: str, until: datetime) -> None:
    """Hold on to mails that are still under way."""
    await connection.execute(_RENEW, ids, until, sender)


async def turn(connection: Connection, written: Written, hold: Hold | None, now: datetime) -> list[asyncpg.Record]:
    """Write what became of mails, and take the next that are due, the longest due first: one transaction, one wait for the disk.

    Each row says all that its mail needs, and ``skip`` why it is not to be sent after all. That a mail was accepted is true
    whoever holds it by now; anything else is for the sender that holds it to say.
    """
    if not len(written):
        return await _claim(connection, hold, now)
    async with connection.transaction():
        await _mark(connection, written)
        return await _claim(connection, hold, now)


async def _claim(connection: Connection, hold: Hold | None, now: datetime) -> list[asyncpg.Record]:
    return list(await connection.fetch(_CLAIM, now, hold.until, hold.sender, hold.limit)) if hold is not None else []


async def _mark(connection: Connection, written: Written) -> None:
    if written.accepted:
        await connection.execute(_ACCEPTED, *map(list, zip(*written.accepted, strict=True)))
    if written.marks:
        rows = json.dumps([each.row() for each in written.marks], ensure_ascii=False).replace("\\u0000", "")
        await connection.execute(_OTHERWISE, rows, written.sender)
    if written.suppressed:
        await connection.execute(_SUPPRESS, sorted(written.suppressed))


async def kept_words(connection: Connection, events: Iterable[str]) -> dict[tuple[str, str, str], Words]:
    """The renderings there are of these events, by (event, template, language)."""
    rows = await connection.fetch(_WORDS, sorted(set(events)))
    words = (Words(row["template"], row["language"], row["subject"], row["text"], row["html"]) for row in rows)
    return {(str(row["event_id"]), said.template, said.language): said for row, said in zip(rows, words, strict=True)}


async def notices(connection: Connection, events: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The notices of these events, with the time zone of the one partner each is about, where there is one and it is known."""
    rows = await connection.fetch(_NOTICES, sorted(set(events)))
    return {str(row["event_id"]): {**row, "data": json.loads(row["data"]), "names": json.loads(row["names"])} for row in rows}


async def keep_words(connection: Connection, event: str, words: Words, now: datetime) -> None:
    """Keep a rendering, unless another sender has done so."""
    await connection.execute(_KEEP_WORDS, event, words.template, words.language, words.subject, words.text, words.html, now)
