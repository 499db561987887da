"""The relay's horizon hides no fact: not the first of a new database, not one put back, not one that commits late."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from shared.bus import RecordRefused
from shared.db import Database
from shared.events import PartnerRegistered
from shared.horizon import DrawnAhead, Horizon
from shared.lease import RELAY, Lease
from shared.outbox import record, record_new
from shared.relay import Relay
from shared.repair import parked_in_outbox, republish, retry
from tests.shared.boundary import Tollgate
from tests.shared.facts import NOW, profile
from tests.shared.ledger import Ledger, append, new_ledger
from tests.shared.test_relay import log_of, sequences


async def idle(relay: Relay) -> None:
    """Let the horizon rise as far as it will."""
    for _ in range(4):
        assert await relay.step() == 0


async def test_a_new_database_has_drawn_no_number_yet(database: Database, relay: Relay) -> None:
    await idle(relay)
    assert relay._horizon.floor <= 1
    await new_ledger(database, 1)
    assert await relay.step() == 1


async def test_the_horizon_rises_with_what_was_published(database: Database, relay: Relay) -> None:
    await new_ledger(database, 1, 2, 3)
    assert await relay.step() == 3
    await idle(relay)
    assert relay._horizon.floor == 4


async def test_a_number_drawn_by_a_transaction_that_still_runs_stays_in_sight(database: Database, relay: Relay, gate: Tollgate) -> None:
    async with database.session() as slow:
        ledger = Ledger(notes=[])
        await record(slow, ledger, ledger.note(1), now=NOW)
        await new_ledger(database, 1, 2)
        assert await relay.step() == 2
        await idle(relay)
        assert relay._horizon.floor <= 1
        await slow.commit()
    assert await relay.step() == 1


async def test_a_number_drawn_by_the_newest_transaction_of_all_stays_in_sight(database: Database, relay: Relay, gate: Tollgate) -> None:
    """Nobody has ended since it began, so no snapshot reaches beyond it, and none names it among those that still run."""
    await idle(relay)  # its lease is taken: nothing that it writes ends after the newest
    async with database.session() as newest:
        ledger = Ledger(notes=[])
        await record(newest, ledger, ledger.note(1), now=NOW)
        await idle(relay)
        assert relay._horizon.floor <= 1
        await newest.commit()
    await append(database, ledger.id, 2)
    assert await relay.step() == 2
    assert sequences(await log_of(gate), f"partner/{ledger.id}") == [1, 2]


async def test_a_new_aggregate_has_its_transaction_s_id_before_its_fact_draws_a_number(database: Database) -> None:
    ledger = Ledger(notes=[1])
    drawn = "CREATE FUNCTION drawn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ASSERT pg_current_xact_id_if_assigned() IS NOT NULL;"
    async with database.engine.begin() as connection:
        await connection.execute(text("SELECT nextval('outbox_seq_seq')"))
        await connection.execute(text(f"{drawn} RETURN NEW; END $$"))
        await connection.execute(text("CREATE TRIGGER drawn BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION drawn()"))
    async with database.session() as session:
        await record_new(session, ledger, PartnerRegistered(partner=ledger.id, profile=profile()), now=NOW)
        await session.commit()


async def test_facts_put_back_below_the_horizon_leave_before_newer_ones_of_their_subject(
    database: Database, relay: Relay, gate: Tollgate
) -> None:
    ledger_id = await new_ledger(database, 1, 2)
    assert await relay.step() == 2
    await idle(relay)
    async with database.session() as session:
        assert await republish(session, subject=f"partner/{ledger_id}") == 2
        await session.commit()
    await append(database, ledger_id, 3)
    sent = 0
    while sent < 3:  # the lease begins anew, and the subject is held back for a moment
        sent += await relay.step()
        await relay.wake.wait(0.05)
    assert sequences(await log_of(gate), f"partner/{ledger_id}") == [1, 2, 1, 2, 3]


async def test_a_mended_fact_leaves_before_one_that_was_being_written_meanwhile(database: Database, relay: Relay, gate: Tollgate) -> None:
    ledger_id = await new_ledger(database, 1)
    gate.verdict = lambda _record: RecordRefused("not like this")
    assert await relay.step() == 0
    gate.verdict = lambda _record: None
    await append(database, ledger_id, 2)
    await new_ledger(database, 1)
    assert await relay.step() == 1
    await idle(relay)
    async with database.session() as writer:
        ledger = await writer.get_one(Ledger, ledger_id)
        await record(writer, ledger, ledger.note(3), now=NOW)
        async with database.session() as operator:
            assert await retry(operator, [row.id for row in await parked_in_outbox(operator)]) == 1
            await operator.commit()
        await writer.commit()
    sent = 0
    while sent < 3:  # the lease begins anew, and the subject is held back for a moment
        sent += await relay.step()
        await relay.wake.wait(0.05)
    assert sequences(await log_of(gate), f"partner/{ledger_id}") == [1, 2, 3]


async def test_numbers_drawn_in_advance_are_refused_with_the_remedy(database: Database, relay: Relay) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER SEQUENCE outbox_seq_seq CACHE 50"))
    with pytest.raises(DrawnAhead):
        await relay.step()
    assert "ALTER SEQUENCE outbox_seq_seq CACHE 1" in (relay.trouble() or "")
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER SEQUENCE outbox_seq_seq CACHE 1"))
    await relay.close()
    await new_ledger(database, 1)
    assert await relay.step() == 1


async def test_the_horizon_ends_with_the_lease(database: Database) -> None:
    connection = await database.raw()
    lease, horizon = Lease(RELAY, seconds=10.0), Horizon()
    assert await lease.hold(connection)
    assert await horizon.move(connection, lease)
    await connection.execute("UPDATE relay_lease SET holder = 'another', fence = fence + 1")
    assert not await horizon.move(connection, lease)
    await connection.close()
