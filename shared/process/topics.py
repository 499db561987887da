"""The topics a service publishes to are there: made at the start, and again when somebody deleted them."""

from collections.abc import Sequence

from shared.bus import Bus, BusError
from shared.loop import Wake


class Topics:
    """A loop that makes what is missing, and looks again once a minute."""

    name = "topics"
    poll_seconds = 60.0

    def __init__(self, bus: Bus, topics: Sequence[str]) -> None:
        self.wake = Wake()
        self._bus = bus
        self._topics = topics
        self._trouble: str | None = None

    async def step(self) -> int:
        """Make what is missing; raises BusError while the bus is away, so that the next try comes soon."""
        try:
            await self._bus.ensure_topics(self._topics)
        except BusError as error:
            self._trouble = f"{', '.join(self._topics)}: {error}"
            raise
        self._trouble = None
        return 0

    def trouble(self) -> str | None:
        """That the topics could not be made, and why."""
        return self._trouble

    async def close(self) -> None:
        """Nothing is held between two looks."""
