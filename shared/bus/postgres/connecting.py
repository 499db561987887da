"""Connections to the log's database that never wait for ever, and what went wrong in plain words."""

from __future__ import annotations

from urllib.parse import urlsplit

import asyncpg

from shared.bus import BusUnavailable

CONNECT_SECONDS = 3.0
COMMAND_SECONDS = 20.0
CLOSE_SECONDS = 2.0
# Everything that a broken, restarting or overloaded PostgreSQL may raise through asyncpg.
# The last one: a connection that ends just while a statement is on its way is found out by asyncpg in that guise.
TROUBLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# The server notices within half a minute that a machine has gone, and lets go of its locks.
KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4", "jit": "off"}


async def connect(url: str, application: str) -> asyncpg.Connection:
    """A connection of its own with a deadline on every command. Raises what TROUBLE lists."""
    settings = {"application_name": application[:63], **KEEPALIVE}
    return await asyncpg.connect(url, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS, server_settings=settings)


async def disconnect(connection: asyncpg.Connection | None) -> None:
    """Closes within two seconds, politely or not."""
    if connection is None:
        return
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except TROUBLE:
        connection.terminate()


def explain(error: BaseException, url: str) -> str:
    """What is wrong with the log's database and how to mend it, without its password."""
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        return f"the event log's database {where} refuses the user {parts.username!r}: check INTERURBE_LOG_URL"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"there is no database {where} for the event log: create it, or check INTERURBE_LOG_URL"
    if isinstance(error, TimeoutError):
        return f"the event log's database {where} does not answer: see whether PostgreSQL is overloaded or the network is cut"
    if isinstance(error, OSError):
        return f"nothing answers at {where}, where the event log should be: start PostgreSQL, or check INTERURBE_LOG_URL"
    return f"the event log's database {where} says: {str(error) or type(error).__name__}"


def unavailable(error: BaseException, url: str) -> BusUnavailable:
    """The same as an error to raise."""
    return BusUnavailable(explain(error, url))
