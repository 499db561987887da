"""The loop that takes in the rows of the files that were sent: in small transactions, so that it can stop anywhere and go on from there."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from pydantic import ValidationError
from sqlalchemy import bindparam, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from services.partners.importing.columns import Column, columns_of, named, said_by
from services.partners.importing.commands import end_import, keep_marks, refused, settle, take_rows
from services.partners.importing.models import Desk, ImportRow, Outcome, PartnerImport, Row, Taken
from services.partners.importing.schemas import RowKey
from services.partners.importing.views import desk_for, is_revoked, next_import, rows_to_do
from services.partners.registry.claims import one_at_a_time
from services.partners.registry.schemas import NewPartner
from shared.http import strict_json
from shared.http.problems import document, invalid
from shared.http.refusals import Failed
from shared.http.translation import translated, worth_repeating
from shared.http.validation import explained
from shared.loop import Wake
from shared.process import Runtime
from shared.refusals import Invalid, Refusal, Unavailable
from shared.telemetry import correlation_id, span_context
from shared.telemetry.tracing import trace_id_of, under

_log = structlog.get_logger("interurbe.importing")

BATCH: Final = 200
FEWEST: Final = 10
"""How many rows a batch has at the most, and at the least: between them, as many as can be done in time."""
TOGETHER: Final = 25
"""How many rows are written in one go; between two goes a batch may end."""
LONGEST_SECONDS: Final = 0.25
"""After so long a batch ends, for while it lasts nobody else can register anybody."""

_TELL: Final = text(
    "UPDATE partner_import_row AS r SET outcome = t.outcome, partner = t.partner, problem = t.problem "
    "FROM jsonb_to_recordset(:rows) AS t(n int, outcome text, partner uuid, problem jsonb) WHERE r.importing = :importing AND r.n = t.n"
).bindparams(bindparam("rows", type_=JSONB))


class Importing:
    """Works on one import after the other, a batch of each in turn; as many processes as there are, each on another."""

    name = "imports"
    poll_seconds = 1.0

    def __init__(self, runtime: Runtime) -> None:
        """Work in the database of ``runtime``."""
        self.wake = Wake()
        self._runtime = runtime
        self._trouble: str | None = None
        self._at: str | None = None
        self._fitting = FEWEST

    async def step(self) -> int:
        """Take in a batch of the import whose turn it is; how many rows."""
        self._at = None
        try:
            done = await self._next()
        except Exception as problem:  # told before the loop sees it; raised again
            self._trouble = f"the import {self._at} cannot go on: {type(problem).__name__}: {problem}"[:500]
            await self._give_way()
            raise
        self._trouble = None
        return done

    async def _next(self) -> int:
        async with self._runtime.database.session() as session:
            importing = await next_import(session)
            if importing is None:
                return 0
            self._at = importing.id
            correlation = correlation_id.set(trace_id_of(importing.traceparent))
            try:
                with under(span_context(importing.traceparent)):
                    done = await _batch(session, importing, self._fitting)
                await session.commit()
            finally:
                correlation_id.reset(correlation)
            # As many as could be done in time are read again, or more, if there was time for all of them.
            self._fitting = min(max(done, FEWEST) if done < self._fitting else 2 * done, BATCH)
            if session.info.get("recorded"):
                self._runtime.wake.set()
        return done

    async def _give_way(self) -> None:
        """Let the other imports have their turn before the one that could not go on."""
        if self._at is not None:
            async with self._runtime.database.session() as session:
                await session.execute(update(PartnerImport).where(PartnerImport.id == self._at).values(touched_at=datetime.now(UTC)))
                await session.commit()

    def trouble(self) -> str | None:
        """Which import cannot go on, if any, and why."""
        return self._trouble

    async def close(self) -> None:
        """Nothing is held between steps."""


async def _batch(session: AsyncSession, importing: PartnerImport, most: int) -> int:
    if await is_revoked(session, importing.client):
        await end_import(session, importing, "client revoked", datetime.now(UTC))
        return 1
    try:
        columns = columns_of(importing.columns) if importing.format == "csv" else []
    except Refusal as strange:  # it was sent to a release that knew a column this one does not
        await end_import(session, importing, strange.detail, datetime.now(UTC))
        return 1
    understood = [(row, *_understood(importing, columns, row)) for row in await rows_to_do(session, importing, min(most, BATCH))]
    await one_at_a_time(session)
    desk = await desk_for(session, importing, [row for _, row, _ in understood if row is not None])
    told: list[dict[str, Any]] = []
    until = time.monotonic() + LONGEST_SECONDS
    while len(told) < len(understood) and (not told or time.monotonic() < until):
        next_ones = understood[len(told) : len(told) + TOGETHER]
        next_ones = next_ones[: desk.companions([row for _, row, _ in next_ones], dry_run=importing.dry_run)]
        ends = await _taken(session, importing, desk, [row for _, row, _ in next_ones if row is not None])
        for stored, row, unclear in next_ones:
            end = ends[row.line] if row is not None else Taken(Outcome.REFUSED, None, unclear)
            problem = None if end.refusal is None else _problem(importing, columns, stored, end.refusal)
            told.append({"n": stored.n, "outcome": end.outcome, "partner": end.partner, "problem": problem})
    await session.execute(_TELL, {"rows": told, "importing": importing.id})
    await keep_marks(session, importing, desk)
    importing.count([row["outcome"] for row in told], datetime.now(UTC))
    await settle(session, importing)
    return len(told)


def _understood(importing: PartnerImport, columns: list[Column], stored: ImportRow) -> tuple[Row | None, Refusal | None]:
    """The row as commands take it, or why it cannot be one."""
    try:
        said = _said(columns, stored)
        said.pop("error", None)
        key, body = _validated(said)
    except Refusal as refusal:
        return None, refusal
    registration = body.registration()
    if importing.force:
        registration = replace(registration, force=True)
    return Row(line=stored.line, registration=registration, partner=key.id, version=key.version), None


def _said(columns: list[Column], stored: ImportRow) -> dict[str, Any]:
    if columns:
        return said_by(columns, stored.said)
    try:
        said = strict_json.parse(stored.said.encode())
    except Refusal as refusal:  # who reads it sees one line of the file, not a body
        refusal.detail = refusal.detail.replace("The body", "The line").replace(" at line 1,", " at")
        raise
    if not isinstance(said, dict):
        raise Invalid("The line is not a JSON object.", field="/", fix="Write each partner as one object in curly brackets, on one line.")
    return said


def _validated(said: dict[str, Any]) -> tuple[RowKey, NewPartner]:
    """Both parts of a row by the very rules of the API; raises Invalid with everything that is wrong."""
    errors: list[Any] = []
    parts: list[Any] = []
    own = {name: said[name] for name in RowKey.model_fields if name in said}
    rest = {name: value for name, value in said.items() if name not in own}
    for model, values in ((RowKey, own), (NewPartner, rest)):
        try:
            parts.append(model.model_validate(values))
        except ValidationError as problem:
            errors += [{**error, "loc": ("body", *error["loc"])} for error in problem.errors(include_url=False)]
    if errors:
        raise invalid(explained(errors))
    return parts[0], parts[1]


async def _taken(session: AsyncSession, importing: PartnerImport, desk: Desk, rows: Sequence[Row]) -> dict[int, Taken]:
    """What became of companions, by line: all of them at once, or one by one when something is wrong with one of them."""
    if len(rows) > 1:
        marks, fresh = {**desk.marks}, {**desk.fresh}
        try:
            ends = await take_rows(session, importing, desk, rows, datetime.now(UTC))
            return {row.line: end for row, end in zip(rows, ends, strict=True)}
        except Exception as problem:  # of whichever of them, which is found below; raised again where the whole batch may succeed later
            if _may_succeed_later(problem):
                raise
            desk.marks, desk.fresh = marks, fresh
            _log.warning("rows are taken one by one", importing=importing.id, line=rows[0].line, error=type(problem).__name__)
    return {row.line: await _taken_alone(session, importing, desk, row) for row in rows}


async def _taken_alone(session: AsyncSession, importing: PartnerImport, desk: Desk, row: Row) -> Taken:
    try:
        return (await take_rows(session, importing, desk, [row], datetime.now(UTC)))[0]
    except Exception as problem:  # raised again where the whole batch may well succeed later
        if _may_succeed_later(problem):
            raise
        told = translated(problem)
        if told is None:
            _log.exception("a row could not be taken in", importing=importing.id, line=row.line)
            told = Failed("The row could not be taken in; nothing of it was kept.", fix="Tell the service's operator the trace_id.")
        return refused(told)


def _may_succeed_later(problem: Exception) -> bool:
    """Whether the whole batch may well succeed when it is done again."""
    return isinstance(problem, StaleDataError) or worth_repeating(problem) or isinstance(translated(problem), Unavailable)


def _problem(importing: PartnerImport, columns: list[Column], stored: ImportRow, refusal: Refusal) -> dict[str, Any]:
    """The problem document of a row, with the name of the column where the file has any."""
    told = document(refusal, "/v1/partners/import")
    if columns:
        said = said_by(columns, stored.said) if len(stored.said) == len(columns) else {}
        for one in [told, *told.get("errors", ())]:
            if str(one.get("field") or "").startswith("/") and one["field"] != "/":
                one["column"] = named(one["field"], said)
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str).replace("\\u0000", "\\ufffd"))
    return plain
