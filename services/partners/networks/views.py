"""What is asked of the networks: who belongs to one, and to which does a partner belong, on a day or at any time."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Date, Select, all_, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.partners.models import covers, plain
from services.partners.networks.models import Membership
from services.partners.registry.models import Partner
from services.partners.registry.views import no_partner
from shared.db import Key
from shared.refusals import NotFound

_NEVER = literal_column("DATE 'infinity'", Date)
_COLUMNS = (
    Membership.id,
    Membership.partner,
    Membership.network,
    Membership.role,
    Membership.valid_from,
    Membership.valid_to,
    Membership.inherits_agreements,
    Membership.reason,
    Membership.recorded_at,
    Membership.version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which memberships a list is about; None asks nothing."""

    network: str | None = None
    partner: str | None = None
    on: date | None = None


def no_such_membership(membership: str) -> NotFound:
    """The answer for a membership that does not exist."""
    return NotFound(f"There is no membership {membership}.", fix="List them with GET /v1/networks/{network}/members.")


async def membership_by_id(reader: AsyncConnection, membership: str) -> dict[str, Any]:
    """The membership as the API tells it; raises NotFound."""
    row = (await reader.execute(select(*_COLUMNS).where(Membership.id == membership))).mappings().one_or_none()
    if row is None:
        raise no_such_membership(membership)
    return plain(row)


async def memberships_sought(reader: AsyncConnection, sought: Sought, after: str | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` memberships in the order they were recorded, those after the id ``after``; raises NotFound without the partner."""
    asked = select(*_COLUMNS).order_by(Membership.id).limit(limit)
    if sought.network is not None:
        asked = asked.where(Membership.network == sought.network)
    if sought.partner is not None:
        asked = asked.where(Membership.partner == sought.partner)
    if sought.on is not None:
        asked = asked.where(held_on(sought.on))
    if after is not None:
        asked = asked.where(Membership.id > after)
    found = [plain(row) for row in (await reader.execute(asked)).mappings()]
    if not found:
        # Only an empty list leaves it open whether there is such a partner at all.
        await _exists(reader, sought.network or sought.partner)
    return found


def held_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition that a membership holds on a day."""
    return covers(Membership.valid_from, Membership.valid_to, day)


async def circle_with(session: AsyncSession, membership: Membership) -> list[str] | None:
    """The partners from the one that joins around to itself, if others belong to each other so on days that all the memberships share.

    Every role and every inheritance counts: it is about who belongs to whom, not about what passes.
    """
    asked = {"partner": membership.partner, "network": membership.network, "first": membership.valid_from, "last": membership.valid_to}
    circle: list[str] | None = await session.scalar(_CIRCLE, asked)
    return circle


def _circle() -> Select[Any]:
    partner, network = bindparam("partner", type_=Key), bindparam("network", type_=Key)
    last_day = func.coalesce(bindparam("last", type_=Date), _NEVER)
    first = select(
        network.label("id"),
        bindparam("first", type_=Date).label("first"),
        last_day.label("last"),
        cast(array([partner, network]), ARRAY(Key)).label("path"),
    )
    up = first.cte("up", recursive=True)
    ends = func.coalesce(Membership.valid_to, _NEVER)
    further = select(
        Membership.network,
        func.greatest(up.c.first, Membership.valid_from),
        func.least(up.c.last, ends),
        func.array_append(up.c.path, Membership.network),
    ).join(up, Membership.partner == up.c.id)
    # Nobody is passed twice, and the walk ends where it closes.
    new = or_(Membership.network == partner, Membership.network != all_(up.c.path))
    up = up.union_all(further.where(Membership.valid_from <= up.c.last, ends >= up.c.first, new, up.c.id != partner))
    return select(up.c.path).where(up.c.id == partner).order_by(func.cardinality(up.c.path), up.c.path).limit(1)


async def overlapping(session: AsyncSession, membership: Membership) -> str | None:
    """The id of a membership of the same partner and network that shares a day with this one."""
    asked = select(Membership.id).where(
        Membership.partner == membership.partner,
        Membership.network == membership.network,
        or_(Membership.valid_to.is_(None), Membership.valid_to >= membership.valid_from),
    )
    if membership.valid_to is not None:
        asked = asked.where(Membership.valid_from <= membership.valid_to)
    return await session.scalar(asked.order_by(Membership.valid_from).limit(1))


def told(membership: Membership) -> dict[str, Any]:
    """A membership that was just written, as the API tells it."""
    return plain({column.key: getattr(membership, column.key) for column in _COLUMNS})


async def _exists(reader: AsyncConnection, partner: str | None) -> None:
    if partner is not None and await reader.scalar(select(Partner.id).where(Partner.id == partner)) is None:
        raise no_partner(partner)


_CIRCLE: Final = _circle()
