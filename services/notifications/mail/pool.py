"""The connections to the mail server, and the pause that is kept while it cannot be used."""

import random
from datetime import datetime, timedelta

from services.notifications.mail.smtp import Connect, Line, ServerAway, SignInRefused

IDLE = timedelta(seconds=30)
"""How long a connection is kept without use: servers close idle ones, most after a minute or more."""

SHORT, LONG = timedelta(seconds=1), timedelta(seconds=60)
"""The first and the longest pause while the server is away."""

SIGN_IN, LONGEST_SIGN_IN = timedelta(seconds=60), timedelta(minutes=15)
"""The same while it refuses our password: tried often, an account is locked."""


class Pool:
    """Opens connections when needed and keeps them; after a failure to open one, nothing is tried before ``retry_at``."""

    def __init__(self, connect: Connect) -> None:
        self.trouble: str | None = None
        self.retry_at: datetime | None = None
        self._connect = connect
        self._idle: list[tuple[Line, datetime]] = []
        self._busy = 0
        self._failures = 0

    @property
    def has_lines(self) -> bool:
        """Whether any connection is open."""
        return self._busy > 0 or any(line.ended is None for line, _ in self._idle)

    def paused(self, now: datetime) -> bool:
        """Whether the server was found unusable and it is too early to ask again."""
        return self.retry_at is not None and now < self.retry_at

    async def take(self, now: datetime) -> tuple[Line, bool]:
        """A connection, and whether it was used before (then it may be dead without knowing it). Raises `SignInRefused` or `ServerAway`."""
        while self._idle:
            line, _ = self._idle.pop()
            if line.ended is None:
                self._busy += 1
                return line, True
        try:
            line = await self._connect()
        except (SignInRefused, ServerAway) as error:
            self._pause(error, now)
            raise
        self._busy += 1
        self._failures, self.trouble, self.retry_at = 0, None, None
        return line, False

    def give(self, line: Line, now: datetime) -> None:
        """Keep the connection for the next one, unless it ended."""
        self._busy -= 1
        if line.ended is None:
            self._idle.append((line, now))

    def nothing_waits(self) -> None:
        """A server that nobody needs is no trouble, whatever it was last."""
        self.trouble = None

    def prune(self, now: datetime) -> None:
        """Close what was not used for a while."""
        for line, since in self._idle:
            if now - since > IDLE:
                line.quit()
        self._idle = [(line, since) for line, since in self._idle if line.ended is None]

    def close(self) -> None:
        """Say goodbye on every idle connection."""
        for line, _ in self._idle:
            line.quit()
        self._idle = []

    def _pause(self, error: Exception, now: datetime) -> None:
        if self.paused(now):
            return  # several connections failed at once: that is one failure of the server
        self._failures += 1
        first, longest = (SIGN_IN, LONGEST_SIGN_IN) if isinstance(error, SignInRefused) else (SHORT, LONG)
        pause = min(first * 2 ** min(self._failures - 1, 10), longest)
        self.retry_at = now + pause * random.uniform(0.8, 1.0)  # noqa: S311 - jitter, not a secret
        self.trouble = f"mails wait, the mail server cannot be used: {error}"
