"""The bare twin of our HTTP service: FastAPI, SQLAlchemy and asyncpg as anyone writes them, and nothing else.

`INTERURBE_BENCH_URL=postgresql://… python -m bench.bare_app PORT`. POST inserts as many rows as drafting an agreement does
(agreement, revision, its canonical bytes, the outbox, the idempotency key), GET reads one by its key.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, Uuid, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils import uuid7

ROWS = int(os.environ.get("INTERURBE_BENCH_ROWS", "4"))
engine = create_async_engine(
    make_url(os.environ.get("INTERURBE_BENCH_URL", "postgresql://localhost/none")).set(drivername="postgresql+asyncpg"), pool_size=10, max_overflow=0
)
reading = engine.execution_options(isolation_level="AUTOCOMMIT")
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Model(DeclarativeBase):
    """The bare tables."""


class Document:
    """A row with a body."""

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


TABLES: list[Any] = [type(f"Bare{number}", (Document, Model), {"__tablename__": f"bare_{number}"}) for number in range(ROWS)]


class Body(BaseModel):
    """Whatever is sent."""

    kind: str
    model_config = ConfigDict(extra="allow")


async def session() -> AsyncIterator[AsyncSession]:
    """A session of its own for each request."""
    async with sessions() as made:
        yield made


async def reader() -> AsyncIterator[AsyncConnection]:
    """A connection without transactions."""
    async with reading.connect() as connection:
        yield connection


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Make the tables."""
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/documents", status_code=201)
async def post(body: Body, own: Annotated[AsyncSession, Depends(session, scope="function")]) -> dict[str, Any]:
    """Insert a row into each table."""
    said, made = body.model_dump(), str(uuid7())
    own.add_all([table(id=made if number == 0 else str(uuid7()), body=said) for number, table in enumerate(TABLES)])
    await own.commit()
    return {"id": made, **said}


@app.get("/documents/{document}")
async def get(document: str, own: Annotated[AsyncConnection, Depends(reader, scope="function")]) -> dict[str, Any]:
    """Read one row."""
    table = TABLES[0].__table__
    row = (await own.execute(select(table).where(table.c.id == document))).one()
    return {"id": row.id, **row.body}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False, loop="uvloop", http="httptools")
