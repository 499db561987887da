"""Rows on the whole product, as real processes: something dies, freezes or is cut off while clients append. One stack for each bus."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat

import pytest

from deploy.embedded.child import Child
from deploy.embedded.environment import ROOT
from deploy.ports import free_port
from tests.faults.conftest import Tell
from tests.faults.history import OK
from tests.faults.trial import Trial, until
from tests.faults.workload import Workload

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow_fault]  # the whole product is started for each: `make faults` runs them

PAUSED_SECONDS = 120
CRASHES = [
    pytest.param("partners", "edge.before_commit:9", 101, id="A1"),
    pytest.param("partners", "edge.after_commit:9", 102, id="A2"),
    pytest.param("partners", "relay.before_send:3", 201, id="R1"),
    pytest.param("partners", "relay.before_mark:3", 203, id="R3"),
    pytest.param("partners", "relay.after_mark:3", 204, id="R3-marked", marks=pytest.mark.slow_fault),
    pytest.param("partners", "entitlements.midway:5", 501, id="N1"),
    pytest.param("notifications", "consumer.before_offset:3", 301, id="C1"),
    pytest.param("initiatives", "consumer.before_commit:3", 302, id="C2"),
    pytest.param("initiatives", "consumer.after_commit:3", 303, id="C2-committed", marks=pytest.mark.slow_fault),
]


@pytest.mark.parametrize(("service", "place", "seed"), CRASHES)
def test_a_process_ends_at_the_worst_moment(trial: Trial, tell: Tell, service: str, place: str, seed: int) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        trial.fallen(service)
        trial.revive()

    trial.arm(service, place)
    tell(trial.run(fault, seed=seed, rounds=1, after=0), seed)


def test_told_to_stop_it_finishes_what_it_does_and_refuses_the_rest_a13(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        child = trial.stack.children["partners"]
        process = child._process
        assert process is not None
        trial.stop("partners")
        assert process.returncode == 0  # by itself: one that does not end in its time is killed
        trial.restart("partners")

    tell(trial.run(fault, seed=113, rounds=1, after=3), 113)


@pytest.mark.slow_fault
def test_ten_restarts_in_a_row_while_clients_work_a14(trial: Trial, tell: Tell) -> None:
    restarts = [
        lambda name=name: trial.restart(name) for name in ("partners", "initiatives", "notifications", "partners", "initiatives") * 2
    ]
    tell(trial.run(trial.step_by_step(*restarts), seed=114, rounds=3, after=2), 114)


def test_a_frozen_relay_wakes_up_after_another_took_over_r7(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        first = holder(trial)
        with trial.frozen("partners"):
            until(lambda: holder(trial) not in ("", first), "another relay to take over")
        work.reached(len(work.commands) + 6)

    with second_worker(trial):
        tell(trial.run(fault, seed=207, rounds=1, after=4), 207)


def holder(trial: Trial) -> str:
    """Who holds the lease of the partners' outbox."""
    return trial.stack.cluster.sql("SELECT holder FROM relay_lease", database="partners").strip()


@contextmanager
def second_worker(trial: Trial) -> Iterator[None]:
    """Another worker beside the partners service, both with short leases."""
    short = {"INTERURBE_RELAY_LEASE_SECONDS": "3", "INTERURBE_RELAY_DEADLINE_SECONDS": "1"}
    first = trial.stack.children["partners"]
    first._environment.update(short)
    trial.stack.restart("partners")
    until(lambda: holder(trial) != "", "the first relay to lead")
    environment = {**first._environment, "INTERURBE_WORKER_PORT": str(free_port())}
    command = [sys.executable, "-m", "services.partners", "work"]
    second = Child("partners-second", command, var=trial.stack.var, directory=ROOT, environment=environment)
    second.start()
    try:
        yield
    finally:
        second.stop()
        for name in short:
            del first._environment[name]
        trial.stack.restart("partners")


def test_postgresql_is_killed_under_load_d1(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        trial.kill_postgres()
        trial.revive()

    tell(trial.run(fault, seed=401, rounds=1, after=5), 401)


def test_every_connection_to_postgresql_is_cut_again_and_again_d5(trial: Trial, tell: Tell) -> None:
    tell(trial.run(trial.step_by_step(*repeat(trial.cut_connections, 4)), seed=405, rounds=1, after=3), 405)


@pytest.mark.slow_fault
def test_everybody_is_killed_at_once_d1_all(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        for name in ("partners", "initiatives", "notifications"):
            trial.kill(name)
        trial.revive()

    tell(trial.run(fault, seed=409, rounds=1, after=5), 409)


def test_while_the_bus_is_away_commands_succeed_and_readiness_says_so_t6(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        trial.lose_bus()
        work.reached(len(work.commands) + 10)
        trial.revive()

    outcome = trial.run(fault, seed=606, rounds=1, after=2)
    assert [command for command in outcome.history.commands[-outcome.operations :] if command.outcome != OK] == []
    tell(outcome, 606)


def test_everybody_is_paused_for_two_minutes_x8(trial: Trial, tell: Tell) -> None:
    """The readers first, so that they miss what the others do, and half a minute of it after the pause of who wrote it began."""

    def fault(trial: Trial, work: Workload) -> None:
        with trial.frozen("initiatives", "notifications"):
            work.reached(len(work.commands) + 6, seconds=20)
            with trial.frozen("partners"):
                threading.Event().wait(PAUSED_SECONDS)

    tell(trial.run(fault, seed=608, rounds=1, after=4), 608)


def test_a_sender_killed_between_the_servers_250_and_its_mark_sends_again_under_the_same_id_m13(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        trial.fallen("notifications")
        trial.revive()

    before = {mail.message_id for mail in trial.mails()}
    trial.arm("notifications", "mail.before_mark")
    outcome = trial.run(fault, seed=513, rounds=1, after=0)
    tell(outcome, 513)
    taken = Counter(mail.message_id for mail in outcome.history.mails if mail.message_id not in before)
    doubts = {told.id for told in outcome.history.told if told.ambiguous}
    twice = {message_id.strip("<>").partition("@")[0] for message_id, times in taken.items() if times == 2}
    assert twice
    assert twice <= doubts


def test_the_logs_of_an_outage_name_traces_and_nobody_t5(trial: Trial, tell: Tell) -> None:
    """A request that carries an address fails while the database is away; the log says which, and not whose."""
    secret = "quien-pregunta@outage.example"  # an address that is nowhere else

    def fault(trial: Trial, work: Workload) -> None:
        trial.kill_postgres()
        asked.append(trial.ask_to_subscribe(secret, token))
        trial.revive()

    asked: list[str] = []
    token = trial.stories.systems["bogota"]._new_token()
    outcome = trial.run(fault, seed=605, rounds=1, after=3)
    tell(outcome, 605)
    lines = [json.loads(line) for path in trial.logs() for line in path.read_text().splitlines()]
    failed = [line for line in lines if line["event"] == "request failed"]
    assert asked[0] in {line["trace_id"] for line in failed}
    assert {command.trace for command in outcome.history.commands} & {line["trace_id"] for line in failed}
    assert [path.name for path in trial.logs() if secret in path.read_text()] == []
