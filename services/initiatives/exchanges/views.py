"""What is asked of exchanges: one of them, and those in a period, of a partner, under an agreement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import DateTime, Row, Select, literal, literal_column, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from services.initiatives.directory.models import KnownAgreement
from services.initiatives.directory.views import Read, names_among, survivors_among, visible_to
from services.initiatives.exchanges.models import Exchange
from shared.auth import Caller
from shared.db import Key
from shared.refusals import NotFound
from shared.survivors import kin_of

_EXCHANGE = Exchange.__table__.c
_NAMED = literal_column(
    "exchange.audience || ARRAY(SELECT CAST(jsonb_path_query(exchange.paths, '$[*].networks[*]') #>> '{}' AS uuid))", ARRAY(Key)
)
"""Everybody an answer names: who may know of the exchange, and the networks on the ways of its partners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which exchanges a list is about; None does not ask. Days are those of UTC, both inclusive; ``after`` is the last (start, id) seen."""

    since: date | None = None
    until: date | None = None
    partner: str | None = None
    agreement: str | None = None
    state: str | None = None
    after: tuple[datetime, str] | None = None
    limit: int = 50


async def exchange(read: Read, caller: Caller, exchange_id: str, today: date) -> Row[Any]:
    """An exchange with the names of its partners and the titles of its agreement, in one statement; raises NotFound."""
    row: Row[Any] | None = (await read.execute(_shown(caller, today).where(_EXCHANGE.id == exchange_id))).one_or_none()
    if row is None:
        raise no_such_exchange(exchange_id)
    return row


async def exchanges(read: Read, caller: Caller, wanted: Wanted, today: date) -> Sequence[Row[Any]]:
    """Exchanges that the caller may know of, those that begin first at the head."""
    asked = _shown(caller, today)
    if wanted.since is not None:
        asked = asked.where(_EXCHANGE.ends_at > datetime.combine(wanted.since, time.min, UTC))
    if wanted.until is not None:
        asked = asked.where(_EXCHANGE.starts_at <= datetime.combine(wanted.until, time.max, UTC))
    if wanted.partner is not None:
        taking_part = kin_of([wanted.partner])
        asked = asked.where(or_(_EXCHANGE.hosts.overlap(taking_part), _EXCHANGE.participants.overlap(taking_part)))
    if wanted.agreement is not None:
        asked = asked.where(_EXCHANGE.agreement == wanted.agreement)
    if wanted.state is not None:
        asked = asked.where(_EXCHANGE.state == wanted.state)
    if wanted.after is not None:
        start, last = wanted.after
        place = tuple_(literal(start, DateTime(timezone=True)), literal(last, Key))
        asked = asked.where(tuple_(_EXCHANGE.starts_at, _EXCHANGE.id) > place)
    rows: Sequence[Row[Any]] = (await read.execute(asked.order_by(_EXCHANGE.starts_at, _EXCHANGE.id).limit(wanted.limit))).all()
    return rows


def no_such_exchange(exchange_id: str) -> NotFound:
    """The same words whether there is none or the caller may not know of it."""
    return NotFound(f"There is no exchange {exchange_id}.", fix="Look the id up with GET /v1/exchanges.")


def _shown(caller: Caller, today: date) -> Select[Any]:
    known = KnownAgreement.__table__.c
    titles = select(known.titles).where(known.id == _EXCHANGE.agreement).scalar_subquery()
    told = (names_among(_NAMED).label("names"), survivors_among(_NAMED).label("survivors"), titles.label("agreement_titles"))
    return select(*_EXCHANGE, *told).where(visible_to(caller, _EXCHANGE.visibility, _EXCHANGE.audience, today))
