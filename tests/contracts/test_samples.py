"""Every consumer takes every golden sample of every version it handles, whether or not it has heard of anything before."""

from collections.abc import AsyncIterator
from importlib import import_module

import pytest

from deploy.contracts.catalogue import consumers
from deploy.contracts.freeze import FOLDER
from shared.db import Database
from shared.events import Envelope, Event
from shared.events.cloudevents import from_message
from shared.handling import BatchHandler, Handler, takes_batches
from shared.migrations import tables_of
from tests.fixtures.postgres import NewDatabase

ROOMS = [consumer.name for consumer in consumers()]


@pytest.fixture
async def database(request: pytest.FixtureRequest, new_database: NewDatabase) -> AsyncIterator[Database]:
    """The empty database of the service that the room belongs to."""
    service = request.getfixturevalue("room").partition(".")[0]
    opened = Database(new_database(service))
    async with opened.engine.begin() as connection:
        for metadata in tables_of(service):
            await connection.run_sync(metadata.create_all)
    yield opened
    await opened.close()


@pytest.mark.parametrize("room", ROOMS)
async def test_every_sample_is_taken_by_every_consumer_that_handles_it(room: str, database: Database) -> None:
    handlers = import_module(f"services.{room}.handlers").HANDLERS
    for event, handler in handlers.items():
        for envelope in samples(event):
            async with database.session() as session:
                await apply(handler, session, envelope)
                await session.commit()


async def apply(handler: Handler | BatchHandler, session: object, envelope: Envelope) -> None:
    """One fact, as the consumer would hand it over."""
    given = [envelope] if takes_batches(handler) else envelope
    await handler(session, given)  # type: ignore[arg-type] # which of the two kinds it is, takes_batches has said


def samples(event: type[Event]) -> list[Envelope]:
    """Every golden sample of a version; there is always one."""
    found = sorted((FOLDER / "samples" / event.TYPE).glob("*.json"))
    assert found, f"{event.TYPE} has no golden sample: run `make freeze`"
    content_type = [("content-type", b"application/cloudevents+json")]
    return [from_message(content_type, path.read_bytes()) for path in found]
