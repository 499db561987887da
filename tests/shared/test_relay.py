"""From the outbox to the bus: nothing lost, nothing out of order, one relay at a time, a poisoned fact alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text

from shared.bus import Bus, Message
from shared.db import Database
from shared.outbox import outbox
from shared.relay import Relay
from shared.repair import discard, parked_in_outbox, republish, retry, waiting
from shared.telemetry import Telemetry
from tests.fixtures.log import whole_log
from tests.shared.ledger import append, new_ledger, topics


@pytest.fixture
async def relay(database: Database, bus: Bus, telemetry: Telemetry) -> AsyncIterator[Relay]:
    """The relay of the owner's database."""
    await topics(bus)
    made = Relay(database, bus, telemetry)
    yield made
    await made.close()


async def log_of(bus: Bus) -> list[Message]:
    """Everything on the topic, each key in its order."""
    return await whole_log(bus, ["interurbe.partners"])


def sequences(messages: list[Message], subject: str) -> list[int]:
    return [int(dict(message.headers)["ce_sequence"]) for message in messages if message.key == subject.encode()]


async def test_every_fact_reaches_the_bus_in_the_order_of_its_subject(relay: Relay, database: Database, bus: Bus) -> None:
    ledgers = [await new_ledger(database, *range(5)) for _ in range(6)]
    assert await relay.step() == 30
    messages = await log_of(bus)
    assert len(messages) == 30
    for ledger_id in ledgers:
        assert sequences(messages, f"partner/{ledger_id}") == [1, 2, 3, 4, 5]
    async with database.session() as session:
        assert (await waiting(session))[0] == 0


async def test_only_one_relay_is_active_and_the_next_takes_over_at_once(
    relay: Relay, database: Database, bus: Bus, telemetry: Telemetry
) -> None:
    second = Relay(database, bus, telemetry)
    await new_ledger(database, 1)
    assert await relay.step() == 1
    await new_ledger(database, 1)
    assert await second.step() == 0
    assert not second.leading
    await relay.close()
    assert await second.step() == 1
    await second.close()


async def test_a_relay_that_was_deposed_while_sending_marks_nothing(relay: Relay, database: Database) -> None:
    await new_ledger(database, 1)
    assert await relay.step() == 1
    await new_ledger(database, 1)
    async with database.session() as session:
        await session.execute(text("UPDATE relay_lease SET holder = 'another', fence = fence + 1, expires_at = now() + interval '1 hour'"))
        await session.commit()
    await relay.step()
    async with database.session() as session:
        assert (await waiting(session))[0] == 1
    assert not relay.leading


async def test_a_row_that_commits_late_is_not_lost(relay: Relay, database: Database, bus: Bus) -> None:
    async with database.session() as slow:
        await slow.execute(text("SELECT nextval('outbox_seq_seq')"))
        early = (await slow.execute(text("SELECT currval('outbox_seq_seq')"))).scalar_one()
        for number in range(4):
            await new_ledger(database, number)
            await relay.step()
        copied = "INSERT INTO outbox (seq,id,subject,sequence,topic,key,type,headers,payload) OVERRIDING SYSTEM VALUE"
        late = "SELECT :seq, gen_random_uuid(), 'partner/late', 1, topic, 'partner/late', type, headers, payload"
        await slow.execute(
            text(f"{copied} {late} FROM outbox LIMIT 1"),
            {"seq": early},
        )
        await slow.commit()
    assert await relay.step() == 1
    assert sequences(await log_of(bus), "partner/late") == [1]


async def test_a_fact_that_can_never_be_sent_is_parked_and_blocks_only_its_subject(relay: Relay, database: Database, bus: Bus) -> None:
    poisoned = await new_ledger(database, 1)
    async with database.session() as session:
        await session.execute(outbox.update().values(payload=b"x" * 3_000_000))
        await session.commit()
    await append(database, poisoned, 2)
    healthy = await new_ledger(database, 1)
    await relay.step()
    messages = await log_of(bus)
    assert sequences(messages, f"partner/{healthy}") == [1]
    assert sequences(messages, f"partner/{poisoned}") == []
    async with database.session() as session:
        parked = await parked_in_outbox(session)
        assert [(row.subject, row.sequence) for row in parked] == [(f"partner/{poisoned}", 1)]
        assert parked[0].last_error
        assert (await waiting(session))[2] == 1


async def test_a_parked_fact_that_was_mended_is_sent_before_what_waited_behind_it(relay: Relay, database: Database, bus: Bus) -> None:
    poisoned = await new_ledger(database, 1)
    async with database.session() as session:
        payload = (await session.execute(select(outbox.c.payload))).scalar_one()
        await session.execute(outbox.update().values(payload=b"x" * 3_000_000))
        await session.commit()
    await append(database, poisoned, 2)
    await relay.step()
    async with database.session() as session:
        row = (await parked_in_outbox(session))[0]
        await session.execute(outbox.update().where(outbox.c.id == row.id).values(payload=payload))
        assert await retry(session, [row.id]) == 1
        await session.commit()
    assert await _step_until(relay, 2) == 2
    assert sequences(await log_of(bus), f"partner/{poisoned}") == [1, 2]


async def test_a_fact_given_up_leaves_a_placeholder_so_that_the_order_stays_whole(relay: Relay, database: Database, bus: Bus) -> None:
    poisoned = await new_ledger(database, 1)
    async with database.session() as session:
        await session.execute(outbox.update().values(payload=b"x" * 3_000_000))
        await session.commit()
    await append(database, poisoned, 2)
    await relay.step()
    async with database.session() as session:
        row = (await parked_in_outbox(session))[0]
        assert "withheld" in await discard(session, row.id, "too large by mistake")
        await session.commit()
    assert await _step_until(relay, 2) == 2
    messages = await log_of(bus)
    assert sequences(messages, f"partner/{poisoned}") == [1, 2]
    assert dict(messages[0].headers)["ce_type"] == b"org.interurbe.record.withheld.v1"


async def test_facts_can_be_sent_again(relay: Relay, database: Database, bus: Bus) -> None:
    ledger_id = await new_ledger(database, 1, 2)
    await new_ledger(database, 1)
    await relay.step()
    async with database.session() as session:
        assert await republish(session, subject=f"partner/{ledger_id}") == 2
        await session.commit()
    await relay.close()
    assert await _step_until(relay, 2) == 2
    assert sequences(await log_of(bus), f"partner/{ledger_id}") == [1, 2, 1, 2]


async def test_the_request_s_trace_is_carried_untouched(relay: Relay, database: Database, bus: Bus, telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("request") as span:
        await new_ledger(database, 1)
    await relay.step()
    context = span.get_span_context()
    expected = f"00-{context.trace_id:032x}-{context.span_id:016x}-01".encode()
    assert [dict(message.headers)["traceparent"] for message in await log_of(bus)] == [expected]


async def _step_until(relay: Relay, facts: int) -> int:
    """Step until so many facts are out; a held-back subject is free again after a moment of its own."""
    sent = 0
    while sent < facts:
        sent += await relay.step()
        await asyncio.wait_for(relay.wake.wait(0.05), 60)
    return sent
