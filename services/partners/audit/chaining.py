"""The loop that chains what waits."""

from services.partners.audit.commands import chain
from shared.db import Database
from shared.loop import Wake


class Chaining:
    """Chains entries in batches, so that no request waits for the end of the chain; at most a second after their commit."""

    name = "audit"
    poll_seconds = 1.0

    def __init__(self, database: Database) -> None:
        """Chain the audit of ``database``."""
        self.wake = Wake()
        self._database = database

    async def step(self) -> int:
        """Chain one batch; how many entries."""
        async with self._database.session() as session:
            chained = await chain(session)
            await session.commit()
        return chained

    def trouble(self) -> str | None:
        """Never in trouble of its own: a database that is away is told by others."""
        return None

    async def close(self) -> None:
        """Nothing is held between steps."""
