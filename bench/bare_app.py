"""The bare twin of our HTTP service: FastAPI, SQLAlchemy and asyncpg as anyone writes them, and nothing else.

`INTERURBE_BENCH_URL=postgresql://… python -m bench.bare_app PORT`. POST inserts as many rows as drafting an agreement does
(agreement, revision, its canonical bytes, the outbox, the idempotency key), GET reads one by its key.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, Uuid, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils import uuid7

ROWS = 4


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


def build(url: str) -> FastAPI:
    """The application on a database of its own."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), pool_size=10, max_overflow=0)
    reading = engine.execution_options(isolation_level="AUTOCOMMIT")
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as made:
            yield made

    async def reader() -> AsyncIterator[AsyncConnection]:
        async with reading.connect() as connection:
            yield connection

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Model.metadata.create_all)
        yield

    app = FastAPI(lifespan=lifespan)
    app.post("/documents", status_code=201)(_posting(session))
    app.get("/documents/{document}")(_getting(reader))
    return app


def _posting(session: Any) -> Any:
    async def post(body: Body, own: AsyncSession = Depends(session, scope="function")) -> dict[str, Any]:  # noqa: B008 - FastAPI's way
        said, made = body.model_dump(), str(uuid7())
        own.add_all([table(id=made if number == 0 else str(uuid7()), body=said) for number, table in enumerate(TABLES)])
        await own.commit()
        return {"id": made, **said}

    return post


def _getting(reader: Any) -> Any:
    async def get(document: str, own: AsyncConnection = Depends(reader, scope="function")) -> dict[str, Any]:  # noqa: B008 - FastAPI's way
        table = TABLES[0].__table__
        row = (await own.execute(select(table).where(table.c.id == document))).one()
        return {"id": row.id, **row.body}

    return get


def main() -> None:
    """Serve it on the port given."""
    served = build(os.environ["INTERURBE_BENCH_URL"])
    uvicorn.run(served, port=int(sys.argv[1]), log_level="error", access_log=False, loop="uvloop", http="httptools")


if __name__ == "__main__":
    main()
