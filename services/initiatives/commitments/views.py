"""What is asked of commitments: one of them, and those of an agreement, a giver, a receiver."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiatives.commitments.models import Tracker
from services.initiatives.directory.views import visible_to
from shared.auth import Caller
from shared.refusals import NotFound

_TRACKER = Tracker.__table__.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which commitments a list is about; None does not ask. ``after`` is the last id seen."""

    agreement: str | None = None
    giver: str | None = None
    receiver: str | None = None
    state: str | None = None
    after: str | None = None
    limit: int = 50


async def commitment(reader: AsyncConnection, caller: Caller, commitment_id: str, today: date) -> Row[Any]:
    """A commitment that the caller may know of; raises NotFound."""
    seen = visible_to(caller, _TRACKER.visibility, _TRACKER.audience, today)
    row = (await reader.execute(select(*_TRACKER).where(_TRACKER.id == commitment_id, seen))).one_or_none()
    if row is None:
        raise NotFound(f"There is no commitment {commitment_id}.", fix="Look the id up with GET /v1/commitments.")
    return row


async def commitments(reader: AsyncConnection, caller: Caller, wanted: Wanted, today: date) -> Sequence[Row[Any]]:
    """Commitments that the caller may know of, in the order of their ids."""
    asked = select(*_TRACKER).where(visible_to(caller, _TRACKER.visibility, _TRACKER.audience, today))
    for name in ("agreement", "giver", "receiver", "state"):
        if (value := getattr(wanted, name)) is not None:
            asked = asked.where(_TRACKER[name] == value)
    if wanted.after is not None:
        asked = asked.where(_TRACKER.id > wanted.after)
    return (await reader.execute(asked.order_by(_TRACKER.id).limit(wanted.limit))).all()
