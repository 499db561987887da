"""What is asked of merges: into whom a partner was merged last, and what passed."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.partners.merging.models import Merge
from services.partners.models import plain
from shared.auth import Caller
from shared.refusals import NotFound

_COLUMNS = tuple(Merge.__table__.c)


async def merge_of(reader: AsyncConnection, caller: Caller, partner: str) -> dict[str, Any]:
    """The last merge of a partner into another, undone or not, as the API tells it; raises NotFound."""
    asked = select(*_COLUMNS).where(Merge.partner == partner).order_by(Merge.at.desc()).limit(1)
    row = (await reader.execute(asked)).mappings().one_or_none()
    if row is None:
        raise no_merge(partner)
    return _told(dict(row), caller)


async def last_merge(session: AsyncSession, partner: str) -> Merge | None:
    """The last merge of a partner into another, undone or not."""
    return await session.scalar(select(Merge).where(Merge.partner == partner).order_by(Merge.at.desc()).limit(1))


def no_merge(partner: str) -> NotFound:
    """The refusal for a partner that was never merged, or that there is not."""
    return NotFound(f"The partner {partner} was never merged into another.", fix="Read the partner with GET /v1/partners/{partner}.")


def told(merge: Merge, caller: Caller) -> dict[str, Any]:
    """A merge that was just written, as the API tells it."""
    return _told({column.key: getattr(merge, column.key) for column in _COLUMNS}, caller)


def _told(row: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """That there was a merge is for everybody to know; what passed is the business of the survivor, and who did it the operator's."""
    left = row["left"]
    said = {name: row[name] for name in ("id", "partner", "into", "at", "reason", "undo_until", "undone_at", "undone_because")}
    said |= {"by": row["client"] if caller.is_admin else None, "moved": None, "left": None}
    if caller.is_admin or caller.partner == row["into"]:
        said["moved"] = {name: len(what) for name, what in row["moved"].items()}
        memberships = [{"membership": one["id"], "instead": one["instead"]} for one in left["memberships"]]
        said["left"] = {"agreements": left["agreements"], "mandates": left["mandates"], "memberships": memberships}
    return plain(said)
