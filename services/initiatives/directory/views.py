"""What is asked of the directory: one partner, signed agreements, what is known of these ids; and who may see what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, column, false, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from services.initiatives.directory.models import KnownAgreement, KnownPartner, MergedPartner, Named, RevokedClient
from shared.auth import Caller
from shared.db import Key
from shared.events import Visibility
from shared.refusals import Invalid, NotFound
from shared.sandbox import in_sandbox, sandboxed
from shared.survivors import kin_of, onward

Read = AsyncConnection | AsyncSession
"""Where a question can be put: a connection for reads, or the transaction of a change."""

_MEMBERSHIP = "known_membership k ON k.partner = here.id AND k.valid_from <= :today AND (k.valid_to IS NULL OR k.valid_to >= :today)"
_NETWORKS = onward("{}", _MEMBERSHIP, "k.network")
"""Somebody and the networks that it belongs to today, directly or through others."""

_PARTNER = KnownPartner.__table__.c
_AGREEMENT = KnownAgreement.__table__.c


class UnknownPartner(Invalid):
    """A partner with this id is not known here. Look its id up in the partners service; if it was registered just now, try again."""

    code = "unknown-partner"
    title = "A partner named in the request is not known here."


class TwoWorlds(Invalid):
    """The request joins a partner of the sandbox with a real one. Name partners of one kind only."""

    code = "sandbox-and-real"
    title = "A partner of the sandbox has nothing to do with a real one."


class UnknownAgreement(Invalid):
    """A signed agreement with this id is not known here. Look its id up; if it was signed just now, try again in a moment."""

    code = "unknown-agreement"
    title = "The agreement is not known here."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which agreements a list is about: of a party, in force on a day; None does not ask. ``after`` is the last id seen."""

    party: str | None = None
    on: date | None = None
    after: str | None = None
    limit: int = 50


def ids(values: Sequence[str]) -> ColumnElement[Any]:
    """These ids as one array parameter, so that a statement is the same however many there are."""
    return literal(list(values), ARRAY(Key))


def visible_to(caller: Caller, visibility: Any, audience: Any, today: date) -> ColumnElement[bool]:
    """Whether the caller may know of a row with this ``visibility`` and ``audience``: one rule for everything this service shows.

    Public things are anybody's; other things are their audience's, and with ``network`` also those partners' who are on
    ``today`` members of a network in the audience, directly or through others. The platform's operator sees everything. A merged
    partner and the one it was merged into are one, whichever id the audience, a membership or the caller's token has: a token lives
    for minutes, and whoever holds it is that partner. To whoever is not in the sandbox nothing there is public.
    """
    if caller.is_admin:
        return true()
    networks = kin_of([caller.partner], _NETWORKS, today=today)
    return or_(
        visibility == Visibility.PUBLIC if caller.sandbox else and_(visibility == Visibility.PUBLIC, ~_of_the_sandbox(audience)),
        audience.overlap(kin_of([caller.partner])),
        and_(visibility == Visibility.NETWORK, audience.overlap(networks)),
    )


def _of_the_sandbox(audience: Any) -> ColumnElement[bool]:
    # All of an audience are of one world; with nobody in it, it is of the real one.
    return func.coalesce(sandboxed(audience[1]), false())


def in_force_on(day: date) -> ColumnElement[bool]:
    """Whether an agreement is in force on a day; its first and last day count."""
    return and_(KnownAgreement.effective_on <= day, or_(KnownAgreement.expires_on.is_(None), KnownAgreement.expires_on >= day))


async def partner(read: Read, partner_id: str) -> Row[Any]:
    """A partner as it was last described, or the one it was merged into once that is known here; raises NotFound."""
    now = survivor_of(literal(partner_id, Key))
    asked = select(*_PARTNER).where(_PARTNER.id.in_([partner_id, now])).order_by((_PARTNER.id == now).desc()).limit(1)
    row = (await read.execute(asked)).one_or_none()
    if row is None:
        raise NotFound(f"No partner {partner_id} is known here.", fix="Look the id up in the partners service.")
    return row


async def agreement(read: Read, caller: Caller, agreement_id: str, today: date) -> Row[Any]:
    """A signed agreement that the caller may see; raises NotFound, also when it exists and is hidden."""
    row = await _agreement(read, caller, agreement_id, today)
    if row is None:
        raise NotFound(f"No signed agreement {agreement_id} is known here.", fix="Look the id up with GET /v1/directory/agreements.")
    return row


async def agreements(read: Read, caller: Caller, wanted: Wanted, today: date) -> Sequence[Row[Any]]:
    """Signed agreements that the caller may see, oldest id first."""
    asked = select(*_AGREEMENT).where(visible_to(caller, _AGREEMENT.visibility, _AGREEMENT.audience, today))
    if wanted.party is not None:
        party = (
            func.jsonb_to_recordset(_AGREEMENT.parties).table_valued(column("partner", Key), name="party").render_derived(with_types=True)
        )
        asked = asked.where(select(party.c.partner).where(party.c.partner == func.any(kin_of([wanted.party]))).exists())
    if wanted.on is not None:
        asked = asked.where(in_force_on(wanted.on))
    if wanted.after is not None:
        asked = asked.where(_AGREEMENT.id > wanted.after)
    return (await read.execute(asked.order_by(_AGREEMENT.id).limit(wanted.limit))).all()


async def agreement_to_act_under(session: AsyncSession, caller: Caller | None, agreement_id: str, now: datetime) -> Row[Any]:
    """The signed agreement that a request names; raises UnknownAgreement, also when it exists and is hidden from the caller.

    Without a caller nothing is hidden: for what stands under the agreement already.
    """
    row = await _agreement(session, caller, agreement_id, now.date())
    if row is None:
        heard = await _newest(session, KnownAgreement.heard_at)
        raise UnknownAgreement(
            f"No signed agreement {agreement_id} is known here. {_may_be_behind(heard)}",
            field="/agreement",
            fix="Correct the id; if the agreement was signed just now, try again in a few seconds.",
            heard_seconds_ago=_seconds(heard, now),
        )
    return row


async def names_of(session: AsyncSession, given: dict[str, str], now: datetime) -> dict[str, Named]:
    """Who these partners are now and their names, by id; ``given`` says for each id in which field of the request it stood.

    Raises UnknownPartner, naming the first field whose partner is not known here, and TwoWorlds.
    """
    wanted = ids(list(given))
    found = (await session.execute(select(names_among(wanted).label("names"), survivors_among(wanted).label("survivors")))).one()
    survivors: dict[str, str] = found.survivors or {}
    names = {asked: Named(survivors.get(asked, asked), known) for asked, known in (found.names or {}).items()}
    missing = [partner_id for partner_id in given if partner_id not in names]
    if missing:
        heard = await _newest(session, KnownPartner.heard_at)
        raise UnknownPartner(
            f"No partner {missing[0]} is known here. {_may_be_behind(heard)}",
            field=given[missing[0]],
            fix="Correct the id; if the partner was registered just now, try again in a few seconds.",
            unknown=missing,
            heard_seconds_ago=_seconds(heard, now),
        )
    _must_be_one_world(given)
    return names


def _must_be_one_world(given: dict[str, str]) -> None:
    worlds = {in_sandbox(partner_id): field for partner_id, field in given.items()}
    if len(worlds) > 1:
        raise TwoWorlds("Some of the partners are real, others of the sandbox.", field=worlds[True], fix="Name partners of one kind only.")


async def standing(session: AsyncSession, partners: Iterable[str]) -> dict[str, str]:
    """Who each of these partners is now, by id."""
    asked = list(partners)
    return {each: each for each in asked} | (await session.scalar(select(survivors_among(ids(asked)))) or {})


def survivor_of(partner: Any) -> ColumnElement[Any]:
    """Who the partner in this column is now."""
    merged = aliased(MergedPartner)
    return func.coalesce(select(merged.survivor).where(merged.id == partner).scalar_subquery(), partner, type_=Key)


def survivors_among(partners: Any) -> ColumnElement[Any]:
    """A column that says of all merged partners in the ``partners`` column who they are now, by id; null when there are none."""
    merged = aliased(MergedPartner)
    pairs = func.jsonb_object_agg(merged.id, merged.survivor)
    return select(pairs).where(merged.id == func.any(partners)).scalar_subquery()


def names_among(partners: Any) -> ColumnElement[Any]:
    """A column with the names of all partners in the ``partners`` column, by id; read in the same statement as the row itself.

    A merged partner has the names of who it is now, once these are known here.
    """
    asked = func.unnest(partners).table_valued(column("id", Key), name="asked").render_derived()
    merged, own, now = aliased(MergedPartner), aliased(KnownPartner), aliased(KnownPartner)
    names = func.coalesce(now.names, own.names)
    return (
        select(func.jsonb_object_agg(asked.c.id, names))
        .select_from(asked)
        .outerjoin(merged, merged.id == asked.c.id)
        .outerjoin(own, own.id == asked.c.id)
        .outerjoin(now, now.id == merged.survivor)
        .where(names.is_not(None))
        .scalar_subquery()
    )


async def _agreement(read: Read, caller: Caller | None, agreement_id: str, today: date) -> Row[Any] | None:
    seen = true() if caller is None else visible_to(caller, _AGREEMENT.visibility, _AGREEMENT.audience, today)
    return (await read.execute(select(*_AGREEMENT).where(_AGREEMENT.id == agreement_id, seen))).one_or_none()


async def _newest(session: AsyncSession, heard: Any) -> datetime | None:
    newest = await session.scalar(select(func.max(heard)))
    return None if newest is None else newest.astimezone(UTC)


def _seconds(heard: datetime | None, now: datetime) -> int | None:
    return None if heard is None else max(0, round((now - heard).total_seconds()))


def _may_be_behind(heard: datetime | None) -> str:
    # A moment, not an age: the words are the same for whoever asks again, so that hidden and unknown cannot be told apart by them.
    if heard is None:
        return "This view is filled by the partners service's events and has heard nothing yet."
    return f"This view is filled by the partners service's events; the newest is of {heard:%Y-%m-%dT%H:%M:%SZ}; later ones may be missing."


def revoked_since(moment: datetime) -> Select[str, datetime]:
    """The clients revoked, and the secrets ended, after the moment, and when."""
    return select(RevokedClient.id, RevokedClient.revoked_at).where(RevokedClient.revoked_at > moment)
