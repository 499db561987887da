"""What is asked of imports: whose turn it is, how far one is, what became of its rows, and what its rows are about."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, column, exists, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import joinedload

from services.partners.access.models import Client
from services.partners.importing.models import UNDER_WAY, Desk, ImportMark, ImportRow, Outcome, PartnerImport, Row, RowsForgotten
from services.partners.models import plain
from services.partners.registry.models import Partner, Profile
from services.partners.registry.views import owners_of, survivor_of
from shared.auth import Caller
from shared.db import Key
from shared.refusals import NotFound

_NOT_TOLD: Final = frozenset({"columns", "by_partner", "scopes", "traceparent", "touched_at"})
_COLUMNS: Final = tuple(column for column in PartnerImport.__table__.columns if column.name not in _NOT_TOLD)


_TWINS: Final = (
    text(
        "SELECT w.line, twin.id FROM jsonb_to_recordset(:wanted) AS w(line int, country text, kind text, names text[]) "
        "CROSS JOIN LATERAL (SELECT p.id FROM partner AS p WHERE p.folded @> w.names AND p.country = w.country AND p.kind = w.kind) AS twin"
    )
    .bindparams(bindparam("wanted", type_=JSONB))
    .columns(column("line"), column("id", Key))
)


async def next_import(session: AsyncSession) -> PartnerImport | None:
    """The import whose turn it is, locked: the one that waits longest and that nobody else works on."""
    waiting = select(PartnerImport).where(PartnerImport.state.in_(UNDER_WAY)).order_by(PartnerImport.touched_at, PartnerImport.id)
    return (await session.scalars(waiting.limit(1).with_for_update(skip_locked=True))).one_or_none()


async def rows_to_do(session: AsyncSession, importing: PartnerImport, limit: int) -> list[ImportRow]:
    """Its next rows, in the order of the file."""
    rows = select(ImportRow).where(ImportRow.importing == importing.id, ImportRow.n > importing.done).order_by(ImportRow.n)
    return list(await session.scalars(rows.limit(limit)))


async def is_revoked(session: AsyncSession, client: str) -> bool:
    """Whether the client that sent a file may no longer do anything."""
    return bool(await session.scalar(select(exists().where(Client.id == client, Client.revoked_at.is_not(None)))))


async def under_way(session: AsyncSession, client: str) -> int:
    """How many imports of a client wait or are worked on."""
    asked = select(func.count()).where(PartnerImport.client == client, PartnerImport.state.in_(UNDER_WAY))
    return int(await session.scalar(asked) or 0)


async def desk_for(session: AsyncSession, importing: PartnerImport, rows: Iterable[Row]) -> Desk:
    """All that is known of what these rows are about, in three questions however many they are, one more for each that was merged."""
    wanted = list(rows)
    keys = {key for row in wanted for key in row.registration.profile.identifiers}
    owners = await owners_of(session, keys)
    named = {row.partner for row in wanted if row.partner is not None}
    marks = {mark for row in wanted for mark in (*row.marks(), *(row.names() if importing.dry_run else ()))}
    marks |= {f"partner:{owner}" for owner in owners.values()}
    said = select(ImportMark.mark, ImportMark.line).where(ImportMark.importing == importing.id, ImportMark.mark == func.any(_texts(marks)))
    earlier = {row.mark: row.line for row in await session.execute(said)}
    found = await _found(session, Partner.id.in_({*owners.values(), *named}))
    survivors = {partner.id: await survivor_of(session, partner.id) for partner in found if partner.merged_into is not None}
    return Desk(owners, _said(found), earlier, survivors)


async def twins_of(session: AsyncSession, rows: Iterable[Row]) -> dict[int, dict[str, Profile]]:
    """The partners of its country and kind that bear all names of a row, by id: for each row by its line, in two questions for all."""
    said = [(row.line, row.registration.profile) for row in rows]
    if not said:
        return {}
    wanted = [{"line": line, "country": one.country, "kind": one.kind, "names": one.folded()} for line, one in said]
    found = (await session.execute(_TWINS, {"wanted": wanted})).all()
    partners = _said(await _found(session, Partner.id.in_({row.id for row in found})))
    lines: dict[int, set[str]] = {}
    for row in found:
        lines.setdefault(row.line, set()).add(row.id)
    return {line: {partner: known for partner, (known, _) in partners.items() if partner in ids} for line, ids in lines.items()}


async def _found(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[Partner]:
    asked = select(Partner).options(joinedload(Partner.external_ids)).where(*conditions).order_by(Partner.id)
    return (await session.scalars(asked)).unique().all()


def _said(partners: Iterable[Partner]) -> dict[str, tuple[Profile, int]]:
    return {partner.id: (partner.profile(), partner.version) for partner in partners}


def _texts(texts: Iterable[str]) -> ColumnElement[Any]:
    return cast(list(texts), ARRAY(Text))


async def import_by_id(reader: AsyncConnection, caller: Caller, importing: str) -> dict[str, Any]:
    """How far an import is, as the API tells it; raises NotFound, also for somebody else's."""
    row = (await reader.execute(_theirs(caller).where(PartnerImport.id == importing))).mappings().one_or_none()
    if row is None:
        raise no_import(importing)
    return plain(row)


async def imports_of(reader: AsyncConnection, caller: Caller, before: str | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` imports of the caller's partner (for the operator, of all), newest first."""
    asked = _theirs(caller).order_by(PartnerImport.id.desc()).limit(limit)
    if before is not None:
        asked = asked.where(PartnerImport.id < before)
    return [plain(row) for row in (await reader.execute(asked)).mappings()]


async def rows_of(
    reader: AsyncConnection, importing: dict[str, Any], outcomes: Sequence[Outcome], after: int, limit: int
) -> list[dict[str, Any]]:
    """At most ``limit`` rows in the order of the file, those after number ``after``, with one of ``outcomes`` if any is named.

    Raises `RowsForgotten` when they are no longer kept.
    """
    asked = select(ImportRow.__table__).where(ImportRow.importing == importing["id"], ImportRow.n > after).order_by(ImportRow.n)
    if outcomes:
        asked = asked.where(ImportRow.outcome.in_(outcomes))
    rows = [dict(row) for row in (await reader.execute(asked.limit(limit))).mappings()]
    if not rows and not await reader.scalar(select(exists().where(ImportRow.importing == importing["id"]))):
        raise RowsForgotten(f"They were kept until {importing['rows_until']}.", fix="Send the file again to have it looked at again.")
    return rows


async def header_of(reader: AsyncConnection, importing: str) -> list[str]:
    """The header of a CSV file that was sent."""
    return list(await reader.scalar(select(PartnerImport.columns).where(PartnerImport.id == importing)) or ())


def no_import(importing: str) -> NotFound:
    """The refusal for an import that is not there, or not theirs."""
    return NotFound(f"There is no import {importing}.", fix="List yours with GET /v1/imports.")


def told(importing: PartnerImport) -> dict[str, Any]:
    """An import that was just written, as the API tells it."""
    return plain({column.name: getattr(importing, column.name) for column in _COLUMNS})


def _theirs(caller: Caller) -> Select[Any]:
    asked = select(*_COLUMNS)
    return asked if caller.is_admin else asked.where(PartnerImport.by_partner == caller.partner)
