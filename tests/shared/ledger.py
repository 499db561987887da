"""The test's own aggregate and view: every change appends a number to a list, so loss, repeats and disorder show."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Integer, MetaData, String, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.bus import Bus
from shared.consumer import Consumer
from shared.db import NAMING, Database, new_id
from shared.events import Envelope, Event, PartnerRegistered, PartnerUpdated, Visibility
from shared.handling import Handler
from shared.outbox import Aggregate, Reach, record
from shared.relay import Relay
from tests.fixtures import tally
from tests.shared.facts import fact

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Model(DeclarativeBase):
    """The tables of the test's own service."""

    metadata = MetaData(naming_convention=NAMING)


class Ledger(Aggregate, Model):
    """A thing whose every fact carries a number; it sorts after "outbox", as the trap of the flush order wants it."""

    __tablename__ = "partner_ledger"
    SUBJECT = "partner"

    notes: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)

    def note(self, number: int) -> Event:
        """Append a number; the fact says which."""
        tally.one_more()
        self.notes = [*self.notes, number]
        return fact(1 if len(self.notes) == 1 else 2, self.id, str(number))

    def reach(self, fact: Event) -> Reach:
        """Anyone may know."""
        return Reach(Visibility.PUBLIC)


class LedgerView(Model):
    """What another service makes of it."""

    __tablename__ = "ledger_view"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    notes: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)


class SilentWake:
    """Nobody to wake: tests step the relay themselves."""

    def set(self) -> None:
        """Nothing."""


async def new_ledger(database: Database, *numbers: int) -> str:
    """A new ledger with these notes, each recorded in a transaction of its own."""
    ledger_id = new_id()
    for number in numbers:
        await append(database, ledger_id, number)
    return ledger_id


async def append(database: Database, ledger_id: str, number: int, pause: float = 0.0) -> None:
    """Append one note, as a command would; ``pause`` seconds pass between the change and its commit."""
    async with database.session() as session:
        ledger = await session.get(Ledger, ledger_id, with_for_update=True) or Ledger(id=ledger_id, notes=[])
        await record(session, ledger, ledger.note(number), now=NOW)
        if pause:
            await session.execute(func.pg_sleep(pause).select())
        await session.commit()


async def noted(session: AsyncSession, envelope: Envelope) -> None:
    """The view's handler: append what the fact says, so that a second application shows."""
    data = envelope.data
    assert isinstance(data, PartnerRegistered | PartnerUpdated)
    row = await session.get(LedgerView, envelope.subject_id)
    if row is None:
        row = LedgerView(id=envelope.subject_id, notes=[])
        session.add(row)
    row.notes = [*row.notes, int(data.profile.names["es"])]


HANDLERS: dict[type[Event], Handler] = {PartnerRegistered: noted, PartnerUpdated: noted}


async def seen(database: Database, ledger_id: str) -> list[int]:
    """What the view shows of a ledger."""
    async with database.session() as session:
        row = await session.get(LedgerView, ledger_id)
        return row.notes if row else []


async def settle(relay: Relay | None, *consumers: Consumer) -> None:
    """Step until nothing is left to do: three rounds in a row in which nobody did anything, and somebody has read all there is."""
    idle = 0
    while idle < 3:
        done = await relay.step() if relay else 0
        for consumer in consumers:
            consumer.patience = 0.1
            done += await consumer.step()
        idle = 0 if done or (consumers and not await _read_up(*consumers)) else idle + 1


async def _read_up(*consumers: Consumer) -> bool:
    """Whether the group's members have their partitions (a new Kafka takes its time to find a coordinator) and nothing waits in them."""
    subscriptions = [await consumer._joined() for consumer in consumers]
    if not any(subscription.assignment() for subscription in subscriptions):
        return False
    for consumer in consumers:
        await consumer._offsets.kept()
    return not any([sum((await subscription.lag()).values()) for subscription in subscriptions if subscription.assignment()])


async def topics(bus: Bus) -> None:
    """Create the topic the ledger's facts go to."""
    await bus.ensure_topics(["interurbe.partners"])


AT_ONCE = 100_000
_COPIED = text("""
INSERT INTO outbox (id, subject, sequence, topic, key, type, headers, payload)
SELECT gen_random_uuid(), CAST(:name AS text) || n % :subjects, n / :subjects + 1, topic, CAST(:name AS text) || n % :subjects, type,
  (replace(headers::text, '"' || sequence || '"]', '"' || n / :subjects + 1 || '"]'))::json, payload
FROM (SELECT * FROM outbox LIMIT 1) AS one, generate_series(CAST(:first AS int), CAST(:last AS int)) AS n ORDER BY n
""")


async def backlog(database: Database, facts: int, subjects: int, name: str = "copy") -> None:
    """So many facts of so many subjects, in turn, and one more that they were copied from."""
    await new_ledger(database, 1)
    for first in range(0, facts, AT_ONCE):
        part = {"first": first, "last": min(facts, first + AT_ONCE) - 1}
        async with database.session() as session:
            await session.execute(_COPIED, {**part, "subjects": subjects, "name": f"partner/{name}"})
            await session.commit()
