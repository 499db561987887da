"""What is asked of the networks: who belongs to one, and to which does a partner belong, on a day or at any time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Date, Select, all_, and_, bindparam, case, cast, func, literal_column, not_, or_, select, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.partners.models import covers, plain
from services.partners.networks.days import State, Status
from services.partners.networks.models import Membership
from services.partners.registry.models import Partner
from services.partners.registry.views import HIDDEN, no_partner
from shared.auth import Caller
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
    Membership.state,
    Membership.grace_days,
    Membership.ended,
    Membership.applied_on,
    Membership.suspended_on,
    Membership.message,
)
_holds_to = Membership.valid_to + Membership.grace_days
"""The last day on which it holds, grace included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which memberships a list is about, who asks and on which day; None asks nothing.

    ``applying`` gives those that were applied for and not approved, or those that were approved; both when it is None.
    """

    caller: Caller
    today: date
    network: str | None = None
    partner: str | None = None
    on: date | None = None
    status: str | None = None
    role: str | None = None
    applying: bool | None = None


def no_such_membership(membership: str) -> NotFound:
    """The answer for a membership that does not exist."""
    return NotFound(f"There is no membership {membership}.", fix="List them with GET /v1/networks/{network}/members.")


async def membership_by_id(reader: AsyncConnection, caller: Caller, membership: str, today: date) -> dict[str, Any]:
    """The membership as the API tells it to the caller; raises NotFound, also for an application that the caller may not know of."""
    row = (await reader.execute(select(*_COLUMNS).where(Membership.id == membership, _known_to(caller)))).mappings().one_or_none()
    if row is None:
        raise no_such_membership(membership)
    return _said(row, today, caller)


async def memberships_sought(reader: AsyncConnection, sought: Sought, after: str | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` memberships in the order they were recorded, those after the id ``after``; raises NotFound without the partner."""
    asked = select(*_COLUMNS).where(_known_to(sought.caller)).order_by(Membership.id).limit(limit)
    if sought.network is not None:
        asked = asked.where(Membership.network == sought.network)
    if sought.partner is not None:
        asked = asked.where(Membership.partner == sought.partner)
    if sought.applying is not None:
        asked = asked.where((Membership.state != State.APPROVED) == sought.applying)
    if sought.on is not None:
        asked = asked.where(held_on(sought.on))
    if sought.status is not None:
        asked = asked.where(_status_on(sought.today) == sought.status)
    if sought.role is not None:
        asked = asked.where(Membership.role == sought.role)
    if after is not None:
        asked = asked.where(Membership.id > after)
    found = [_said(row, sought.today, sought.caller) for row in (await reader.execute(asked)).mappings()]
    if not found:
        # Only an empty list leaves it open whether there is such a partner at all.
        await _exists(reader, sought.network or sought.partner)
    return found


def held_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition that a membership holds on a day, which may be one of its grace, as far as is decided now."""
    suspended = and_(Membership.suspended_on.is_not(None), Membership.suspended_on <= day)
    return and_(Membership.state == State.APPROVED, covers(Membership.valid_from, _holds_to, day), not_(suspended))


def _status_on(day: date) -> ColumnElement[str]:
    """What a membership is on a day: the same as `Membership.status`, for the database to look for."""
    stages: list[tuple[ColumnElement[bool], Any]] = [
        (Membership.state != State.APPROVED, Membership.state),
        (and_(Membership.ended, _holds_to < day), Status.ENDED.value),
        (_holds_to < day, Status.LAPSED.value),
        (Membership.suspended_on.is_not(None), Status.SUSPENDED.value),
        (Membership.valid_from > day, Status.APPROVED.value),
        (Membership.valid_to < day, Status.GRACE.value),
    ]
    return case(*stages, else_=Status.CURRENT.value)


def _known_to(caller: Caller) -> ColumnElement[bool]:
    """Whether the caller may know of a membership: the same as `Membership.known_to`."""
    if caller.is_admin:
        return true()
    return or_(Membership.state == State.APPROVED, Membership.partner == caller.partner, Membership.network == caller.partner)


async def circle_with(session: AsyncSession, membership: Membership) -> list[str] | None:
    """The partners from the one that joins around to itself, if others belong to each other so on days that all the memberships share.

    Every role and every inheritance counts: it is about who belongs to whom, not about what passes.
    """
    last = membership.term.holds_to
    asked = {"partner": membership.partner, "network": membership.network, "first": membership.valid_from, "last": last}
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
    ends = func.coalesce(_holds_to, _NEVER)
    further = select(
        Membership.network,
        func.greatest(up.c.first, Membership.valid_from),
        func.least(up.c.last, ends),
        func.array_append(up.c.path, Membership.network),
    ).join(up, Membership.partner == up.c.id)
    # Nobody is passed twice, and the walk ends where it closes.
    new = or_(Membership.network == partner, Membership.network != all_(up.c.path))
    approved = Membership.state == State.APPROVED
    up = up.union_all(further.where(Membership.valid_from <= up.c.last, ends >= up.c.first, new, up.c.id != partner, approved))
    return select(up.c.path).where(up.c.id == partner).order_by(func.cardinality(up.c.path), up.c.path).limit(1)


async def overlapping(session: AsyncSession, membership: Membership) -> str | None:
    """The id of another membership of the same partner and network that shares a day with this one, grace included.

    Only one that was approved: an application, open or not, takes nobody's place, and wishes for no more than its first day.
    """
    last = membership.term.holds_to if membership.state == State.APPROVED else membership.valid_from
    asked = select(Membership.id).where(
        Membership.id != membership.id,
        Membership.state == State.APPROVED,
        Membership.partner == membership.partner,
        Membership.network == membership.network,
        or_(_holds_to.is_(None), _holds_to >= membership.valid_from),
    )
    if last is not None:
        asked = asked.where(Membership.valid_from <= last)
    return await session.scalar(asked.order_by(Membership.valid_from).limit(1))


async def open_application(session: AsyncSession, partner: str, network: str) -> str | None:
    """The id of the application of the partner that the network has not answered."""
    of_theirs = (Membership.partner == partner, Membership.network == network, Membership.state == State.APPLIED)
    return await session.scalar(select(Membership.id).where(*of_theirs).limit(1))


def told(membership: Membership, today: date) -> dict[str, Any]:
    """A membership that was just written, as the API tells it to whoever wrote it."""
    return _said({column.key: getattr(membership, column.key) for column in _COLUMNS}, today)


def _said(row: Mapping[Any, Any], today: date, caller: Caller | None = None) -> dict[str, Any]:
    """A membership in the API's words; why it was rejected or suspended, and what was written with the application, is for the two."""
    of = Membership(**{name: value for name, value in row.items() if name != "version"})
    said = {**row, "status": str(of.status(today)), "lapses_on": of.term.lapses_on if of.state == State.APPROVED else None}
    if caller is not None and not (caller.is_admin or caller.partner in (of.partner, of.network)):
        said |= {"message": None, "reason": of.reason if of.ended else None}
    return plain({name: value for name, value in said.items() if name not in ("state", "ended")})


async def _exists(reader: AsyncConnection, partner: str | None) -> None:
    # A draft has no memberships, and it is not there for others: so neither is the list of them.
    if partner is not None and await reader.scalar(select(Partner.id).where(Partner.id == partner, ~HIDDEN)) is None:
        raise no_partner(partner)


_CIRCLE: Final = _circle()
