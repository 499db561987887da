"""Entries of the audit, the chain that binds them, and the proof that an export of it is whole."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypedDict, cast

import rfc8785
from sqlalchemy import DDL, BigInteger, Identity, Index, event, text
from sqlalchemy.orm import Mapped, mapped_column

from services.partners.models import Model
from shared.db import Key

LARGEST_LINE: Final = 64 * 1024


class AuditEntry(Model):
    """One change that a known caller made, written in the transaction of the change; ``n`` and the hashes follow with the chain."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_waiting", "seq", postgresql_where=text("n IS NULL")),
        Index("ix_audit_entry_partner", "partner", "n"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    client: Mapped[str]
    partner: Mapped[str] = mapped_column(Key)
    action: Mapped[str]
    subject: Mapped[str]
    outcome: Mapped[str]
    trace_id: Mapped[str | None]
    n: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    prev_hash: Mapped[str | None]
    hash: Mapped[str | None]


GUARD: Final = (
    """
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.hash IS NULL AND NEW.hash IS NOT NULL AND NEW.n IS NOT NULL AND
            (NEW.seq, NEW.at, NEW.client, NEW.partner, NEW.action, NEW.subject, NEW.outcome, NEW.trace_id) IS NOT DISTINCT FROM
            (OLD.seq, OLD.at, OLD.client, OLD.partner, OLD.action, OLD.subject, OLD.outcome, OLD.trace_id) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit only grows: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$""",
    "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_only_grows()",
    "CREATE TRIGGER audit_never_emptied BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
)
"""Nothing of an entry changes but that it is chained, once; nothing is deleted."""

for _statement in GUARD:
    event.listen(AuditEntry.__table__, "after_create", DDL(_statement.replace("%", "%%")))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


class Entry(TypedDict):
    """What the hash of an entry covers; member names are part of the recipe and never change."""

    n: int
    at: str
    client: str
    partner: str
    action: str
    subject: str
    outcome: str
    trace_id: str | None
    prev_hash: str | None


class Broken(ValueError):
    """An export is not what was chained; the message names the first link that is broken."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved of an export: how many entries, from which number to which, and the hash of the last."""

    entries: int
    first: int
    last: int
    hash: str


def hash_of(entry: Entry) -> str:
    """SHA-256, in lower-case hex, over the RFC 8785 form of exactly the members of `Entry`."""
    return sha256(rfc8785.dumps(cast("dict[str, Any]", entry))).hexdigest()


def written(moment: datetime) -> str:
    """A time as the hash covers it: UTC, with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def prove(lines: Iterable[str], *, gaps: bool = False, holds: str | None = None) -> Proof:
    """Follow an export (NDJSON) link by link; with ``gaps`` numbers may be missing, as they are where only one partner's are seen.

    A file that was cut off at its end looks whole: ``holds`` is the hash of an entry that must be in it, as an earlier proof ended.
    Raises `Broken`, which names the first line that is not what was chained.
    """
    wanted = holds
    first: int | None = None
    before: dict[str, Any] | None = None
    count = 0
    for place, line in enumerate(lines, 1):
        entry = _link(place, line)
        if before is not None:
            _must_follow(place, before, entry, gaps)
        first, before, count = entry["n"] if first is None else first, entry, count + 1
        wanted = None if entry["hash"] == wanted else wanted
    if before is None or first is None:
        raise Broken("There is no entry in it.")
    if wanted is not None:
        raise Broken(f"No entry has the hash {wanted}: the file ends, with entry {before['n']}, before it, or is of another chain.")
    return Proof(count, first, before["n"], before["hash"])


def _link(place: int, line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line[:LARGEST_LINE])
    except (ValueError, RecursionError):
        raise Broken(f"Line {place} is not JSON.") from None
    if not isinstance(entry, dict) or set(entry) != {*Entry.__annotations__, "hash"} or not isinstance(entry["n"], int):
        raise Broken(f"Line {place} is not an entry: it has exactly the members {', '.join(Entry.__annotations__)} and hash.")
    said = {name: value for name, value in entry.items() if name != "hash"}
    try:
        found = hash_of(cast("Entry", said))
    except (ValueError, TypeError):
        found = ""
    if found != entry["hash"]:
        raise Broken(f"Line {place}: entry {entry['n']} was changed: its hash is another.")
    return entry


def _must_follow(place: int, before: dict[str, Any], entry: dict[str, Any], gaps: bool) -> None:
    following = before["n"] + 1
    if entry["n"] < following:
        raise Broken(f"Line {place}: entry {entry['n']} stands after entry {before['n']}.")
    if entry["n"] > following:
        if not gaps:
            raise Broken(f"Line {place}: entry {following} is missing.")
    elif entry["prev_hash"] != before["hash"]:
        raise Broken(f"Line {place}: entry {entry['n']} does not follow entry {before['n']}: one of the two was exchanged.")
