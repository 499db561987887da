"""Keep, in a neighbour's view, to which day something holds that began: what the facts of `shared.events.holding` say, done.

Of each thing the view has ``id``, whose it is (``partner``, ``network``), the last day ``valid_to`` (none: open) and ``heard_at``.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Date, bindparam, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import Envelope
from shared.events.holding import GOING_ON, PASSING_ON, STOPPING, WARNING, held, last_day
from shared.handling import BatchHandler, Handlers, whole_batch

_LAST: Final = bindparam("last_day", type_=Date)


def following(view: type[Any]) -> Handlers:
    """The handlers that keep this view in step with everything that is told of a thing after it began."""
    known = view.__table__.c
    # Never a later day than the one that is known: what is suspended is not brought back by its end.
    stopped, goes_on = _until(view, func.least(known.valid_to, _LAST)), _until(view, _LAST)
    # A grace is known before it comes; not of what is suspended, whose last day here is another than its own.
    warned = _until(view, _LAST, known.valid_to == bindparam("own_last", type_=Date))
    return (
        dict.fromkeys(STOPPING, stopped)
        | dict.fromkeys(GOING_ON, goes_on)
        | dict.fromkeys(WARNING, warned)
        | dict.fromkeys(PASSING_ON, _another_s(view))
    )


def _until(view: type[Any], last: ColumnElement[Any], only: ColumnElement[bool] | None = None) -> BatchHandler:
    changing = update(view).where(view.__table__.c.id == bindparam("changed"))
    changing = (changing if only is None else changing.where(only)).values(valid_to=last, heard_at=bindparam("heard"))

    @whole_batch
    async def kept(session: AsyncSession, facts: list[Envelope]) -> None:
        await (await session.connection()).execute(changing, [_days(fact, own=only is not None) for fact in facts])

    return kept


def _another_s(view: type[Any]) -> BatchHandler:
    sides: dict[str, Any] = {"partner": bindparam("whose"), "network": bindparam("of"), "heard_at": bindparam("heard")}
    moving = update(view).where(view.__table__.c.id == bindparam("moved")).values(sides)

    @whole_batch
    async def kept(session: AsyncSession, facts: list[Envelope]) -> None:
        await (await session.connection()).execute(moving, [_sides(fact) for fact in facts])

    return kept


def _days(fact: Envelope, *, own: bool) -> dict[str, Any]:
    said: Any = fact.data
    row = {"changed": held(said), "last_day": last_day(said), "heard": fact.time}
    return row | ({"own_last": said.valid_to} if own else {})


def _sides(fact: Envelope) -> dict[str, Any]:
    said: Any = fact.data
    return {"moved": held(said), "whose": said.partner, "of": said.network, "heard": fact.time}
