"""What can be done with a file of partners: receive it, take in a row, cancel it, and let its rows go after a while."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.audit.commands import write_all
from services.partners.importing.models import (
    MOST_ROWS,
    MOST_UNDER_WAY,
    UNDER_WAY,
    Desk,
    ImportMark,
    ImportRow,
    Outcome,
    PartnerImport,
    Received,
    Row,
    Sent,
    State,
    Taken,
    TooManyImports,
    TooManyRows,
    mark_of,
)
from services.partners.importing.views import no_import, twins_of, under_way
from services.partners.models import Seen
from services.partners.registry.commands import register_partners, update_partner
from services.partners.registry.models import Profile
from services.partners.registry.refusals import PartnerIsMerged, SuspectedDuplicate, UnknownPartner
from shared.auth import Caller
from shared.db import upsert
from shared.due import Act, owe
from shared.refusals import Invalid, Refusal
from shared.witness import Deed

FORGET: Final = "forget the rows of an import"
_AT_ONCE: Final = 1000
_SPLIT: Final = "Split the file (in CSV each part begins with the header line) and send the parts one by one."
_ACTION: Final = "POST /v1/partners/import"


async def receive(session: AsyncSession, caller: Caller, received: Received, rows: Iterable[Sent], now: datetime) -> PartnerImport:
    """Keep every row of a file as it was sent, to be taken in later; all of them or none.

    Raises `TooManyImports`, `TooManyRows`, Invalid (no row at all), and what reading ``rows`` raises.
    """
    if await under_way(session, caller.client) >= MOST_UNDER_WAY:
        fix = "Wait until one has finished, or cancel one: POST /v1/imports/{id}/cancel."
        raise TooManyImports(f"{MOST_UNDER_WAY} imports of this client are under way.", fix=fix)
    importing = PartnerImport.begin(caller, received, now)
    session.add(importing)
    await session.flush()
    waiting: list[dict[str, Any]] = []
    for n, sent in enumerate(rows, 1):
        if n > MOST_ROWS:
            raise TooManyRows(f"The file has more than {MOST_ROWS} rows.", field="/", fix=_SPLIT, limit=MOST_ROWS)
        importing.rows = n
        waiting.append({"importing": importing.id, "n": n, "line": sent.line, "said": sent.said})
        if len(waiting) == _AT_ONCE:
            await _keep(session, waiting)
    await _keep(session, waiting)
    if importing.rows == 0:
        raise Invalid("The file has no row.", field="/", fix="Send at least one row, in CSV below a line with the names of the columns.")
    return importing


async def _keep(session: AsyncSession, waiting: list[dict[str, Any]]) -> None:
    await upsert(session, ImportRow, waiting, key=("importing", "n"))
    waiting.clear()


async def take_rows(session: AsyncSession, importing: PartnerImport, desk: Desk, rows: Sequence[Row], now: datetime) -> list[Taken]:
    """Register or bring up to date, as their sender may, the partners of rows that are companions; what became of each.

    Of each row all is done or nothing; in a try-out nothing stays. What a row is refused for hinders no other. Anything else that goes
    wrong is raised, and then nothing of any of them was done.
    """
    desk.twins = await twins_of(session, [row for row in rows if row.is_unnamed])
    ends: dict[int, Taken] = {}
    for row in rows:
        try:
            end = await _known(session, importing, desk, row, now)
        except Refusal as refusal:
            end = refused(refusal)
        if end is not None:
            ends[row.line] = end
    new = [row for row in rows if row.line not in ends]
    if new:
        for row, end in zip(new, await _registered(session, importing, new, now), strict=True):
            ends[row.line] = end
            if end.refusal is None:
                _note(importing, desk, row, end.partner)
    return [ends[row.line] for row in rows]


def refused(refusal: Refusal) -> Taken:
    """The end of a row that is not taken."""
    return Taken(Outcome.SUSPECTED_DUPLICATE if isinstance(refusal, SuspectedDuplicate) else Outcome.REFUSED, None, refusal)


async def _known(session: AsyncSession, importing: PartnerImport, desk: Desk, row: Row, now: datetime) -> Taken | None:
    """What becomes of a row about a partner on record; None when it is about a new one."""
    desk.must_be_first(*row.marks())
    partner, changes = _meant(desk, row)
    if partner is None:
        if importing.dry_run and not row.registration.force:
            _must_be_named_first(desk, row)
        return None
    desk.must_be_first(mark_of(partner))
    sender, outcome = importing.sender(), Outcome.UNCHANGED
    if changes or not (sender.is_admin or sender.partner == partner):
        await _updated(session, importing, Seen(partner, row.version), changes, now)
        outcome = Outcome.UPDATED
    _note(importing, desk, row, partner)
    return Taken(outcome, partner)


def _note(importing: PartnerImport, desk: Desk, row: Row, partner: str | None) -> None:
    marks = [*row.marks(), *(row.names() if importing.dry_run else ())]
    desk.note(row.line, *marks, *([mark_of(partner)] if partner else []))


def _meant(desk: Desk, row: Row) -> tuple[str | None, dict[str, Any]]:
    """The partner on record that a row is about, if any, and what the row changes in it."""
    if row.partner is not None:
        if row.partner not in desk.partners:
            fix = "Leave the id out to register the partner, or look it up with GET /v1/partners?q=."
            raise UnknownPartner(f"No partner {row.partner} is registered.", field="/id", fix=fix, partner=row.partner)
        if row.partner in desk.survivors:
            raise PartnerIsMerged(row.partner, desk.survivors[row.partner], "/id")
        return row.partner, _news(row, desk.partners[row.partner][0])
    for key in row.registration.profile.identifiers:
        if key in desk.owners:
            return desk.owners[key], _news(row, desk.partners[desk.owners[key]][0])
    return next((partner for partner, profile in desk.twins.get(row.line, {}).items() if not _news(row, profile)), None), {}


def _news(row: Row, known: Profile) -> dict[str, Any]:
    """What a row says that a profile does not say yet."""
    changes = row.registration.over(known)
    after = replace(known, **changes)
    return {name: value for name, value in changes.items() if getattr(after, name) != getattr(known, name)}


def _must_be_named_first(desk: Desk, row: Row) -> None:
    for name in row.names():
        line = desk.marks.get(name)
        if line is not None:
            detail = f"Line {line} of this file registers a partner of the same name in {row.registration.profile.country}."
            fix = "Keep one of the two rows, or send 'force': true to register both."
            raise SuspectedDuplicate(detail, field="/names", fix=fix, suspects=[{"line": line}])


class _Undone(Exception):
    """What was tried out is taken back."""


async def _updated(session: AsyncSession, importing: PartnerImport, seen: Seen, changes: Mapping[str, Any], now: datetime) -> None:
    with suppress(_Undone):
        async with session.begin_nested():
            await update_partner(session, importing.sender(), seen, changes, now)
            _keep_only_in_earnest(importing)
            await session.run_sync(write_all, [_deed(importing, "200", seen.id)])


async def _registered(session: AsyncSession, importing: PartnerImport, rows: Sequence[Row], now: datetime) -> list[Taken]:
    ends: list[Taken] = []
    wanted = [row.registration for row in rows]
    with suppress(_Undone):
        async with session.begin_nested():
            # In a try-out none of the others is on record afterwards, so nobody is taken for one of them.
            made = await register_partners(session, importing.sender(), wanted, now, apart=importing.dry_run)
            ends += [refused(one) if isinstance(one, Refusal) else Taken(Outcome.REGISTERED, one.id) for one in made]
            _keep_only_in_earnest(importing)
            await session.run_sync(write_all, [_deed(importing, "201", end.partner) for end in ends if end.partner is not None])
    return [replace(end, partner=None) for end in ends] if importing.dry_run else ends


def _deed(importing: PartnerImport, outcome: str, partner: str) -> Deed:
    return Deed(importing.sender(), _ACTION, outcome, location=f"/v1/partners/{partner}")


def _keep_only_in_earnest(importing: PartnerImport) -> None:
    if importing.dry_run:
        raise _Undone


async def keep_marks(session: AsyncSession, importing: PartnerImport, desk: Desk) -> None:
    """Remember beyond this batch what its rows were about."""
    rows = [{"importing": importing.id, "mark": mark, "line": line} for mark, line in desk.fresh.items()]
    await upsert(session, ImportMark, rows, key=("importing", "mark"))


async def end_import(session: AsyncSession, importing: PartnerImport, because: str, now: datetime) -> None:
    """Do nothing more of an import; raises `ImportEnded`."""
    importing.end(State.CANCELLED, because, now)
    await settle(session, importing)


async def cancel_import(session: AsyncSession, caller: Caller, importing: str, now: datetime) -> PartnerImport:
    """Stop before the next row; what was done stays, and doing it again changes nothing. Raises NotFound or `ImportEnded`."""
    found = (await session.scalars(select(PartnerImport).where(PartnerImport.id == importing).with_for_update())).one_or_none()
    if found is None or not (caller.is_admin or caller.partner == found.by_partner):
        raise no_import(importing)
    if found.state != State.CANCELLED:
        await end_import(session, found, "cancelled", now)
    return found


async def settle(session: AsyncSession, importing: PartnerImport) -> None:
    """An import that has ended needs no marks any more, and owes that its rows are let go one day."""
    if importing.state not in UNDER_WAY and importing.rows_until is not None:
        await session.execute(delete(ImportMark).where(ImportMark.importing == importing.id))
        await owe(session, FORGET, importing.id, importing.rows_until)


async def forget_rows(session: AsyncSession, importing: str, now: datetime) -> None:
    """Let the rows of an import go; its counts stay."""
    await session.execute(delete(ImportRow).where(ImportRow.importing == importing))


ACTS: Final[dict[str, Act]] = {FORGET: forget_rows}
