"""One of several processes at a time: a lease row with a fencing number, by the database's clock alone.

Not an advisory lock: those stack when taken twice, vanish in silence with their connection, and need session pooling.
"""

from __future__ import annotations

import time
from datetime import timedelta

import asyncpg
from sqlalchemy import BigInteger, Column, DateTime, Table, Text, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import mechanism, new_id

RELAY = "outbox"
"""The lease of whoever publishes this database's outbox."""

relay_lease = Table(
    "relay_lease",
    mechanism,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

_TAKE = """
WITH ours AS (
    UPDATE relay_lease SET holder = $2, expires_at = clock_timestamp() + $3::interval,
        fence = fence + CASE WHEN holder = $2 THEN 0 ELSE 1 END
    WHERE name = $1 AND (holder = $2 OR expires_at < clock_timestamp()) RETURNING fence
), first AS (
    INSERT INTO relay_lease (name, holder, fence, expires_at) SELECT $1, $2, 1, clock_timestamp() + $3::interval
    WHERE NOT EXISTS (SELECT 1 FROM relay_lease WHERE name = $1) ON CONFLICT DO NOTHING RETURNING fence
)
SELECT fence FROM ours UNION ALL SELECT fence FROM first
"""
"""Who only stands by locks and writes nothing: an ``ON CONFLICT DO UPDATE`` would lock the row ten times a second."""

_END = "UPDATE relay_lease SET expires_at = '-infinity', holder = '' WHERE name = $1"
_RELEASE = f"{_END} AND holder = $2"


async def depose(session: AsyncSession, name: str) -> None:
    """End the lease whoever holds it, with the session's transaction: what its holder knows of the rows is then out of date."""
    await session.execute(text(_END.replace("$1", ":name")), {"name": name})


class Lease:
    """The right to be the active one, for ``seconds`` at a time.

    ``fence`` grows with every change of holder; whatever the holder writes names its fence, so that one who was frozen
    and deposed writes nothing. ``remaining()`` is counted from before the request left, on this machine's monotonic
    clock: it errs on the early side whatever the clocks of the two machines say.
    """

    def __init__(self, name: str, *, seconds: float) -> None:
        self.name = name
        self.holder = new_id()
        self.fence = 0
        self.seconds = seconds
        self._until = 0.0

    def remaining(self) -> float:
        """Seconds for which nobody else can hold the lease; 0 or less when it is not ours."""
        return self._until - time.monotonic()

    async def hold(self, connection: asyncpg.Connection[asyncpg.Record], *, needed: float = 0.0) -> bool:
        """Take the lease or renew it; True while it is ours. No round trip while two thirds of it, and ``needed`` seconds, are left."""
        if self.remaining() > max(self.seconds * 2 / 3, needed):
            return True
        asked_at = time.monotonic()
        fence = await connection.fetchval(_TAKE, self.name, self.holder, timedelta(seconds=self.seconds))
        if fence is None:
            self._until = 0.0
            return False
        self.fence, self._until = fence, asked_at + self.seconds
        return True

    def lost(self) -> None:
        """Somebody else holds it now: do not trust what is left of it."""
        self._until = 0.0

    async def release(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Let the next one take over at once."""
        self._until = 0.0
        await connection.execute(_RELEASE, self.name, self.holder)
