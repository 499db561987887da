"""What is asked of the registry: one partner, some partners, and are these known; lists are the room `listing`'s."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Integer,
    Result,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.sql.schema import MetaData

from services.partners.models import covers, plain
from services.partners.registry.models import ExternalId, Partner, must_be_one_world
from services.partners.registry.refusals import PartnerIsMerged, UnknownPartner
from services.partners.registry.standing.models import State, is_hidden
from shared.auth import Caller
from shared.db import Key
from shared.refusals import NotFound
from shared.sandbox import in_sandbox

# The room of networks stands on this one, so its table is named here by what is asked of it and not imported.
_membership = Table(
    "membership",
    MetaData(),
    Column("partner", Key),
    Column("network", Key),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("grace_days", Integer),
    Column("state", Text),
    Column("suspended_on", Date),
)

HIDDEN: Final = or_(Partner.state == State.DRAFT, and_(Partner.state == State.ARCHIVED, Partner.sequence == 0))
"""The condition that others know nothing of a partner: the same as `is_hidden`."""

_one_identifier = func.jsonb_build_object("scheme", ExternalId.scheme, "value", ExternalId.value)
_identifiers = (
    select(func.coalesce(func.jsonb_agg(aggregate_order_by(_one_identifier, ExternalId.scheme, ExternalId.value)), literal([], JSONB)))
    .where(ExternalId.partner == Partner.id)
    .correlate(Partner)
    .scalar_subquery()
)

COLUMNS: tuple[ColumnElement[Any] | Any, ...] = (
    Partner.id,
    Partner.kind,
    Partner.state,
    Partner.names,
    Partner.acronym,
    Partner.aliases,
    _identifiers.label("identifiers"),
    Partner.country,
    Partner.subdivision,
    Partner.locality,
    Partner.timezone,
    Partner.languages,
    Partner.website,
    Partner.state_reason,
    Partner.verified,
    Partner.verified_until,
    Partner.hosted_by,
    Partner.location,
    Partner.merged_into,
    Partner.registered_at,
    Partner.changed_at,
    Partner.version,
)
"""What the API tells of a partner."""

_TOLD = select(*COLUMNS).where(Partner.id == func.any(bindparam("ids", type_=ARRAY(Key))))

# Put together once, and of the table's columns: every draft of an agreement asks it, and building a statement costs more than asking it.
_columns = Partner.__table__.c
_NAMED = select(
    *(_columns[name] for name in ("id", "kind", "names", "acronym", "country", "timezone", "languages", "merged_into", "state", "sequence"))
).where(_columns.id == func.any(bindparam("ids", type_=ARRAY(Key))))
# Whoever goes on to name a partner keeps it from being merged into another meanwhile, and waits for one who is at it.
_NAMED_KEPT = _NAMED.order_by(_columns.id).with_for_update(read=True)
_NAMED_LOCKED = _NAMED.order_by(_columns.id).with_for_update(key_share=True)
_keys = (
    func.unnest(bindparam("schemes", type_=ARRAY(Text)), bindparam("values", type_=ARRAY(Text)))
    .table_valued("scheme", "value", name="given")
    .render_derived()
)
_OWNERS = select(ExternalId.scheme, ExternalId.value, ExternalId.partner).join(
    _keys, and_(ExternalId.scheme == _keys.c.scheme, ExternalId.value == _keys.c.value)
)
_MERGED = select(_columns.merged_into).where(_columns.id == bindparam("partner", type_=Key))


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """What other rooms need of a partner they name."""

    id: str
    kind: str
    names: dict[str, str]
    acronym: str | None
    country: str
    timezone: str
    languages: tuple[str, ...]
    merged_into: str | None = None
    state: str = State.ACTIVE
    sequence: int = 1

    @property
    def is_hidden(self) -> bool:
        """Whether others know nothing of it."""
        return is_hidden(self.state, self.sequence)


async def known_partners(
    session: AsyncSession, ids: Sequence[str], *, field: str = "/partner", lock: bool = False
) -> dict[str, PartnerRow]:
    """The partners with these ids, by id, in one round trip, for whoever is about to write one of them down.

    Raises `UnknownPartner`, `PartnerIsMerged`, or `TwoWorlds` where only some are of the sandbox: the field is ``field`` with ``{}``
    replaced by the place of that id in ``ids`` (``field="/parties/{}/partner"``). Until the transaction ends none is merged; with ``lock``
    nobody else changes them either.
    """
    known = _by_id(await session.execute(_NAMED_LOCKED if lock else _NAMED_KEPT, {"ids": list(dict.fromkeys(ids))}))
    for place, partner in enumerate(ids):
        if partner not in known:
            raise unknown(partner, field.format(place))
        if known[partner].merged_into is not None:
            raise PartnerIsMerged(partner, await survivor_of(session, partner), field.format(place))
    must_be_one_world(ids, field)
    return known


async def partners_named(session: AsyncSession | AsyncConnection, ids: Sequence[str]) -> dict[str, PartnerRow]:
    """The partners that are on record under these ids, merged ones too, for whoever shows their names; raises `UnknownPartner`."""
    known = _by_id(await session.execute(_NAMED, {"ids": list(dict.fromkeys(ids))}))
    for partner in ids:
        if partner not in known:
            raise unknown(partner, "/partner")
    return known


async def survivor_of(session: AsyncSession | AsyncConnection, partner: str) -> str:
    """The partner itself, or the one that it was merged into, by way of others too."""
    merged: str | None = partner
    while merged is not None:
        partner, merged = merged, (await session.execute(_MERGED, {"partner": merged})).scalar_one_or_none()
    return partner


def _by_id(rows: Result[Any]) -> dict[str, PartnerRow]:
    return {row.id: PartnerRow(**{**row._mapping, "languages": tuple(row.languages)}) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name


def unknown(partner: str, field: str) -> UnknownPartner:
    """The refusal of a request that names a partner that is not there."""
    fix = "Look the partner's id up with GET /v1/partners?q=, or register it first."
    return UnknownPartner(f"No partner {partner} is registered.", field=field, fix=fix, partner=partner)


def no_partner(partner: str) -> NotFound:
    """The refusal for a partner that is not there."""
    return NotFound(f"There is no partner {partner}.", fix="Look the partner up with GET /v1/partners?q=.")


def known_to(caller: Caller | None) -> ColumnElement[bool]:
    """The condition that a caller (None: the operator) may know of a partner: a draft is there for its own clients alone."""
    return true() if caller is None or caller.is_admin else or_(~HIDDEN, Partner.id == caller.partner)


async def partner_by_id(reader: AsyncConnection, partner: str, caller: Caller | None = None) -> dict[str, Any]:
    """The partner as the API tells it; raises `NotFound`, also for a draft of which the ``caller`` may not know."""
    row = (await reader.execute(select(*COLUMNS).where(Partner.id == partner, known_to(caller)))).mappings().one_or_none()
    if row is None:
        raise no_partner(partner)
    return said(row)


async def partners_by_id(reader: AsyncConnection, partners: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of the partners that there are, as the API tells them, by id."""
    rows = await reader.execute(_TOLD, {"ids": list(partners)})
    return {row["id"]: said(row) for row in rows.mappings()}


async def owners_of(session: AsyncSession, identifiers: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Which of these external identifiers are taken, and by which partner: one question, however many they are."""
    if not identifiers:
        return {}
    keys = [list(words) for words in zip(*sorted(identifiers), strict=True)]
    rows = await session.execute(_OWNERS, {"schemes": keys[0], "values": keys[1]})
    return {(scheme, value): partner for scheme, value, partner in rows}


def told(partner: Partner) -> dict[str, Any]:
    """A partner that was just written, as the API tells it."""
    plainly = ("id", "state", "state_reason", "merged_into", "verified", "verified_until", "registered_at", "changed_at", "version")
    return said({**partner.profile().said(), **{name: getattr(partner, name) for name in plainly}})


def said(partner: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of `COLUMNS` as the API tells it."""
    return plain(partner) | {"sandbox": in_sandbox(partner["id"])}


async def has_members(session: AsyncSession, network: str, today: date) -> bool:
    """Whether somebody belongs to this network, or will, or asks to."""
    member = _membership.c
    goes_on = or_(member.valid_to.is_(None), member.valid_to + member.grace_days >= today)
    asked = select(member.partner).where(member.network == network, member.state.in_(("applied", "approved")), goes_on)
    with session.no_autoflush:
        return await session.scalar(asked.limit(1)) is not None


def members_on(network: str, on: date) -> Select[Any]:
    """The ids of the partners that belong to a network on a day."""
    member = _membership.c
    held = covers(member.valid_from, member.valid_to + member.grace_days, on) & (member.state == "approved")
    unsuspended = member.suspended_on.is_(None) | (member.suspended_on > on)
    return select(member.partner).where(member.network == network, held, unsuspended)
