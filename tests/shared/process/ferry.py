"""A service made for tests of the process: `python -m tests.shared.process.ferry run`.

`GET /wait` answers only when nobody holds the advisory lock 7, so a test decides how long a request is in flight.
FERRY_HANGS names what hangs when the process is to end: `bus` or `loop`. With FERRY_FOLLOWS it has two consumers, one without a view.
"""

import asyncio
import os
from typing import Any

from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from shared.auth import Verifier
from shared.bus import Bus
from shared.consumer import Consumer
from shared.http import OpenRoute, Reader, Session, build_app
from shared.loop import Wake
from shared.process import Check, Runtime, Service, Trouble, main
from shared.settings import Settings
from shared.signing import LocalKeys, new_key
from tests.shared.ledger import HANDLERS, NOW, Ledger, LedgerView, Model

routes = APIRouter(route_class=OpenRoute)


@routes.get("/wait")
async def wait(reader: Reader) -> dict[str, bool]:
    """Answer when the lock is free."""
    await reader.execute(text("SELECT pg_advisory_lock_shared(7), pg_advisory_unlock_shared(7)"))
    return {"done": True}


@routes.post("/ledgers", status_code=201)
async def open_ledger(session: Session) -> dict[str, str]:
    """Record a fact."""
    from shared.outbox import record  # noqa: PLC0415 - as any command would have it

    ledger = Ledger(notes=[])
    await record(session, ledger, ledger.note(1), now=NOW)
    return {"id": ledger.id}


def build(runtime: Runtime) -> FastAPI:
    """The ferry's API; it knows its own key."""
    runtime.verifier = Verifier(runtime.settings.issuer, runtime.settings.audience, LocalKeys(new_key()))
    return build_app(runtime, title="Ferry", routers=[routes], description="Crosses and comes back.")


class Anchored:
    """A loop that works on and on, and lets nobody cancel it."""

    name, poll_seconds = "anchored", 1.0

    def __init__(self) -> None:
        self.wake = Wake()

    async def step(self) -> int:
        """Never end."""
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    def trouble(self) -> str | None:
        """None."""
        return None

    async def close(self) -> None:
        """Nothing."""


def loops(runtime: Runtime) -> list[Any]:
    """None of its own, unless something is to hang, or it is to follow somebody."""
    if os.environ.get("FERRY_FOLLOWS"):
        return [Consumer("ferry.ledgers", runtime, HANDLERS, (LedgerView,)), Consumer("ferry.echoes", runtime, HANDLERS)]
    hangs = os.environ.get("FERRY_HANGS")
    if hangs == "bus":
        runtime.bus = _never_closing(runtime.bus)
    return [Anchored()] if hangs == "loop" else []


def _never_closing(bus: Bus) -> Bus:
    async def close() -> None:
        await asyncio.Event().wait()

    bus.close = close  # type: ignore[method-assign]  # a broker that hangs, as seen from here
    return bus


def greet(name: str, loud: bool = False) -> None:
    """Greet somebody."""
    print("AHOY" if loud else "ahoy", name)  # noqa: T201 - what a command of an operator does


async def count(runtime: Runtime, table: str) -> None:
    """Count the rows of a table."""
    async with runtime.database.reader() as reader:
        print((await reader.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())  # noqa: T201 - the same


def checks(_runtime: Runtime) -> list[Check]:
    """The ferry's own question."""

    async def afloat() -> str:
        if os.environ.get("FERRY_LEAKS"):
            raise Trouble("water comes in", "Bail it out.")
        return "afloat"

    return [Check("hull", afloat)]


SERVICE = Service(
    name="ferry",
    settings=Settings,
    app=build,
    loops=loops,
    models=lambda: Model.metadata,
    commands={"greet": greet, "count": count},
    checks=checks,
    publishes=("interurbe.partners",),
)

if __name__ == "__main__":
    main(SERVICE)
