"""Which log the facts of a database went to: one that was wiped, or another one behind the same address, holds none of them.

One row per topic says who the topic is and since when; it lies beside the relay's lease, under a name of its own. When the topic
is another one, everything published before that moment is in doubt until an operator has had it sent again.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text

from shared.db import Database

_MEET = text(
    "INSERT INTO relay_lease AS known (name, holder, fence, expires_at) VALUES (:name, :identity, 0, clock_timestamp())"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = known.fence + 1, expires_at = excluded.expires_at"
    " WHERE known.holder <> excluded.holder"
)
_DOUBTFUL = text(
    "SELECT count(*), min(created_at)::date FROM outbox JOIN relay_lease known ON known.name = :name AND known.fence > 0"
    " WHERE topic = :topic AND published_at < known.expires_at"
)
_SETTLED = text("UPDATE relay_lease SET fence = 0 WHERE name = :name AND fence > 0")


async def doubts(database: Database, identities: Mapping[str, str]) -> str | None:
    """What was published to a log that is gone and has not been sent again since, in words for an operator; None when nothing was."""
    told = [words for topic, identity in sorted(identities.items()) if (words := await _doubt(database, topic, identity))]
    return "; ".join(told) or None


async def _doubt(database: Database, topic: str, identity: str) -> str | None:
    about = {"name": f"log {topic}", "topic": topic}
    async with database.session() as session:
        await session.execute(_MEET, {"name": about["name"], "identity": identity})
        count, oldest = (await session.execute(_DOUBTFUL, about)).one()
        if not count:
            await session.execute(_SETTLED, {"name": about["name"]})
        await session.commit()
    if not count:
        return None
    return f"{topic} is not the log that {count} facts were published to (wiped, or another server): run republish --since {oldest}"
