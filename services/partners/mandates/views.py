"""What is asked of mandates: one, those a partner gave or holds, what was done under one, and whether a holder may act."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.partners.mandates.models import Mandate, MandateState, MandateUse
from services.partners.models import covers, plain
from services.partners.registry.models import Partner
from services.partners.registry.views import partner_by_id
from shared.auth import Caller
from shared.refusals import Forbidden, NotFound

_COLUMNS = tuple(column for column in Mandate.__table__.c if column.name != "sequence")
_USES = tuple(MandateUse.__table__.c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a holder is about to do for a partner: ``approve`` or ``sign`` an agreement of this kind."""

    action: str
    holder: str
    partner: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which mandates of a partner a list is about; None asks nothing. ``after`` is the last id seen."""

    partner: str
    state: str | None = None
    after: str | None = None


def no_mandate(mandate: str) -> NotFound:
    """The refusal for a mandate that is not there, or is between others."""
    return NotFound(f"There is no mandate {mandate}.", fix="List yours with GET /v1/partners/{partner}/mandates.")


def concerns(caller: Caller, partner: str, holder: str) -> bool:
    """Whether a mandate between these two is the caller's business."""
    return caller.is_admin or caller.partner in (partner, holder)


async def mandate_by_id(reader: AsyncConnection, caller: Caller, mandate: str) -> dict[str, Any]:
    """The mandate as the API tells it; raises NotFound, also for one between others."""
    row = (await reader.execute(select(*_COLUMNS).where(Mandate.id == mandate))).mappings().one_or_none()
    if row is None or not concerns(caller, row["partner"], row["holder"]):
        raise no_mandate(mandate)
    return plain(row)


async def mandates_of(reader: AsyncConnection, caller: Caller, sought: Sought, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` mandates that a partner gave, was asked for or holds; raises Forbidden for anybody else's, or NotFound."""
    if not caller.is_admin and caller.partner != sought.partner:
        raise Forbidden("Mandates are seen by their two partners and the operator alone.", fix="Use a client of that partner.")
    await partner_by_id(reader, sought.partner, caller)
    theirs = or_(Mandate.partner == sought.partner, Mandate.holder == sought.partner)
    asked = select(*_COLUMNS).where(theirs).order_by(Mandate.id).limit(limit)
    if sought.state is not None:
        asked = asked.where(Mandate.state == sought.state)
    if sought.after is not None:
        asked = asked.where(Mandate.id > sought.after)
    return [plain(row) for row in (await reader.execute(asked)).mappings()]


async def uses_of(reader: AsyncConnection, mandate: str, after: str | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` things done under a mandate, oldest first."""
    asked = select(*_USES).where(MandateUse.mandate == mandate).order_by(MandateUse.id).limit(limit)
    if after is not None:
        asked = asked.where(MandateUse.id > after)
    return [plain(row) for row in (await reader.execute(asked)).mappings()]


def counts(day: Any, kind: Any) -> ColumnElement[bool]:
    """The condition that a mandate counts on a day for agreements of a kind."""
    held = covers(Mandate.valid_from, Mandate.valid_to, day)
    return and_(Mandate.state == MandateState.ACTIVE, held, or_(Mandate.kinds == [], kind == Mandate.kinds.any_()))


async def mandate_to(session: AsyncSession, deed: Deed, now: datetime) -> str | None:
    """The id of the mandate by which the holder may do this for the partner today, if there is one.

    Today is the partner's own day. The mandate stays as it is until the transaction ends: nobody revokes it meanwhile.
    """
    zone = await session.scalar(select(Partner.timezone).where(Partner.id == deed.partner))
    if zone is None:
        return None
    today = now.astimezone(ZoneInfo(zone)).date()
    allowed = Mandate.may_sign if deed.action == "sign" else Mandate.may_approve
    asked = select(Mandate.id).where(
        Mandate.holder == deed.holder,
        Mandate.partner == deed.partner,
        allowed,
        counts(today, literal(deed.kind)),
    )
    return await session.scalar(asked.with_for_update(read=True))


def told(mandate: Mandate) -> dict[str, Any]:
    """A mandate that was just written, as the API tells it."""
    return plain({column.key: getattr(mandate, column.key) for column in _COLUMNS})
