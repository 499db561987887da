"""Whatever fails, hangs or is deposed on the way: nothing is lost, and each subject's first occurrences are 1, 2, 3 and so on."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy import select, text

from shared.bus import BusError, BusUnavailable, Message, RecordRefused
from shared.db import Database
from shared.loop import run_loop
from shared.outbox import outbox
from shared.relay import BATCH_BYTES, Relay
from shared.repair import parked_in_outbox, retry, waiting
from shared.telemetry import Telemetry
from tests.shared.boundary import Tollgate
from tests.shared.ledger import append, backlog, new_ledger
from tests.shared.test_relay import log_of, sequences


async def drain(relay: Relay, database: Database) -> None:
    """Step until nothing waits; after a refusal the relay keeps quiet for a moment of its own."""
    async with asyncio.timeout(60):
        while True:
            await relay.step()
            async with database.session() as session:
                if (await waiting(session))[0] == 0:
                    return
            await relay.wake.wait(0.05)


def first_occurrences(messages: list[Message]) -> dict[bytes | None, list[int]]:
    """The sequences of each key in the order in which each was first seen."""
    found: dict[bytes | None, list[int]] = {}
    for message in messages:
        seen = found.setdefault(message.key, [])
        number = int(dict(message.headers)["ce_sequence"])
        if number not in seen:
            seen.append(number)
    return found


async def test_sixteen_writers_lose_nothing_and_reorder_nothing(database: Database, relay: Relay, gate: Tollgate) -> None:
    """Fault R12, small: random pauses between a change and its commit, a relay that runs all the while, a bus that stumbles."""
    chance = random.Random(16)
    ledgers = [await new_ledger(database, 0) for _ in range(12)]
    gate.verdict = lambda _record: BusUnavailable("stumbled") if chance.random() < 0.01 else None
    stop = asyncio.Event()
    relaying = asyncio.create_task(run_loop(relay, stop))
    writing = Database(database.url.set(drivername="postgresql").render_as_string(hide_password=False), pool_size=16)

    async def write(turns: random.Random) -> None:
        for number in range(186):
            await append(writing, turns.choice(ledgers), number, pause=turns.choice((0.0, 0.0, 0.001, 0.01)))
            relay.wake.set()

    async with asyncio.timeout(100):
        await asyncio.gather(*(write(random.Random(seed)) for seed in range(16)))
        stop.set()
        await relaying
    await writing.close()
    gate.verdict = lambda _record: None
    await drain(relay, database)
    found = first_occurrences(await log_of(gate))
    assert sum(map(len, found.values())) == 12 + 16 * 186
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in found.values())


@pytest.mark.parametrize("refusal", [BusUnavailable("not now"), RecordRefused("never")])
async def test_what_failed_is_not_overtaken_by_the_batch_read_meanwhile(
    database: Database, relay: Relay, gate: Tollgate, refusal: BusError
) -> None:
    await backlog(database, 3000, subjects=900)
    once = [refusal]
    gate.verdict = lambda record: once.pop() if once and record.key == b"partner/copy7" else None
    await relay.step()
    gate.verdict = lambda _record: None
    if refusal.retryable:
        await drain(relay, database)
    numbers = sequences(await log_of(gate), "partner/copy7")
    assert numbers == ([1, 2, 3, 4] if refusal.retryable else [])


async def test_a_bus_that_takes_nothing_is_asked_once_and_then_left_in_peace(database: Database, relay: Relay, gate: Tollgate) -> None:
    await backlog(database, 5000, subjects=5000)
    gate.verdict = lambda _record: BusUnavailable("away")
    assert await relay.step() == 0
    assert gate.sends == [1000]
    relay._quiet_until = float("inf")
    assert await relay.step() == 0
    assert gate.sends == [1000]
    relay._quiet_until = 0.0
    assert "away" in (relay.trouble() or "")
    gate.verdict = lambda _record: None
    await drain(relay, database)
    assert relay.trouble() is None


async def test_a_row_spoilt_by_hand_is_parked_and_blocks_only_what_lies_behind_it(database: Database, relay: Relay, gate: Tollgate) -> None:
    torn = await new_ledger(database, 1, 2, 3)
    healthy = await new_ledger(database, 1)
    async with database.session() as session:
        spoilt = outbox.update().where(outbox.c.subject == f"partner/{torn}", outbox.c.sequence == 2)
        await session.execute(spoilt.values(headers={"ce_id": 1}))
        await session.commit()
    assert await relay.step() == 1
    async with database.session() as session:
        assert [row.sequence for row in await parked_in_outbox(session)] == [2]
    async with asyncio.timeout(60):
        while await relay.step() == 0:
            await relay.wake.wait(0.05)
    messages = await log_of(gate)
    assert sequences(messages, f"partner/{healthy}") == [1]
    assert sequences(messages, f"partner/{torn}") == [1]


async def freeze(relay: Relay, gate: Tollgate) -> tuple[asyncio.Task[int], asyncio.Event]:
    """Begin a step and stop it inside its send; it goes on when the event is set."""
    reached, thaw = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        gate.before = None
        reached.set()
        await thaw.wait()

    gate.before = wait
    frozen = asyncio.create_task(relay.step())
    await reached.wait()
    return frozen, thaw


async def test_a_deposed_relay_that_goes_on_sends_only_repeats(
    database: Database, relay: Relay, gate: Tollgate, telemetry: Telemetry
) -> None:
    ledgers = [await new_ledger(database, 1, 2) for _ in range(3)]
    frozen, thaw = await freeze(relay, gate)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE relay_lease SET expires_at = '-infinity'"))
    for ledger_id in ledgers:
        await append(database, ledger_id, 3)
    successor = Relay(database, gate, telemetry)
    assert await successor.step() == 9
    thaw.set()
    await frozen
    assert not relay.leading
    assert await relay.step() == 0
    await append(database, ledgers[0], 4)
    assert await successor.step() == 1
    await successor.close()
    messages = await log_of(gate)
    assert len(messages) == 6 + 9 + 1
    for ledger_id in ledgers:
        assert first_occurrences(messages)[f"partner/{ledger_id}".encode()] == ([1, 2, 3, 4] if ledger_id == ledgers[0] else [1, 2, 3])


async def test_what_is_put_back_in_the_middle_of_a_drain_is_not_overtaken(database: Database, relay: Relay, gate: Tollgate) -> None:
    mended = await new_ledger(database, 1)
    gate.verdict = lambda _record: RecordRefused("not like this")
    assert await relay.step() == 0
    gate.verdict = lambda _record: None
    await backlog(database, 10, subjects=10)
    assert sum([await relay.step() for _ in range(4)]) == 11
    relay._horizon._rescan_at = float("inf")
    await backlog(database, 2500, subjects=500, name="later")
    await append(database, mended, 2)
    frozen, thaw = await freeze(relay, gate)
    async with database.session() as operator:
        assert await retry(operator, [row.id for row in await parked_in_outbox(operator)]) == 1
        await operator.commit()
    thaw.set()
    await frozen
    await drain(relay, database)
    assert first_occurrences(await log_of(gate))[f"partner/{mended}".encode()] == [1, 2]


async def test_a_batch_of_large_facts_is_cut_short(database: Database, relay: Relay, gate: Tollgate) -> None:
    await backlog(database, 100, subjects=100)
    async with database.session() as session:
        await session.execute(outbox.update().values(payload=random.Random(1).randbytes(200_000)))
        await session.commit()
    await drain(relay, database)
    assert sum(gate.sends) == 101
    assert max(gate.sends) <= BATCH_BYTES // 200_000 + 1


async def test_what_a_refused_record_says_can_be_kept(database: Database, relay: Relay, gate: Tollgate) -> None:
    await new_ledger(database, 1)
    gate.verdict = lambda _record: RecordRefused("it has \x00 in it")
    await relay.step()
    async with database.session() as session:
        assert (await session.execute(select(outbox.c.last_error))).scalar_one() == "it has \ufffd in it"
