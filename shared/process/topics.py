"""The topics a service publishes to are there: made at the start, and again when somebody deleted them; that one is another is told."""

from collections.abc import Sequence

from shared.bus import Bus, BusError, BusUnavailable
from shared.db import Database
from shared.known_log import doubts
from shared.loop import Wake


class Topics:
    """A loop that makes what is missing, and looks again once a minute."""

    name = "topics"
    poll_seconds = 60.0

    def __init__(self, bus: Bus, topics: Sequence[str], database: Database | None = None) -> None:
        self.wake = Wake()
        self._bus = bus
        self._topics = topics
        self._database = database
        self._trouble: str | None = None

    async def step(self) -> int:
        """Make what is missing, and see whether they are the topics that our facts went to; raises BusError while the bus is away."""
        try:
            await self._bus.ensure_topics(self._topics)
            identities = await self._identities() if self._database else {}
        except BusError as error:
            self._trouble = f"{', '.join(self._topics)}: {error}"
            raise
        self._trouble = await doubts(self._database, identities) if self._database else None
        return 0

    async def _identities(self) -> dict[str, str]:
        """Who each of them is. A topic just made is not always known to the broker that is asked: then raises BusUnavailable."""
        found = await self._bus.identities(self._topics)
        unknown = sorted(set(self._topics) - set(found))
        if unknown:
            raise BusUnavailable(f"the broker does not know of {', '.join(unknown)} yet")
        return found

    def trouble(self) -> str | None:
        """That the topics could not be made, and why; or that they do not hold what was published."""
        return self._trouble

    async def close(self) -> None:
        """Nothing is held between two looks."""
