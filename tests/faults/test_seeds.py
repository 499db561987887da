"""More defects seeded into a sound history: what is done in another order, twice, for somebody else, under another name, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.history import BRIEF, History, Ordeal, Quiet, Said
from tests.faults.invariants import check
from tests.faults.test_history import sound

Brief = tuple[Said, ...]


def list_in_another_order(history: History) -> None:
    history.owned["partner/p1"].reverse()


def change_told_of_out_of_turn(history: History) -> None:
    for facts in (history.outbox, history.log):
        marks = {"a1": "a2", "a2": "a1"}
        facts[:] = [replace(fact, mark=marks.get(fact.mark or "", fact.mark)) for fact in facts]


def fact_committed_twice(history: History) -> None:
    history.outbox.append(replace(history.outbox[2], id="e9"))


def fact_sent_with_another_number(history: History) -> None:
    history.log[2] = replace(history.log[2], sequence=4)


def message_about_nothing(history: History) -> None:
    history.told[0] = replace(history.told[0], event="e99")


def fact_that_never_came(history: History) -> None:
    history.log = [fact for fact in history.log if fact.id != "e4"]


def view_that_was_never_filled(history: History) -> None:
    history.views["initiatives.commitments"].clear()


def mail_to_somebody_else(history: History) -> None:
    history.mails[0] = replace(history.mails[0], to="z@y")


def mail_taken_more_often_than_there_were_doubts(history: History) -> None:
    history.told[0] = replace(history.told[0], ambiguous=1)
    history.mails *= 3


def message_given_up(history: History) -> None:
    history.told[0] = replace(history.told[0], status="deferred")


def applied_and_set_aside_too(history: History) -> None:
    history.parked["notifications.alerts"] = 1


def lagging(history: History) -> None:
    history.quiet = Quiet(0, 2, 0)


def mails_not_yet_sent(history: History) -> None:
    history.quiet = Quiet(0, 0, 1)


def never_ready_again(history: History) -> None:
    history.quiet = Quiet(0, 0, 0, ("partners: relay",))


def fact_under_another_trace_than_its_command(history: History) -> None:
    history.outbox[1] = replace(history.outbox[1], trace="t8")


def mail_under_another_trace(history: History) -> None:
    history.mails[0] = replace(history.mails[0], trace=None)


def memory_grows(history: History) -> None:
    history.handles = {"partners: megabytes": (90, 300)}


def connections_pile_up(history: History) -> None:
    history.handles = {"PostgreSQL: connections": (20, 90)}


def metrics_stand_still(history: History) -> None:
    history.metrics["partners"] = (12.0, 12.0)


def secret_in_a_refusal(history: History) -> None:
    history.leaks = ["", "what clients were refused with holds s3cr3t…"]


@pytest.mark.parametrize(
    ("seed", "invariant"),
    [
        (list_in_another_order, "I4"), (change_told_of_out_of_turn, "I4"), (fact_committed_twice, "I3"),
        (fact_sent_with_another_number, "I2"), (fact_sent_with_another_number, "I4"), (message_about_nothing, "I2"),
        (fact_that_never_came, "I3"), (fact_that_never_came, "I7"), (view_that_was_never_filled, "I5"),
        (mail_to_somebody_else, "I6"), (mail_taken_more_often_than_there_were_doubts, "I6"), (message_given_up, "I6"),
        (applied_and_set_aside_too, "I7"), (lagging, "I8"), (mails_not_yet_sent, "I8"), (never_ready_again, "I8"),
        (fact_under_another_trace_than_its_command, "I9"), (mail_under_another_trace, "I9"),
        (memory_grows, "I10"), (connections_pile_up, "I10"), (metrics_stand_still, "I11"), (secret_in_a_refusal, "I12"),
    ],
)  # fmt: skip
def test_a_seeded_defect_is_caught_by_its_invariant(seed: Callable[[History], None], invariant: str) -> None:
    history = sound()
    seed(history)
    assert invariant in check(history).broken


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ((Said(ready=True, alive=True),), False), ((Said(ready=False, reasons={"relay": "away"}, alive=True),), False),
        ((Said(ready=None),), True), ((Said(ready=False, alive=True),), True), ((Said(ready=True, alive=False),), True),
    ],
)  # fmt: skip
def test_who_got_over_a_brief_fault_may_be_ready_and_who_did_not_says_why(said: Brief, *, wrong: bool) -> None:
    history = sound()
    history.ordeals.append(Ordeal("every connection had been cut", "partners", BRIEF, said))
    assert ("I11" in check(history).broken) == wrong


def test_a_report_counts_what_was_looked_at_and_names_what_was_not() -> None:
    history = sound()
    history.leaks = None
    report = check(history)
    assert report.unseen == ["I12"]
    assert report.words().startswith(f"I1 ({len(history.commands)}) I2 (")
    assert report.words().endswith("; not looked at: I12")
