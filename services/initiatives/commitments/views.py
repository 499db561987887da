"""What is asked of commitments: one of them, and those of an agreement, a giver, a receiver."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiatives.commitments.models import Tracker
from services.initiatives.directory.views import survivor_of, visible_to
from shared.auth import Caller
from shared.refusals import NotFound
from shared.survivors import kin_of

_TRACKER = Tracker.__table__.c
_SHOWN = (*(each for each in _TRACKER if each.name not in ("giver", "receiver")),
          survivor_of(_TRACKER.giver).label("giver"), survivor_of(_TRACKER.receiver).label("receiver"))  # fmt: skip
"""A commitment is that of the partners that its giver and its receiver are now, whatever ids they signed it with."""


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
    row = (await reader.execute(select(*_SHOWN).where(_TRACKER.id == commitment_id, seen))).one_or_none()
    if row is None:
        raise NotFound(f"There is no commitment {commitment_id}.", fix="Look the id up with GET /v1/commitments.")
    return row


async def commitments(reader: AsyncConnection, caller: Caller, wanted: Wanted, today: date) -> Sequence[Row[Any]]:
    """Commitments that the caller may know of, in the order of their ids."""
    asked = select(*_SHOWN).where(visible_to(caller, _TRACKER.visibility, _TRACKER.audience, today))
    for name in ("agreement", "state"):
        if (value := getattr(wanted, name)) is not None:
            asked = asked.where(_TRACKER[name] == value)
    for name in ("giver", "receiver"):
        if (value := getattr(wanted, name)) is not None:
            asked = asked.where(_TRACKER[name] == func.any(kin_of([value])))
    if wanted.after is not None:
        asked = asked.where(_TRACKER.id > wanted.after)
    return (await reader.execute(asked.order_by(_TRACKER.id).limit(wanted.limit))).all()
