"""The service on a real bus, once on PostgreSQL and once on Kafka: what is heard, what is done, what is told."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import date

import pytest
from sqlalchemy import select

from services.initiatives.worker import loops
from shared.bus import Bus, Record
from shared.consumer import Consumer
from shared.events import Envelope, PartnerRegistered
from shared.events.cloudevents import to_data, to_headers
from shared.inbox import inbox_parked, read
from shared.relay import Relay
from tests.fixtures.log import whole_log
from tests.initiatives.conftest import InitiativesService
from tests.initiatives.exchanges.plans import Cast, next_year
from tests.initiatives.neighbour import profile


class Wires:
    """The service's own loops on a bus, and the neighbour's facts put onto it."""

    def __init__(self, service: InitiativesService, bus: Bus) -> None:
        self.bus = bus
        self.consumers = [loop for loop in loops(service.runtime) if isinstance(loop, Consumer)]
        self.relay = Relay(service.runtime.database, bus, service.runtime.telemetry)

    async def send(self, facts: Sequence[Envelope]) -> None:
        """Put facts onto the bus, in this order."""
        records = [Record(fact.topic, fact.subject.encode(), to_headers(fact), to_data(fact)) for fact in facts]
        assert await self.bus.send(records, deadline=20) == [None] * len(records)

    async def settle(self) -> None:
        """Step until three rounds in a row had nothing to do."""
        idle = 0
        while idle < 3:
            done = await self.relay.step()
            for consumer in self.consumers:
                consumer.patience = 0.1
                done += await consumer.step()
            idle = 0 if done else idle + 1

    async def told(self) -> list[Envelope]:
        """Everything on this service's own topic."""
        envelopes = [read(message).envelope for message in await whole_log(self.bus, ["interurbe.initiatives"])]
        return [envelope for envelope in envelopes if envelope is not None]

    async def close(self) -> None:
        """Let go of the bus."""
        for consumer in self.consumers:
            await consumer.close()
        await self.relay.close()


@pytest.fixture
async def wires(service: InitiativesService, bus: Bus) -> AsyncIterator[Wires]:
    """The service's loops, on the bus."""
    await bus.ensure_topics(["interurbe.partners", "interurbe.initiatives"])
    service.runtime.bus = bus
    made = Wires(service, bus)
    yield made
    await made.close()


def cast_said(service: InitiativesService) -> Cast:
    say = service.neighbour
    host, other, city = say.partner("Asocapitales", "city_network"), say.partner("WeGO", "city_network"), say.partner("Medellín")
    membership = say.joins(city, host)
    agreement = say.binds([host, other])
    say.entitle(agreement, city, (membership, city, host))
    say.leaves(membership, city, host, date(next_year(), 12, 31))
    say.enters_into_force(agreement, [host, other])
    return Cast(service, host, other, city, say.partner("Berlin"), membership, agreement)


async def test_from_what_is_heard_to_what_is_told(service: InitiativesService, wires: Wires) -> None:
    cast = cast_said(service)
    facts = [*service.neighbour.said, *service.neighbour.said]
    random.Random(11).shuffle(facts)
    await wires.send(facts)
    await wires.settle()
    exchange = await cast.scheduled()
    assert exchange["because"][1]["path"]["until"] == f"{next_year()}-12-31"
    moved = (await cast.change(exchange, "reschedule", starts_at=f"{next_year()}-05-01T09:00", ends_at=f"{next_year()}-05-01T10:00")).json()
    await cast.change(moved, "cancel")
    await wires.settle()
    told = [envelope for envelope in await wires.told() if envelope.subject_id == exchange["id"]]
    assert [(envelope.sequence, envelope.type.split(".")[-2]) for envelope in told] == [
        (1, "scheduled"),
        (2, "rescheduled"),
        (3, "cancelled"),
    ]
    assert {envelope.visibility for envelope in told} == {"public"}


async def test_a_fact_that_cannot_be_kept_is_set_aside_and_the_others_flow(service: InitiativesService, wires: Wires) -> None:
    say = service.neighbour
    before = say.partner("Antes")
    say.say(PartnerRegistered(partner="no uuid", profile=profile("Mal")), "no uuid")
    after = say.partner("Después")
    await wires.send(say.said)
    await wires.settle()
    assert [row["id"] for row in await service.rows("known_partner")] == sorted([before, after])
    async with service.runtime.database.reader() as reader:
        parked = (await reader.execute(select(inbox_parked.c.subject, inbox_parked.c.kind, inbox_parked.c.reason))).all()
    assert [(row.subject, row.kind) for row in parked] == [("partner/no uuid", "failed")]
    assert "uuid" in parked[0].reason
