"""The operator's commands: what is parked, what is sent again, what a service adds, and what is said when it cannot be done."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.db import Database
from shared.process import main
from tests.shared.ledger import new_ledger
from tests.shared.process.ferry import SERVICE
from tests.shared.telemetry.test_tracefile import write_story

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ferry_url: str, log_url: str, tmp_path: Path) -> Told:
    """`told("parked", "retry", …)`: the exit code, what was printed, and what went to stderr."""
    settings = {"DATABASE_URL": ferry_url, "LOG_URL": log_url, "TRACES_DIR": str(tmp_path), "ISSUER": "http://127.0.0.1:9"}
    for name, value in settings.items():
        monkeypatch.setenv(f"INTERURBE_{name}", value)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ferry", *arguments])
        with pytest.raises(SystemExit) as ended:
            main(SERVICE)
        code = ended.value.code
        said = capsys.readouterr()
        return (code, said.out, said.err) if isinstance(code, int) else (0 if code is None else 1, said.out, f"{code or ''}{said.err}")

    return run


def changed(url: str, statement: str) -> list[Any]:
    """Run one statement on the ferry's database; what it returns."""

    async def run() -> list[Any]:
        connection = await Database(url).raw()
        rows = await connection.fetch(statement)
        await connection.close()
        return list(rows)

    return asyncio.run(run())


def recorded(url: str, *numbers: int) -> str:
    """A ledger with these notes in the outbox; its subject."""

    async def run() -> str:
        database = Database(url)
        made = await new_ledger(database, *numbers)
        await database.close()
        return f"partner/{made}"

    return asyncio.run(run())


def test_nothing_is_parked(told: Told) -> None:
    assert told("parked") == (0, "Nothing is parked.\n", "")


def test_a_fact_the_bus_refused_is_listed_and_tried_again(told: Told, ferry_url: str) -> None:
    subject = recorded(ferry_url, 1, 2)
    changed(ferry_url, "UPDATE outbox SET parked_at = now(), last_error = 'too large' WHERE sequence = 1")
    _, listing, _ = told("parked")
    assert f"outbox  {subject} number 1  refused since" in listing
    assert "    too large\n" in listing
    assert "1 parked." in listing
    (fact,) = [json.loads(line) for line in told("parked", "--json")[1].splitlines()]
    assert told("parked", "retry", fact["id"]) == (0, "1 will be tried again.\n", "")
    assert changed(ferry_url, "SELECT 1 FROM outbox WHERE parked_at IS NULL") == [(1,), (1,)]


def test_all_that_is_parked_can_be_tried_again(told: Told, ferry_url: str) -> None:
    recorded(ferry_url, 1)
    recorded(ferry_url, 1)
    changed(ferry_url, "UPDATE outbox SET parked_at = now()")
    assert told("parked", "retry", "--all")[1] == "2 will be tried again.\n"


def test_giving_up_needs_a_reason_and_an_id_that_is_parked(told: Told, ferry_url: str) -> None:
    subject = recorded(ferry_url, 1)
    changed(ferry_url, "UPDATE outbox SET parked_at = now()")
    (row,) = changed(ferry_url, "SELECT id::text FROM outbox")
    code, _, said = told("parked", "discard", row["id"])
    assert (code, "--reason" in said) == (2, True)
    assert told("parked", "discard", row["id"], "--reason", " ")[0] == 1
    code, _, said = told("parked", "discard", "00000000-0000-0000-0000-000000000000", "--reason", "why")
    assert (code, said) == (
        1,
        "nothing is parked under 00000000-0000-0000-0000-000000000000\n  list what is parked and take an id from there",
    )
    code, out, _ = told("parked", "discard", row["id"], "--reason", "sent by hand")
    assert (code, f"number 1 of {subject}" in out) == (0, True)


def test_retrying_says_what_it_needs(told: Told) -> None:
    assert told("parked", "retry")[0] == 1
    code, out, said = told("parked", "retry", "00000000-0000-0000-0000-000000000000")
    assert (code, out) == (1, "0 will be tried again.\n")
    assert said.startswith("1 of 1 are not parked.")


def test_a_subjects_facts_are_sent_again(told: Told, ferry_url: str) -> None:
    subject = recorded(ferry_url, 1, 2, 3)
    recorded(ferry_url, 1)
    changed(ferry_url, "UPDATE outbox SET published_at = now()")
    assert told("republish")[0] == 1
    assert told("republish", "--subject", subject)[1] == "3 facts wait for the relay to send them again.\n"
    assert told("republish", "--since", "2000-01-01", "--until", "2001-01-01")[1].startswith("0 facts")
    assert told("republish", "--since", "2000-01-01")[1].startswith("1 facts")


def test_a_consumer_that_is_not_there_cannot_be_rebuilt(told: Told) -> None:
    code, _, said = told("rebuild", "ferry.directory")
    assert (code, said) == (1, "There is no consumer ferry.directory.\n  This service consumes nothing.")


def test_a_consumer_is_rebuilt_with_all_its_views(told: Told, ferry_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_FOLLOWS", "yes")
    changed(ferry_url, "INSERT INTO ledger_view VALUES ('nobody knows it', '{666}')")
    assert told("rebuild", "ferry.ledgers") == (0, "ferry.ledgers: 0 messages read again.\n", "")
    assert changed(ferry_url, "SELECT 1 FROM ledger_view") == []


def test_what_the_log_cannot_give_back_is_not_emptied(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_FOLLOWS", "yes")
    code, _, said = told("rebuild", "ferry.echoes")
    assert (code, "a record of its own" in said, "These can be filled anew: ferry.ledgers." in said) == (1, True, True)


def test_a_trace_is_printed(told: Told, tmp_path: Path) -> None:
    trace_id = write_story(tmp_path)
    code, out, _ = told("trace", trace_id)
    assert code == 0
    assert out.startswith(f"trace {trace_id} · 3 spans of 2 services")
    assert "└─ " in out
    code, _, said = told("trace", "0" * 32)
    assert code == 1
    assert said.startswith("No span of trace 000")


def test_a_trace_at_a_collector_is_looked_for_there(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_OTLP_ENDPOINT", "http://jaeger.example:4318")
    assert "http://jaeger.example:4318: look for 0af76519 where" in told("trace", "0af76519")[1]


def test_a_service_adds_commands_of_its_own(told: Told, ferry_url: str) -> None:
    recorded(ferry_url, 1, 2)
    assert told("greet", "Ana", "--loud") == (0, "AHOY Ana\n", "")
    assert told("count", "outbox") == (0, "2\n", "")
    assert "Count the rows of a table." in told("--help")[1]


def test_what_the_database_refuses_is_said_in_words(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told("count", "nowhere")[2].startswith("Not done: ")
    monkeypatch.setenv("INTERURBE_DATABASE_URL", "postgresql://partners:x@127.0.0.1:9/partners")
    code, _, said = told("parked")
    assert code == 1
    assert "`doctor` says what is wrong" in said


def test_an_unknown_command_is_an_error(told: Told) -> None:
    assert told("swim")[0] == 2
    assert told("run", "fast")[0] == 2
