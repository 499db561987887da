"""Tokens of a client that was revoked, or of a secret that ended, are refused at once, although every process verifies them offline.

A process that answers reads the few clients revoked and secrets ended lately once a second and keeps them in memory: no request costs a
query, nothing is lost when a connection breaks (as a notification would be), and processes that only answer need not consume. While the
database is away the last list holds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import CompoundSelect, Select

from shared.auth import Caller, InvalidToken, secret_of
from shared.db import Database
from shared.loop import Wake

if TYPE_CHECKING:
    from shared.process import Runtime

Since = Callable[[datetime], Select[str, Any] | CompoundSelect[str, Any]]
"""What is asked for what was revoked after a moment, as `Revoked` takes it."""

REMEMBERED = timedelta(hours=1)
"""Longer than any token lives: what was revoked earlier can have no token any more."""


class TokenRevoked(InvalidToken):
    """The access token was issued before its client was revoked or came to speak for another partner, or its secret has ended.

    Get a new access token, with the client's newest secret. If that is refused too, the client was revoked: ask the operator for another.
    """

    code = "token-revoked"
    title = "The access token was revoked."

    def __init__(self) -> None:
        """The same words for every client."""
        super().__init__("the access token was revoked")
        self.fix = (
            "Get a new access token, with the client's newest secret; if that is refused too, ask your partner's admin, or the platform's "
            "operator, for another client."
        )


class Revoked:
    """The loop that keeps the list, and the list."""

    name = "revoked clients"
    poll_seconds = 1.0

    def __init__(self, database: Database, since: Since) -> None:
        """``since(moment)`` asks ``database`` for (client, revoked at) of those revoked after the moment, and for (`secret_of`, its end)
        of secrets that ended after it or will.
        """
        self.wake = Wake()
        self._database, self._since = database, since
        self._moments: dict[str, float] = {}
        self._read = False

    def must_not_hold(self, caller: Caller) -> None:
        """Raise `TokenRevoked` when the caller's client was revoked after, or in the second in which, its token was issued.

        Or when the secret has ended that the token was got with: whenever that was, no token outlives it.
        """
        if not self._moments:
            return
        if caller.issued <= self._moments.get(caller.client, -1.0):
            raise TokenRevoked
        if caller.secret is not None and time.time() >= self._moments.get(secret_of(caller.client, caller.secret), math.inf):
            raise TokenRevoked

    def hold(self, revoked: str, moment: datetime) -> None:
        """Know of a revoked client, or of the end of a secret, before it is read: in the process that made it."""
        self._moments[revoked] = moment.timestamp()

    async def step(self) -> int:
        """Read the list anew; never anything left to do."""
        async with self._database.reader() as reader:
            rows = (await reader.execute(self._since(datetime.now(UTC) - REMEMBERED))).all()
        self._moments = {revoked: moment.timestamp() for revoked, moment in rows}
        self._read = True
        return 0

    def trouble(self) -> str | None:
        """What is wrong until it has succeeded once."""
        return None if self._read else "which clients were revoked has not been read yet; the database may be away or not migrated"

    async def close(self) -> None:
        """Nothing is held between steps."""


def refuse_revoked(runtime: Runtime, since: Since) -> Revoked:
    """Let this process refuse tokens of revoked clients; ``since`` as `Revoked` takes it."""
    revoked = Revoked(runtime.database, since)
    runtime.revoked = revoked
    runtime.loops.append(revoked)
    return revoked
