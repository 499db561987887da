"""Whom an id stands for once things were merged: what was told of merges, and the end of each chain of them.

What names one is never written anew: it is read through these rows, so that undoing a merge needs nothing but the news of it, and
a fact that was on its way with the old id still ends right. The end of a chain (A was B, B was C: A is C) is worked out when a merge is
told, for that is rare, and kept, so that whoever asks looks one row up. It follows from the merges alone: their order is all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Cast, bindparam, cast, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Key, upsert
from shared.events import Envelope, PartnerMerged, PartnerMergeUndone

Place = dict[str, Any]
"""Who has a place at a table (its ``partner``), in which role, under which names."""

_LOCK: Final = text("SELECT pg_advisory_xact_lock(444777001)")
"""Two merges told at once settle one after the other, each with the other's in sight."""

_SETTLE: Final = text("""
WITH RECURSIVE chain(id, at, seen) AS (
  SELECT m.id, m.merged_into, ARRAY[m.id] FROM merged_partner m WHERE m.merged_into IS NOT NULL
  UNION ALL
  SELECT c.id, m.merged_into, c.seen || m.id FROM chain c JOIN merged_partner m ON m.id = c.at
  WHERE m.merged_into IS NOT NULL AND NOT m.id = ANY(c.seen)
), ends AS (
  SELECT c.id, c.at FROM chain c
  WHERE NOT EXISTS (SELECT 1 FROM merged_partner m WHERE m.id = c.at AND m.merged_into IS NOT NULL)
), settled AS (
  SELECT m.id, coalesce(e.at, m.id) AS survivor FROM merged_partner m LEFT JOIN ends e ON e.id = m.id
)
UPDATE merged_partner m SET survivor = s.survivor FROM settled s WHERE s.id = m.id AND m.survivor <> s.survivor
""")
"""A ring (the undoing of one of its merges is still on its way) has no end: until it comes, each in it stands for itself."""


class Merged:
    """The columns of a service's view `merged_partner`: into which an id was merged (none, once undone), and for which it stands now."""

    __tablename__ = "merged_partner"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    merged_into: Mapped[str | None] = mapped_column(Key)
    survivor: Mapped[str] = mapped_column(Key, index=True)
    heard_at: Mapped[datetime]


async def follow(session: AsyncSession, view: type[Merged], facts: Iterable[Envelope]) -> None:
    """Keep what these facts (`PartnerMerged`, `PartnerMergeUndone`) say, and work out for whom every id stands now."""
    await session.execute(_LOCK)
    await upsert(session, view, [_told(fact) for fact in facts], key=("id",))
    await session.execute(_SETTLE)


def _told(fact: Envelope) -> dict[str, Any]:
    said = fact.data
    assert isinstance(said, PartnerMerged | PartnerMergeUndone)
    into = said.into if isinstance(said, PartnerMerged) else None
    return {"id": said.partner, "merged_into": into, "survivor": into or said.partner, "heard_at": fact.time}


def took_over(places: Sequence[Place], left: str, successor: Place) -> list[Place]:
    """The places at a table after ``successor`` took that of ``left``; ``was`` of each are those who had it before, the last one last.

    So one that is taken back is the right one of two.
    """
    back = [place for place in places if place["partner"] == left and place.get("was", [])[-1:] == [successor["partner"]]]
    meant = back or [place for place in places if place["partner"] == left]
    return [_after(place, successor, returns=bool(back)) if place in meant else place for place in places]


def _after(place: Place, successor: Place, *, returns: bool) -> Place:
    was = place.get("was", [])
    return place | successor | {"was": was[:-1] if returns else [*was, place["partner"]]}


def survivor(asked: str) -> str:
    """SQL for the id for which the id ``asked`` (an SQL expression) stands."""
    return f"coalesce((SELECT m.survivor FROM merged_partner m WHERE m.id = {asked}), {asked})"  # noqa: S608 - of our own SQL


def kin(ids: str) -> str:
    """SQL for the array of all ids that stand for the same as those in ``ids`` (an SQL expression, a ``uuid[]``)."""
    return (
        f"ARRAY(SELECT DISTINCT alike.id FROM unnest({ids}) AS asked(id) LEFT JOIN merged_partner m ON m.id = asked.id "  # noqa: S608 - of our own SQL
        "CROSS JOIN LATERAL (SELECT coalesce(m.survivor, asked.id) AS id UNION ALL SELECT other.id FROM merged_partner other "
        "WHERE other.survivor = coalesce(m.survivor, asked.id)) AS alike)"
    )


def onward(ids: str, step: str, to: str) -> str:
    """SQL for the array of ``ids`` and of all that one ``step`` after another leads to; each with those that stand for the same.

    ``step`` is joined onto ``here``, where one is (``here.id``); ``to`` is the column in which it says where it leads.
    """
    return (
        f"ARRAY(WITH RECURSIVE here(id) AS (SELECT unnest({ids}) UNION SELECT alike.id FROM here JOIN {step} "  # noqa: S608 - of our own SQL
        f"CROSS JOIN LATERAL unnest({kin(f'ARRAY[{to}]')}) AS alike(id)) SELECT id FROM here)"
    )


def kin_of(ids: Sequence[str], around: str = "{}", **bound: Any) -> Cast[Any]:
    """The same as an expression for these ids; ``around`` may make other SQL of the array, and ``bound`` are the parameters in it."""
    array = around.format(kin("CAST(:whose AS uuid[])"))
    given = [bindparam("whose", list(ids), type_=ARRAY(Key), unique=True)]
    given += [bindparam(name, value, unique=True) for name, value in bound.items()]
    return cast(text(f"SELECT {array} AS kin").bindparams(*given).columns(kin=ARRAY(Key)).scalar_subquery(), ARRAY(Key))
