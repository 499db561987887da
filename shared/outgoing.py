"""A row of the outbox as what the bus takes, and what is told of it in traces."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
from pydantic_core import from_json

from shared.bus import BusError, HeldBack, Record, RecordRefused
from shared.telemetry.messaging import Sent


def as_record(row: asyncpg.Record) -> Record | RecordRefused:
    """The row as a record; one that was spoilt by hand is refused like one the bus refuses, instead of stopping all."""
    try:
        headers = [(name, value.encode()) for name, value in from_json(row["headers"])]
    except (AttributeError, TypeError, ValueError) as error:
        return RecordRefused(f"the row's headers are no list of names and texts: {error}")
    return Record(topic=row["topic"], key=row["key"].encode(), headers=headers, value=row["payload"])


def unsent(record: Record | RecordRefused) -> BusError:
    """Why a row was not sent: its own fault, or that of another one of its subject."""
    return record if isinstance(record, RecordRefused) else HeldBack("not sent: another fact of its subject cannot be")


def sent(whole: Sequence[tuple[asyncpg.Record, Record]], outcomes: Sequence[BusError | None]) -> list[Sent]:
    """What the traces tell of a batch and its outcomes."""
    return [
        Sent(topic=row["topic"], type=row["type"], subject=row["subject"], headers=record.headers, created_at=row["created_at"],
             attempt=row["attempts"] + 1, error=None if outcome is None else type(outcome).__name__)
        for (row, record), outcome in zip(whole, outcomes, strict=True)
    ]  # fmt: skip
