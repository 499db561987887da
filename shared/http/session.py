"""What a route gets of the database: the request's transaction, or a connection for reads."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

if TYPE_CHECKING:
    from shared.process import Runtime


def runtime_of(request: Request) -> "Runtime":
    """The runtime of the process that serves ``request``."""
    return cast("Runtime", request.scope["app"].state.runtime)


async def _session(request: Request) -> AsyncSession:
    session = request.scope["state"].get("session")
    if session is None:
        raise LookupError("a GET has no transaction: it takes a Reader, not a Session")
    return cast(AsyncSession, session)


def after_commit(session: AsyncSession, act: Callable[[], None]) -> None:
    """Have this process do something once the request's transaction is committed, and not if it is not: to forget what it knew before.

    Done earlier, another request could read and keep what is about to change.
    """
    session.info.setdefault("afterwards", []).append(act)


def committed(session: AsyncSession) -> None:
    """Do what `after_commit` was told."""
    for act in session.info.pop("afterwards", ()):
        act()


async def _reader(request: Request) -> AsyncConnection:
    state = request.scope["state"]
    if "reading" not in state:
        opened = runtime_of(request).database.reader()
        state["reading"] = opened, await opened.__aenter__()
    return cast(AsyncConnection, state["reading"][1])


async def done_reading(request: Request) -> None:
    """Give back the connection for reads, if the route asked for one (cheaper than a dependency with ``yield``: 0.1 ms)."""
    reading = request.scope["state"].pop("reading", None)
    if reading is not None:
        await reading[0].__aexit__(None, None, None)


Session = Annotated[AsyncSession, Depends(_session)]
"""The request's one transaction: the edge commits it before the answer leaves, a route never does."""


async def _at_hand(request: Request) -> AsyncSession | AsyncConnection:
    session: AsyncSession | None = request.scope["state"].get("session")
    return session if session is not None else await _reader(request)


AtHand = Annotated[AsyncSession | AsyncConnection, Depends(_at_hand)]
"""The request's transaction if it has one, else a connection for reads: for what is looked up whatever the method."""

Reader = Annotated[AsyncConnection, Depends(_reader)]
"""A connection for reads on which each select is one round trip; given back before the answer leaves."""
