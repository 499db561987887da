"""How far back the relay must look: an optimisation, so that a long drain does not wade through its own dead rows."""

from __future__ import annotations

import time

import asyncpg

from shared.lease import Lease

_LOOK = """
SELECT pg_snapshot_xmin(s)::text::bigint AS oldest,
  (SELECT min(seq) FROM outbox WHERE published_at IS NULL AND parked_at IS NULL AND seq >= $1) AS waiting,
  (SELECT fence FROM relay_lease WHERE name = $2 AND holder = $3) AS fence
FROM pg_current_snapshot() s
"""
_DRAWN = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_seq_seq"
_ID = "SELECT pg_current_xact_id()::text::bigint"
_CACHE = "SELECT seqcache FROM pg_sequence WHERE seqrelid = 'outbox_seq_seq'::regclass"


class DrawnAhead(RuntimeError):
    """The outbox's sequence hands out numbers in advance: no order of facts could be told from them."""


class Horizon:
    """Below its ``floor`` no row waits and none can appear.

    Proof: ``seq`` is drawn after its transaction has an id (the aggregate is written first). Whoever drew a number up to ``L``
    has a lower id than we, if we get ours after ``L`` was read; once all lower ones have ended, every row up to ``L`` that will ever
    exist can be seen, and the lowest waiting row bounds the rest. (The end of a snapshot, `pg_snapshot_xmax`, is no such id: it is next
    to the last that has ended, and the newest that still runs may lie beyond it.) Whoever puts rows back below it ends the relay's
    lease in the same transaction (`shared.lease.depose`), and a new lease begins with a new horizon. Every two seconds it looks
    from zero all the same, for rows that were put back by hand.
    """

    _EVERY, _AGAIN = 0.1, 2.0

    def __init__(self) -> None:
        self.floor = 0
        self._moved_at = 0.0
        self._drawn = self._settled = 0
        self._pending: tuple[int, int] | None = None
        self._rescan_at = 0.0

    def ahead_of(self, seq: int) -> int:
        """How many numbers had been drawn after this one when it was last looked: about as many facts wait behind it."""
        return max(0, self._drawn - seq)

    def due(self) -> bool:
        """Whether it is time to look again: a hundred facts a second are not worth a hundred looks."""
        return time.monotonic() >= self._moved_at + self._EVERY

    async def move(self, reader: asyncpg.Connection[asyncpg.Record], lease: Lease) -> bool:
        """Raise the floor as far as is safe, by a few small statements; False when the lease has ended meanwhile."""
        self._moved_at = time.monotonic()
        if time.monotonic() >= self._rescan_at:
            self.floor, self._rescan_at = 0, time.monotonic() + self._AGAIN
        row = await reader.fetchrow(_LOOK, self.floor, lease.name, lease.holder)
        assert row is not None
        if row["fence"] != lease.fence:
            return False
        if self._pending is not None and row["oldest"] >= self._pending[1]:
            self._settled, self._pending = self._pending[0], None
        above = self._settled + 1
        self.floor = max(self.floor, above if row["waiting"] is None else min(above, row["waiting"]))
        if self._pending is None and self._drawn > self._settled:  # only then: an id is one of the few things a database can run out of
            self._pending = (self._drawn, await reader.fetchval(_ID))
        self._drawn = await reader.fetchval(_DRAWN)
        return True


async def check_sequence(reader: asyncpg.Connection[asyncpg.Record]) -> None:
    """Raise `DrawnAhead` when sessions keep numbers for later: one drawn early and used late would overtake backwards."""
    ahead = await reader.fetchval(_CACHE)
    if ahead != 1:
        raise DrawnAhead(
            f"the outbox's sequence has CACHE {ahead}: facts would leave out of order; run ALTER SEQUENCE outbox_seq_seq CACHE 1"
        )
