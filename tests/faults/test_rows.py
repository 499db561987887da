"""The list of rows tells the truth: every owed row is run or open with a reason, and every test it names exists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from shared.crash import PLACES, arm
from shared.migrations import tables_of
from shared.outbox import Aggregate
from tests.contracts.source import SERVICES, functions
from tests.faults.gathering import COUNTED
from tests.faults.guards import GUARDS, Guard
from tests.faults.owed import OPEN, OWED
from tests.faults.results import Result, write
from tests.faults.row import BOTH, Row
from tests.faults.rows import ROWS, RUNNING

TOP = Path(__file__).parents[2]


def test_every_owed_row_is_run_or_open_with_a_reason() -> None:
    assert [row.id for row in ROWS] == OWED
    assert len(set(OWED)) == len(OWED)
    assert {row.id for row in RUNNING} <= set(OWED)
    assert [row.id for row in ROWS if bool(row.tests) == bool(row.open)] == []
    assert set(OPEN) & {row.id for row in RUNNING} == set()


def missing(tests: Iterable[str]) -> set[str]:
    """Those that are in none of the files they name."""
    named = set(tests)
    return named - {f"{path}::{node.name}" for path in {test.partition("::")[0] for test in named} for node in functions(path)}


def test_every_test_that_a_row_names_exists() -> None:
    assert missing(test.partition("[")[0] for row in ROWS for test in row.tests) == set()


def test_every_crash_row_is_a_parameter() -> None:
    text = (TOP / "tests/faults/test_processes.py").read_text()
    wanted = {test.partition("[")[2].partition("-")[2].rstrip("]") for row in ROWS for test in row.tests if "worst_moment[" in test}
    assert wanted == set(re.findall(r'id="([^"]+)"', text))


def test_every_armed_place_exists_and_every_place_is_passed() -> None:
    passed = set()
    for path in [*TOP.glob("shared/**/*.py"), *TOP.glob("services/**/*.py")]:
        passed |= set(re.findall(r'crash_here\("([^"]+)"\)', path.read_text()))
    assert passed == set(PLACES)
    with pytest.raises(ValueError, match="no place to end at"):
        arm("relay.somewhere")


def test_results_say_what_ran_what_failed_and_what_is_open(tmp_path: Path) -> None:
    rows = [
        Row("X1", "a", "both", ("f.py::one",)),
        Row("X2", "b", "none", ("f.py::two",)),
        Row("X3", "c", open="why"),
        Row("X4", "d", "none", ("f.py::no",)),
    ]
    told = {"operations": 7, "invariants": "I1", "seed": 3}
    results = [
        Result("f.py::one[kafka]", "passed", 1.0, told),
        Result("f.py::one[postgres]", "passed", 2.0, told),
        Result("f.py::two", "failed", 1.0, {}),
    ]
    write(tmp_path / "results.md", rows, results)
    table = (tmp_path / "results.md").read_text()
    assert "| X1 | a | kafka | ok | 7 | I1 | 3 | 1.0 |" in table
    assert "| X1 | a | postgres | ok | 7 | I1 | 3 | 2.0 |" in table
    assert "| X2 | b | none | FAILED |" in table
    assert "open: why" in table
    half = [Row("X5", "e", "both", ("f.py::one[kafka]", "f.py::never[kafka]"))]
    write(tmp_path / "half.md", half, results)
    assert "| X5 | e | kafka | partly |" in (tmp_path / "half.md").read_text()
    assert "| X4 | d | none | not run |" in table
    write(tmp_path / "results.md", rows, [Result("f.py::two", "passed", 1.0, {})])
    table = (tmp_path / "results.md").read_text()
    assert "| X2 | b | none | ok |" in table
    assert "| X1 | a | kafka | ok | 7 | I1 | 3 | 1.0 |" in table


def test_a_line_adds_up_its_tests_and_says_why_it_stands_alone(tmp_path: Path) -> None:
    row = Row("C17", "a", "kafka", ("f.py::one", "f.py::two"), "I5")
    results = [
        Result("f.py::one", "passed", 1.0, {"bus": "kafka", "operations": 3, "invariants": "I1 (40) I3 (7); not looked at: I5 I9"}),
        Result("f.py::two[1]", "passed", 1.0, {"bus": "kafka", "operations": 0}),
        Result("f.py::two[2]", "passed", 1.0, {"bus": "kafka", "operations": 4, "invariants": "I3 (2)"}),
    ]
    write(tmp_path / "results.md", [row], results)
    line = f"| C17 | a | kafka: {row.why} | ok | 8 | I1 (40) I3 (9) I5; not looked at: I9 |  | 3.0 |"
    assert line in (tmp_path / "results.md").read_text()
    both = Row("X6", "b", BOTH, ("f.py::one", "g.py::three"))
    write(tmp_path / "both.md", [both], [*results, Result("g.py::three", "passed", 1.0, {})])
    lines = [line for line in (tmp_path / "both.md").read_text().splitlines() if line.startswith("| X6")]
    assert [line.split(" | ")[2] for line in lines] == ["kafka", "none"]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_every_guard_is_still_where_it_is_said_to_be(guard: Guard) -> None:
    assert (TOP / guard.file).read_text().count(guard.words) == 1
    assert set(guard.row.split()) <= set(OWED)
    rows = [row for row in ROWS if row.id in guard.row.split()]
    assert set(guard.tests) <= {test.partition("[")[0] for row in rows for test in row.tests}


def test_a_row_that_is_not_run_on_both_buses_says_why() -> None:
    assert [row.id for row in ROWS if row.bus != BOTH and not row.why] == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_checker_counts_the_facts_of_every_thing_that_counts_its_own(service: str) -> None:
    tables_of(service)
    things = {one.SUBJECT for one in _below(Aggregate) if one.__module__.startswith(f"services.{service}.") and hasattr(one, "__table__")}
    assert {subject for _, subject in COUNTED[service]} == things


def _below(kind: type[Aggregate]) -> set[type[Aggregate]]:
    return {kind} | {deeper for one in kind.__subclasses__() for deeper in _below(one)}
