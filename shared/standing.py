"""Where partners stand, in a neighbour's view: what is told of suspended and archived ones, and what follows from it.

Whoever was never told of is active: a partner is introduced when it is, and a view that begins in the middle of the log bars nobody
for want of news. Ids of merged partners are read through the view `merged_partner`: each counts as the one it stands for now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import PLATFORM, Caller
from shared.barring import PartnerBarred, PartnerNotActive
from shared.db import Key, upsert
from shared.events import Envelope, Event, PartnerArchived, PartnerResumed, PartnerSuspended
from shared.handling import Handlers, whole_batch
from shared.survivors import survivor

_STATES: Final[Mapping[type[Event], str]] = {PartnerSuspended: "suspended", PartnerResumed: "active", PartnerArchived: "archived"}

_OWN: Final = text(
    f"SELECT state, reason FROM partner_standing WHERE id = {survivor('CAST(:partner AS uuid)')} AND state <> 'active'"  # noqa: S608 - of our own SQL
)
_NAMED: Final = text(
    "SELECT asked.id, s.state FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS asked(id, place) "  # noqa: S608 - of our own SQL
    f"JOIN partner_standing s ON s.id = {survivor('asked.id')} WHERE s.state <> 'active' ORDER BY asked.place LIMIT 1"
)
_NAMED_ONE: Final = _NAMED.bindparams(bindparam("ids", type_=ARRAY(Key))).columns(id=Key)


class Standing:
    """The columns of a service's view `partner_standing`: what was told last of a partner that was ever suspended or archived."""

    __tablename__ = "partner_standing"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    state: Mapped[str]
    reason: Mapped[str | None]
    heard_at: Mapped[datetime]


def standing_of(view: type[Standing]) -> Handlers:
    """The handlers that keep this view; they need to have heard nothing else of a partner."""

    @whole_batch
    async def kept(session: AsyncSession, facts: list[Envelope]) -> None:
        await upsert(session, view, [_told(fact) for fact in facts], key=("id",))

    return dict.fromkeys(_STATES, kept)


def _told(fact: Envelope) -> dict[str, Any]:
    said: Any = fact.data
    return {"id": said.partner, "state": _STATES[type(said)], "reason": getattr(said, "reason", None), "heard_at": fact.time}


async def must_act(session: AsyncSession, caller: Caller) -> None:
    """Refuse every change by a client of a partner that is known to be suspended or archived; raises `PartnerBarred`."""
    if caller.partner == PLATFORM:
        return
    row = (await session.execute(_OWN, {"partner": caller.partner})).one_or_none()
    if row is not None:
        raise PartnerBarred(row.state, row.reason)


async def must_be_active(session: AsyncSession, given: Mapping[str, str]) -> None:
    """Refuse to name partners that are known to be suspended or archived; ``given`` says for each id in which field it stood.

    Raises `PartnerNotActive` for the first of them.
    """
    row = (await session.execute(_NAMED_ONE, {"ids": list(given)})).one_or_none()
    if row is not None:
        raise PartnerNotActive.named(row.id, row.state, given[row.id])
