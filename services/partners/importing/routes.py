"""Imports and the export over HTTP."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, BinaryIO, ClassVar, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from sqlalchemy import text

from services.partners.importing import commands, views, writing
from services.partners.importing.columns import columns_of
from services.partners.importing.models import NOT_TAKEN, Received, Sent
from services.partners.importing.reading import csv_rows, ndjson_rows
from services.partners.importing.schemas import (
    CSV,
    FILE,
    FILE_BODY,
    MEDIA,
    NDJSON,
    ExportWanted,
    ImportFilters,
    ImportOut,
    ImportWanted,
    RowFilters,
    RowOut,
)
from services.partners.registry.listing.views import Wanted, partners_wanted
from services.partners.registry.schemas import PartnerFilters
from services.partners.registry.standing.models import State
from shared.http import CommandRoute, Cursor, Id, Page, Reader, Reads, Session, Writes, link_next, page_of
from shared.http.session import runtime_of
from shared.http.uploads import Upload, UploadRoute, spool, take_your_time
from shared.telemetry.tracing import current_traceparent

_PAGE: Final = 200


class _FileRoute(UploadRoute):
    media: ClassVar[tuple[str, ...]] = tuple(MEDIA)


_files = APIRouter(prefix="/v1/partners", tags=["imports"], route_class=_FileRoute)
_partners = APIRouter(prefix="/v1/partners", tags=["imports"], route_class=CommandRoute)
router = APIRouter(prefix="/v1/imports", tags=["imports"], route_class=CommandRoute)

ROUTERS: Final[list[APIRouter]] = [_files, _partners, router]
"""Before those of the registry: `export` is no partner's id."""

ImportId = Annotated[Id, Path(description="The import's id.")]


@_files.post("/import", status_code=202, response_model=ImportOut, openapi_extra=FILE_BODY, summary="Import partners from a file")
async def import_partners(
    request: Request, file: Upload, caller: Writes, session: Session, wanted: Annotated[ImportWanted, Query()]
) -> JSONResponse:
    """Take in up to 50,000 partners (64 MiB) as CSV or NDJSON, each row as `PUT /v1/partners/by-external-id` would take it.

    A row that names a partner on record, by `id` or by one of its identifiers, brings it up to date; any other registers a new one.
    Each row is taken whole or not at all, whatever becomes of the others, with the rights of the client that sent it. 202 says that
    every row is stored: the work goes on after a restart, and `Location` tells how far it is. Nothing is stored of a file that cannot
    be read, or has a column that is not known. With `dry_run` everything is tried and nothing kept.

    CSV is UTF-8 with a header, and comma, semicolon or tab. Columns are the fields of a partner: `name.es`, `identifier.wikidata`
    (as often as needed), `alias.1`, `alias.1.lang`, `languages` with `;` or spaces; an empty cell leaves what is there.
    """
    kind = MEDIA[request.headers["content-type"].partition(";")[0].strip().lower()]
    columns, rows = _told_apart(kind, file)
    received = Received(format=kind, columns=columns, traceparent=current_traceparent()[0], **wanted.model_dump())
    made = await commands.receive(session, caller, received, rows, datetime.now(UTC))
    return JSONResponse(views.told(made), 202, {"Location": f"/v1/imports/{made.id}"})


def _told_apart(kind: str, file: BinaryIO) -> tuple[list[str], Iterator[Sent]]:
    if kind == "ndjson":
        return [], ndjson_rows(file)
    columns, rows = csv_rows(file)
    columns_of(columns)
    return columns, rows


@_partners.get("/export", responses=FILE, response_class=Response, summary="Partners as a file")
async def export(request: Request, caller: Reads, wanted: Annotated[ExportWanted, Query()]) -> Response:
    """Every partner that the filters of the list let through, as CSV or NDJSON that an import takes back.

    A cell that begins like a formula (`=`, `+`, `-`, `@`, tab) has an apostrophe before it, so that no spreadsheet runs it; an import takes
    it away again. `id` and `version` say which partner was read, and when: an import refuses to overwrite what changed since. Who was
    merged into another is left out.
    """
    given = wanted.model_dump(exclude_unset=True)
    asked = given.pop("format", None) or ("ndjson" if "ndjson" in request.headers.get("accept", "") else "csv")
    take_your_time(request)
    file = spool(request)
    try:
        columns = await writing.spool_partners(file, _snapshot(request, PartnerFilters(**given).wanted(caller, datetime.now(UTC).date())))
    except BaseException:  # whatever ends it, also a caller who has gone, the place on the disk is given back; raised again
        file.close()
        raise
    pieces = writing.as_csv(file, columns) if asked == "csv" else writing.as_ndjson(file)
    headers = {"Content-Disposition": f'attachment; filename="partners.{asked}"'}
    return StreamingResponse(writing.given_out(file, pieces), 200, headers, CSV if asked == "csv" else NDJSON)


async def _snapshot(request: Request, wanted: Wanted) -> AsyncIterator[dict[str, Any]]:
    """Those partners as they were at one moment, fetched so few at a time that others are answered meanwhile."""
    async with runtime_of(request).database.session() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection = await session.connection()
        after: str | None = None
        while page := await partners_wanted(connection, wanted, after, _PAGE):
            for partner in page:
                if partner["state"] != State.MERGED:  # its id leads to another partner, which is there too
                    yield partner
            after = page[-1]["id"]


@router.get("", response_model=Page[ImportOut], summary="List imports")
async def list_imports(request: Request, reader: Reader, caller: Reads, filters: Annotated[ImportFilters, Query()]) -> JSONResponse:
    """The imports of the caller's partner (of all, for the operator), newest first."""
    found = await views.imports_of(reader, caller, Cursor.read_id(filters.after), filters.limit + 1)
    return page_of(request, found, filters.limit)


@router.get("/{importing}", response_model=ImportOut, summary="How far an import is")
async def read(importing: ImportId, reader: Reader, caller: Reads) -> JSONResponse:
    """`done` of `rows`, and what became of them; somebody else's import is a 404."""
    return JSONResponse(await views.import_by_id(reader, caller, importing))


@router.get("/{importing}/rows", response_model=Page[RowOut], summary="What became of each row")
async def rows(
    request: Request, importing: ImportId, reader: Reader, caller: Reads, filters: Annotated[RowFilters, Query()]
) -> JSONResponse:
    """The rows in the order of the file, as they were sent, each with its outcome, the partner, or why it was not taken.

    They are kept for 30 days after the end of the import; then the answer is 410 `rows-forgotten`.
    """
    known = await views.import_by_id(reader, caller, importing)
    outcomes = [filters.outcome] if filters.outcome is not None else []
    after = Cursor.read(filters.after, int)
    found = await views.rows_of(reader, known, outcomes, int(after[0]) if after else 0, filters.limit + 1)
    told = [{name: row[name] for name in RowOut.model_fields} for row in found]
    return page_of(request, told, filters.limit, "n")


@router.get("/{importing}/refused", responses=FILE, response_class=Response, summary="The rows that were not taken, to be mended")
async def refused(
    request: Request, importing: ImportId, reader: Reader, caller: Reads, filters: Annotated[ImportFilters, Query()]
) -> Response:
    """The rows that were refused or seem to be duplicates, in the form in which they were sent, with what is wrong with each.

    The columns `error.…` (in NDJSON the member `error`) are not read by an import, so a mended file can be sent as it is.
    What `Link: rel="next"` leads to follows, again with a header.
    """
    known = await views.import_by_id(reader, caller, importing)
    after = Cursor.read(filters.after, int)
    found = await views.rows_of(reader, known, NOT_TAKEN, int(after[0]) if after else 0, filters.limit + 1)
    page = found[: filters.limit]
    header = await views.header_of(reader, importing)
    csv = known["format"] == "csv"
    content = writing.mendable_csv(header, page) if csv else writing.mendable_ndjson(page)
    response = Response(content, media_type=CSV if csv else NDJSON)
    link_next(request, response, Cursor.write(page[-1]["n"]) if len(found) > filters.limit else None)
    return response


@router.post("/{importing}/cancel", response_model=ImportOut, summary="Cancel an import")
async def cancel(importing: ImportId, caller: Writes, session: Session) -> JSONResponse:
    """Stop before the next row; what was done stays. No `If-Match` is asked for: the import moves on while you decide."""
    return JSONResponse(views.told(await commands.cancel_import(session, caller, importing, datetime.now(UTC))))
