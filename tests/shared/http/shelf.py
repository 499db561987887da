"""A small service made for these tests: boxes on a shelf, drafted, changed and read through the edge as it is."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Query, Request, Response
from pydantic import Field
from sqlalchemy import Column, Identity, Integer, MetaData, Table, Text, insert, select, text, update
from starlette.responses import HTMLResponse

from shared.http import (
    Admins,
    After,
    CommandRoute,
    Cursor,
    Day,
    Id,
    IfMatch,
    Limit,
    Line,
    Names,
    OpenRoute,
    Page,
    Reader,
    Reads,
    Session,
    Signed,
    StrictModel,
    TimeZone,
    Whole,
    Writes,
    build_app,
    link_next,
    shown_once,
    tag,
)
from shared.http import Text as Words
from shared.http.limits import Limits
from shared.process import Runtime
from shared.refusals import Conflict, NotFound, Stale
from shared.telemetry import correlation_id, current_traceparent

tables = MetaData()
boxes = Table(
    "boxes",
    tables,
    Column("number", Integer, Identity(), primary_key=True),
    Column("label", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("version", Integer, nullable=False),
)


class LabelTaken(Conflict):
    """Another box has this label. Choose another one."""

    code = "label-taken"
    title = "The label is taken."


class Line3(StrictModel):
    """One line of a packing list."""

    line: Line
    amount: Whole = Field(gt=0)


class NewBox(StrictModel):
    """What a box is made of."""

    label: Line
    names: Names | None = None
    remarks: Words | None = None
    timezone: TimeZone | None = None
    day: Day | None = None
    lines: list[Line3] = Field(default=[], max_length=3)


class Box(StrictModel):
    """A box as it is shown."""

    number: int
    label: str
    version: int


commands = APIRouter(prefix="/v1", route_class=CommandRoute, tags=["boxes"])
pages = APIRouter(route_class=OpenRoute, default_response_class=HTMLResponse)


@commands.post("/boxes", status_code=201)
async def draft(body: NewBox, caller: Writes, session: Session, response: Response) -> Box:
    """Put a new box on the shelf."""
    if body.label == "taken":
        raise LabelTaken("There is a box with this label.", field="/label", fix="Choose another label.")
    row = {"label": body.label, "owner": caller.partner, "version": 1}
    number = (await session.execute(insert(boxes).values(row).returning(boxes.c.number))).scalar_one()
    session.info["recorded"] = True
    tag(response, 1)
    response.headers["Location"] = f"/v1/boxes/{number}"
    return Box(number=number, label=body.label, version=1)


@commands.post("/boxes/doomed", status_code=201)
async def doomed(caller: Signed, session: Session) -> dict[str, str]:
    """Answer well, and let the commit fail."""
    await session.execute(text("INSERT INTO doomed VALUES (1), (1)"))
    return {"done": "it says"}


@commands.post("/boxes/slow", status_code=201)
async def slow(caller: Signed, session: Session) -> dict[str, str]:
    """Take a while."""
    await session.execute(text("SELECT pg_sleep(60)"))
    return {"done": "at last"}


@commands.post("/boxes/{one}/before/{other}", status_code=200)
async def touch_both(one: int, other: int, caller: Writes, session: Session) -> dict[str, str]:
    """Lock two boxes one after the other, as slowly as it takes to meet somebody who does it the other way round."""
    for number in (one, other):
        await session.execute(update(boxes).where(boxes.c.number == number).values(version=boxes.c.version + 1))
        await session.execute(text("SELECT pg_sleep(0.2)"))
    return {"touched": "both"}


@commands.post("/secrets", status_code=201)
@shown_once
async def secret(caller: Admins, session: Session) -> dict[str, str]:
    """Show a secret once."""
    await session.execute(insert(boxes).values(label="secret", owner=caller.partner, version=1))
    return {"secret": "s3cret"}


@commands.get("/boxes", response_model=Page[Box])
async def shelf(request: Request, caller: Reads, reader: Reader, limit: Limit = 2, after: After = None) -> Response:
    """The boxes, oldest first."""
    start = Cursor.read(after, int) or (0,)
    query = select(boxes).where(boxes.c.number > start[0]).order_by(boxes.c.number).limit(limit + 1)
    rows = [Box(number=row.number, label=row.label, version=row.version) for row in await reader.execute(query)]
    following = Cursor.write(rows[limit - 1].number) if len(rows) > limit else None
    response = Response(Page[Box](items=rows[:limit], next=following).model_dump_json(), media_type="application/json")
    link_next(request, response, following)
    return response


@commands.get("/slow")
async def slow_reading(caller: Reads, reader: Reader) -> dict[str, str]:
    """Read for a while."""
    await reader.execute(text("SELECT pg_sleep(60)"))
    return {"read": "at last"}


@commands.get("/boxes/{number}")
async def read(number: Annotated[int, Field(le=2**31 - 1)], caller: Reads, reader: Reader, response: Response) -> Box:
    """One box."""
    row = (await reader.execute(select(boxes).where(boxes.c.number == number))).one_or_none()
    if row is None:
        raise NotFound(f"There is no box {number}.")
    tag(response, row.version)
    return Box(number=row.number, label=row.label, version=row.version)


@commands.patch("/boxes/{number}")
async def relabel(number: int, body: NewBox, caller: Writes, session: Session, seen: IfMatch) -> dict[str, Any]:
    """Give a box another label."""
    change = update(boxes).where(boxes.c.number == number, boxes.c.version == seen).values(label=body.label, version=seen + 1)
    done: Any = await session.execute(change)
    if done.rowcount != 1:
        raise Stale("The box changed.", field="If-Match", fix="Read it again.")
    return {"version": seen + 1}


@commands.put("/boxes/by-id/{given}")
async def by_id(given: Id, caller: Writes, session: Session, shelf: Annotated[str | None, Query(max_length=5)] = None) -> dict[str, str]:
    """Repeat an id."""
    return {"id": given}


@commands.post("/crash", status_code=201)
async def crash(caller: Signed, session: Session) -> None:
    """Break in a way nobody foresaw."""
    raise RuntimeError("the secret of the house is 42")


@commands.post("/context", status_code=201)
async def context(caller: Signed) -> dict[str, str | None]:
    """Tell what the work inside belongs to."""
    return {"traceparent": current_traceparent()[0], "correlation": correlation_id.get()}


@pages.get("/link/{secret}")
async def link(secret: str) -> HTMLResponse:
    """A page behind a link."""
    return HTMLResponse("<p>welcome</p>")


@pages.get("/page")
async def page() -> HTMLResponse:
    """A page."""
    return HTMLResponse("<p>hello</p>")


@pages.post("/page")
async def press(session: Session, choice: Annotated[Line, Form()]) -> HTMLResponse:
    """A button."""
    await session.execute(insert(boxes).values(label=choice, owner="nobody", version=1))
    return HTMLResponse("<p>done</p>", status_code=410 if choice == "refuse" else 200)


DOOMED = "CREATE TABLE doomed (n int, CONSTRAINT once UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)"


def build(runtime: Runtime, limits: Limits) -> FastAPI:
    """The application."""
    return build_app(runtime, title="Shelf", routers=[commands, pages], description="Boxes.", limits=limits)
