"""Rows E2, E3 and E11: values nobody here has heard of yet, optional fields that are missing, and facts no reader could read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import text

from deploy.contracts.catalogue import consumers
from deploy.contracts.freeze import FOLDER
from shared.applying import Application
from shared.bus.postgres import PostgresBus
from shared.db import Database
from shared.events import EVENTS, Event, PartnerRegistered, PartnerUpdated, Visibility
from shared.events.cloudevents import from_message, to_data, to_headers
from shared.inbox import read
from shared.migrations import tables_of
from shared.outbox import Unsayable, record, record_new
from shared.process.runtime import Runtime
from shared.repair import parked_in_inbox
from shared.telemetry import Telemetry
from tests.faults.conftest import Tell
from tests.fixtures.postgres import NewDatabase
from tests.shared.facts import fact, message, profile
from tests.shared.ledger import NOW, Ledger, SilentWake

ROOMS = [consumer.name for consumer in consumers()]
STRUCTURED = [("content-type", b"application/cloudevents+json")]
OPEN = {"inherits_agreements", "kind", "kinds", "line", "lines", "method", "modality", "role", "scheme", "unit"}
"""Fields whose value is one of a list that may grow."""


class Known:
    """The samples that a room handles, each changed in some way."""

    def __init__(self, room: str) -> None:
        self.handlers = import_module(f"services.{room}.handlers").HANDLERS

    def documents(self) -> Iterator[dict[str, Any]]:
        """The golden samples, as they stand."""
        for event in self.handlers:
            for path in sorted((FOLDER / "samples" / event.TYPE).glob("*.json")):
                yield json.loads(path.read_text())


@pytest.fixture
async def room_database(room: str, new_database: NewDatabase) -> AsyncIterator[Database]:
    """The empty database of the service that the room belongs to."""
    service = room.partition(".")[0]
    opened = Database(new_database(service))
    async with opened.engine.begin() as connection:
        for metadata in tables_of(service):
            await connection.run_sync(metadata.create_all)
    yield opened
    await opened.close()


@pytest.fixture
def application(room: str, room_database: Database, log_url: str, telemetry: Telemetry) -> Application:
    """What the room's consumer does with facts."""
    bus = PostgresBus(log_url)
    runtime = Runtime(settings=None, database=room_database, bus=bus, wake=SilentWake(), telemetry=telemetry)  # type: ignore[arg-type]  # loops read no settings
    return Application(room, runtime, Known(room).handlers)


@pytest.mark.parametrize("room", ROOMS)
async def test_e2_a_value_from_a_newer_publisher_stops_no_consumer(
    room: str, application: Application, room_database: Database, tell: Tell
) -> None:
    count = 0
    for number, document in enumerate(Known(room).documents()):
        changed = renewed(document | {"visibility": "invented-later", "subject": f"{document['subject']}-{number}", "sequence": "1"})
        sent = from_message(STRUCTURED, json.dumps(changed).encode())
        await application.apply([read(message(sent, number))])
        count += to_data(sent).decode().count("invented-later")
    assert count
    async with room_database.session() as session:
        assert [row.reason for row in await parked_in_inbox(session)] == []
    tell.counted(count, "I5 I7")


def renewed(said: Any, *, open_: bool = False) -> Any:
    """The same with every open field, or every item of an open list, saying something that is not known here."""
    if isinstance(said, dict):
        return {name: renewed(value, open_=name in OPEN) for name, value in said.items()}
    if isinstance(said, list):
        return [renewed(one, open_=open_) for one in said]
    return "invented-later" if open_ and isinstance(said, str) else said


def test_e2_who_may_know_of_a_fact_is_no_wider_for_a_word_nobody_knows() -> None:
    (path, *_) = sorted((FOLDER / "samples" / PartnerRegistered.TYPE).glob("*.json"))
    document = json.loads(path.read_text()) | {"visibility": "invented-later"}
    assert from_message(STRUCTURED, json.dumps(document).encode()).visibility == Visibility.PARTIES


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.TYPE)
def test_e3_every_field_that_need_not_be_there_may_be_missing(event: type[Event], tell: Tell) -> None:
    """One by one, at any depth; that the least sample passes every consumer is E6."""
    document = json.loads((FOLDER / "samples" / event.TYPE / "full.json").read_text())
    schema = json.loads((FOLDER / "schemas" / f"{event.TYPE}.json").read_text())
    count = 0
    for less in lacking(document["data"], schema, schema.get("$defs", {})):
        sent = from_message(STRUCTURED, json.dumps(document | {"data": less}).encode())
        assert from_message(to_headers(sent), to_data(sent)) == sent
        count += 1
    tell.counted(count, "I5")


def lacking(said: Any, schema: dict[str, Any], parts: dict[str, Any]) -> Iterator[Any]:
    """The same without one optional field, for each of them."""
    schema = parts[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(said, list):
        for place, one in enumerate(said):
            for less in lacking(one, schema.get("items", {}), parts):
                yield [*said[:place], less, *said[place + 1 :]]
    elif isinstance(said, dict) and "properties" in schema:
        for name, value in said.items():
            if name not in schema.get("required", ()):
                yield {other: kept for other, kept in said.items() if other != name}
            for less in lacking(value, schema["properties"][name], parts):
                yield said | {name: less}


UNSAYABLE = {
    "a field of another type": PartnerRegistered.model_construct(partner="p1", profile=profile().model_copy(update={"country": 57})),
    "a required field missing": PartnerRegistered.model_construct(partner="p1"),  # type: ignore[call-arg]  # that is the point of it
    "a text that is none in one language": PartnerUpdated(partner="p1", profile=profile(), changed=()).model_copy(
        update={"profile": profile().model_copy(update={"names": {"es": None}})}
    ),
}


@pytest.mark.parametrize("said", UNSAYABLE.values(), ids=UNSAYABLE)
async def test_e11_a_fact_that_nobody_could_read_is_not_recorded_and_nothing_is_kept(database: Database, said: Event, tell: Tell) -> None:
    async with database.session() as session:
        ledger = Ledger(notes=[1])
        with pytest.raises(Unsayable, match="could be read by nobody"):
            await record(session, ledger, fact(1), said, now=NOW)
    async with database.session() as session:
        with pytest.raises(Unsayable, match="could be read by nobody"):
            await record_new(session, Ledger(notes=[1]), said, now=NOW)
    async with database.reader() as reader:
        counts = (await reader.execute(text("SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM partner_ledger)"))).one()
    assert tuple(counts) == (0, 0)
    tell.counted(2, "I1 I2")
