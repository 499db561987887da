"""One of several processes at a time: a lease row with a fencing number, by the database's clock alone.

Not an advisory lock: those stack when taken twice, vanish in silence with their connection, and need session pooling.
"""

from __future__ import annotations

import time
from datetime import timedelta

import asyncpg
from sqlalchemy import BigInteger, Column, DateTime, Table, Text

from shared.db import mechanism, new_id

relay_lease = Table(
    "relay_lease",
    mechanism,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

_TAKE = """
INSERT INTO relay_lease (name, holder, fence, expires_at) VALUES ($1, $2, 1, clock_timestamp() + $3::interval)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
    fence = relay_lease.fence + CASE WHEN relay_lease.holder = excluded.holder THEN 0 ELSE 1 END
WHERE relay_lease.holder = excluded.holder OR relay_lease.expires_at < clock_timestamp()
RETURNING fence
"""
_RELEASE = "UPDATE relay_lease SET expires_at = '-infinity', holder = '' WHERE name = $1 AND holder = $2"


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
        self._seconds = seconds
        self._until = 0.0

    def remaining(self) -> float:
        """Seconds for which nobody else can hold the lease; 0 or less when it is not ours."""
        return self._until - time.monotonic()

    async def hold(self, connection: asyncpg.Connection[asyncpg.Record]) -> bool:
        """Take the lease or renew it; True while it is ours. One round trip, and none while two thirds of it are left."""
        if self.remaining() > self._seconds * 2 / 3:
            return True
        asked_at = time.monotonic()
        fence = await connection.fetchval(_TAKE, self.name, self.holder, timedelta(seconds=self._seconds))
        if fence is None:
            self._until = 0.0
            return False
        self.fence, self._until = fence, asked_at + self._seconds
        return True

    def lost(self) -> None:
        """Somebody else holds it now: do not trust what is left of it."""
        self._until = 0.0

    async def release(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Let the next one take over at once."""
        self._until = 0.0
        await connection.execute(_RELEASE, self.name, self.holder)
