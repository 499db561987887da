"""Rows on the whole product, as real processes: something dies, freezes or is cut off while clients append. One stack for each bus."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat

import pytest

from deploy.embedded.child import Child
from deploy.embedded.environment import ROOT
from deploy.ports import free_port
from tests.faults.conftest import Tell
from tests.faults.trial import Trial, until
from tests.faults.workload import Workload

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow_fault]  # the whole product is started for each: `make faults` runs them

BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND usename <> 'postgres' AND pid <> pg_backend_pid()
"""
CRASHES = [
    pytest.param("partners", "edge.before_commit:9", 101, id="A1"),
    pytest.param("partners", "edge.after_commit:9", 102, id="A2"),
    pytest.param("partners", "relay.before_send:3", 201, id="R1"),
    pytest.param("partners", "relay.before_mark:3", 203, id="R3"),
    pytest.param("partners", "relay.after_mark:3", 204, id="R3-marked", marks=pytest.mark.slow_fault),
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
        began = time.monotonic()
        child.stop()
        assert process.returncode == 0
        assert time.monotonic() - began < 30
        child.start()

    tell(trial.run(fault, seed=113, rounds=1, after=3), 113)


@pytest.mark.slow_fault
def test_ten_restarts_in_a_row_while_clients_work_a14(trial: Trial, tell: Tell) -> None:
    restarts = [
        lambda name=name: trial.stack.restart(name) for name in ("partners", "initiatives", "notifications", "partners", "initiatives") * 2
    ]
    tell(trial.run(trial.step_by_step(*restarts), seed=114, rounds=3, after=2), 114)


def test_a_frozen_relay_wakes_up_after_another_took_over_r7(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        pid = trial.stack.children["partners"].pid
        assert pid is not None
        frozen = holder(trial)
        os.kill(pid, signal.SIGSTOP)
        try:
            until(lambda: holder(trial) not in ("", frozen), "another relay to take over")
        finally:
            os.kill(pid, signal.SIGCONT)
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
        until(lambda: not trial.stack.cluster.running, "PostgreSQL to be gone")
        trial.revive()

    tell(trial.run(fault, seed=401, rounds=1, after=5), 401)


def test_every_connection_to_postgresql_is_cut_again_and_again_d5(trial: Trial, tell: Tell) -> None:
    def cut() -> None:
        trial.stack.cluster.sql(BACKENDS)

    tell(trial.run(trial.step_by_step(*repeat(cut, 4)), seed=405, rounds=1, after=3), 405)


@pytest.mark.slow_fault
def test_everybody_is_killed_at_once_d1_all(trial: Trial, tell: Tell) -> None:
    def fault(trial: Trial, work: Workload) -> None:
        for name in ("partners", "initiatives", "notifications"):
            trial.kill(name)
        trial.revive()

    tell(trial.run(fault, seed=409, rounds=1, after=5), 409)
