"""Facts are written with the change, in its transaction, after the aggregate: nothing is lost and nothing is out of order."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from shared.db import Database
from shared.outbox import MAX_EVENT_BYTES, TooLarge, outbox, record, record_all, record_each
from tests.shared.facts import fact
from tests.shared.ledger import NOW, Ledger, append, new_ledger


async def rows(database: Database) -> list[tuple[str, int]]:
    async with database.reader() as reader:
        return [(row.subject, row.sequence) for row in await reader.execute(select(outbox).order_by(outbox.c.seq))]


async def test_a_change_and_its_fact_are_committed_together(database: Database) -> None:
    ledger_id = await new_ledger(database, 1, 2)
    assert await rows(database) == [(f"partner/{ledger_id}", 1), (f"partner/{ledger_id}", 2)]


async def test_a_change_that_is_rolled_back_leaves_no_fact(database: Database) -> None:
    async with database.session() as session:
        ledger = Ledger(notes=[])
        await record(session, ledger, ledger.note(1), now=NOW)
        await session.rollback()
    assert await rows(database) == []


async def test_the_aggregate_is_written_before_the_outbox_draws_its_number(database: Database) -> None:
    statements: list[str] = []
    sql_event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2].split()[0:3]))
    ledger_id = await new_ledger(database, 1)
    statements.clear()
    await append(database, ledger_id, 2)
    written = [words for words in statements if words[0] in ("UPDATE", "INSERT")]
    assert [words[1] if words[0] == "UPDATE" else words[2] for words in written] == ["partner_ledger", "outbox"]


async def test_the_order_does_not_hang_on_the_session_s_own_flushing(database: Database) -> None:
    statements: list[str] = []
    sql_event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    async with database.session() as session:
        ledger = Ledger(notes=[])
        with session.no_autoflush:
            await record(session, ledger, ledger.note(1), now=NOW)
        await session.commit()
    written = [statement.split()[2] for statement in statements if statement.startswith("INSERT")]
    assert written == ["partner_ledger", "outbox"]


async def test_many_aggregates_are_written_before_their_facts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.outbox._AT_ONCE", 2)
    known = [await new_ledger(database, 1), await new_ledger(database, 1)]
    async with database.reader() as reader:
        found = (await reader.execute(select(Ledger.__table__).order_by(Ledger.id))).mappings().all()
    statements: list[str] = []
    sql_event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    async with database.session() as session:
        ledgers = [*(Ledger(**row) for row in found), Ledger(notes=[]), Ledger(notes=[])]
        await record_all(session, [(ledger, ledger.note(7)) for ledger in ledgers], now=NOW)
        assert session.info["recorded"]
        await session.commit()
    assert [statement.split()[2].strip('"') for statement in statements] == ["partner_ledger", "outbox"] * 2
    expected = [(ledger.subject, number) for ledger in ledgers for number in ((1, 2) if ledger.id in known else (1,))]
    assert sorted(await rows(database)) == sorted(expected)
    async with database.session() as session:
        kept = {ledger.id: (ledger.version, ledger.notes) for ledger in await session.scalars(select(Ledger))}
    assert kept == {ledger.id: (2, [1, 7]) if ledger.id in known else (1, [7]) for ledger in ledgers}


async def test_many_are_written_with_as_many_facts_as_each_has_in_the_order_given(database: Database) -> None:
    one, silent, other = ledgers = [Ledger(notes=[]) for _ in range(3)]
    async with database.session() as session:
        changes = [(one, [one.note(1), one.note(2)]), (silent, []), (other, [other.note(3)])]
        await record_each(session, changes, now=NOW)
        await session.commit()
    assert await rows(database) == [(one.subject, 1), (one.subject, 2), (other.subject, 1)]
    async with database.session() as session:
        kept = {ledger.id: (ledger.version, ledger.sequence) for ledger in await session.scalars(select(Ledger))}
    assert kept == {ledger.id: (1, told) for ledger, told in zip(ledgers, (2, 0, 1), strict=True)}


async def test_several_facts_of_one_change_keep_their_order(database: Database) -> None:
    async with database.session() as session:
        ledger = Ledger(notes=[])
        await record(session, ledger, ledger.note(1), ledger.note(2), ledger.note(3), now=NOW)
        await session.commit()
        assert ledger.sequence == 3
        assert ledger.version == 1
    assert [sequence for _, sequence in await rows(database)] == [1, 2, 3]


async def test_two_changes_of_one_version_cannot_both_win(database: Database) -> None:
    ledger_id = await new_ledger(database, 1)
    async with database.session() as first, database.session() as second:
        one, other = await first.get_one(Ledger, ledger_id), await second.get_one(Ledger, ledger_id)
        await record(first, one, one.note(2), now=NOW)
        await first.commit()
        with pytest.raises(StaleDataError):
            await record(second, other, other.note(3), now=NOW)
    assert len(await rows(database)) == 2


async def test_a_number_drawn_twice_fails_the_commit(database: Database) -> None:
    ledger_id = await new_ledger(database, 1)
    async with database.session() as session:
        ledger = await session.get_one(Ledger, ledger_id)
        ledger.sequence = 0
        with pytest.raises(IntegrityError):
            await record(session, ledger, ledger.note(2), now=NOW)


async def test_a_fact_too_large_for_any_bus_is_refused_with_its_change(database: Database) -> None:
    async with database.session() as session:
        ledger = Ledger(notes=[])
        with pytest.raises(TooLarge):
            await record(session, ledger, fact(1, "p", "x" * MAX_EVENT_BYTES), now=NOW)
    assert await rows(database) == []


async def test_many_writers_leave_no_gap_and_no_disorder(database: Database) -> None:
    ledgers = [await new_ledger(database, 0) for _ in range(4)]

    async def write(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(15):
            await append(database, chance.choice(ledgers), number)

    await asyncio.gather(*(write(seed) for seed in range(8)))
    written = await rows(database)
    assert len(written) == 4 + 8 * 15
    for ledger_id in ledgers:
        mine = [sequence for subject, sequence in written if subject == f"partner/{ledger_id}"]
        assert mine == list(range(1, len(mine) + 1))
