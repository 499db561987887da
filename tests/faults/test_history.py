"""The checker is itself proved: each defect seeded into a sound history is caught, by the invariant that should catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.history import INFO, OK, REFUSED, Command, Fact, History, Mail, Ordeal, Quiet, Said, Told
from tests.faults.invariants import INVARIANTS, check

PARTNERS, EXCHANGES = "interurbe.partners", "interurbe.initiatives"
SIGNED = {"about": {"parties": [{"partner": "p1"}]}, "lines": [{"commitments": [{"id": "c1"}]}]}


def committed() -> list[Fact]:
    """The facts of that history."""
    return [
        Fact("e1", "partner/p1", 1, "org.interurbe.partner.registered.v1", PARTNERS, "t0", time="1"),
        Fact("e2", "partner/p1", 2, "org.interurbe.partner.updated.v1", PARTNERS, "t1", time="2", mark="a1"),
        Fact("e3", "partner/p1", 3, "org.interurbe.partner.updated.v1", PARTNERS, "t2", time="3", mark="a2"),
        Fact("e4", "agreement/g1", 1, "org.interurbe.agreement.signed.v1", PARTNERS, "t3", time="4", mark="s1", data=SIGNED),
        Fact("e5", "commitment/c1", 1, "org.interurbe.commitment.planned.v1", EXCHANGES, "t3", time="4", cause="e4"),
    ]


def sound() -> History:
    """Two aliases and a signed agreement, with everything that follows from them."""
    facts = committed()
    followed = {"partner/p1": 3, "agreement/g1": 1}
    return History(
        commands=[
            *(Command(f"a{number}", "partner/p1", OK, f"t{number}") for number in (1, 2)),
            Command("s1", "signed/g1", OK, "t3"), Command("x1", "partner/p1", REFUSED), Command("y1", "partner/p1", INFO),
        ],
        owned={"partner/p1": ["a1", "a2"], "signed/g1": ["s1"]},
        counted={**followed, "commitment/c1": 1},
        outbox=facts,
        log=[*facts, facts[1]],
        views={
            "initiatives.partners": {"p1": "3"}, "notifications.partners": {"p1": "3"}, "initiatives.agreements": {"g1": "4"},
            "notifications.agreements": {"g1": "4"}, "initiatives.commitments": {"g1": ["c1"]}, "notifications.messages": {"e4": ["x@y"]},
        },
        marks={"initiatives.directory": dict(followed), "notifications.alerts": {**followed, "commitment/c1": 1}},
        listens={"initiatives.directory": [PARTNERS], "notifications.alerts": [PARTNERS, EXCHANGES]},
        readers={"x@y": "p1"},
        told=[Told("m1", "e4", "x@y", "submitted", 0, "t3")],
        mails=[Mail("<m1@here>", "x@y", "Signed", "t3")],
        quiet=Quiet(0, 0, 0),
        handles={"partners": (40, 45)},
        ordeals=[
            Ordeal("PostgreSQL was gone", "partners", "database", (Said(ready=False, reasons={"database": "away"}, alive=True),)),
            Ordeal("it was killed", "partners", None, (Said(ready=None),)),
        ],
        leaks=[""],
    )  # fmt: skip


def test_a_sound_history_is_sound_and_every_invariant_is_looked_at() -> None:
    report = check(sound())
    assert report.broken == {}
    assert [name for name, found in report.findings.items() if not found.looked_at] == []


def test_what_a_run_cannot_see_is_never_called_sound() -> None:
    report = check(History())
    assert {found.words for found in report.findings.values()} == {"not looked at"}
    assert report.words() == f"not looked at: {' '.join(INVARIANTS)}"


def lost_command(history: History) -> None:
    history.owned["partner/p1"].remove("a2")


def doubled_command(history: History) -> None:
    history.owned["partner/p1"].append("a2")


def done_although_refused(history: History) -> None:
    history.owned["partner/p1"].append("x1")


def unknown_done_twice(history: History) -> None:
    history.owned["partner/p1"] += ["y1", "y1"]


def ghost_fact(history: History) -> None:
    history.log.append(Fact("e9", "partner/p1", 4, "org.interurbe.partner.updated.v1", PARTNERS, "t9"))


def fact_of_a_change_rolled_back(history: History) -> None:
    history.counted["partner/p1"] = 2


def dropped_fact(history: History) -> None:
    history.log = [fact for fact in history.log if fact.id != "e3"]


def change_without_a_fact(history: History) -> None:
    history.counted["partner/p1"] = 4


def view_left_behind(history: History) -> None:
    history.marks["initiatives.directory"]["partner/p1"] = 2


def reordered_facts(history: History) -> None:
    history.log[1], history.log[2] = history.log[2], history.log[1]


def doubled_with_a_gap(history: History) -> None:
    history.log = [history.log[0], history.log[2], history.log[2], *history.log[3:], history.log[1]]


def view_applied_twice(history: History) -> None:
    history.views["initiatives.commitments"]["g1"] = ["c1", "c1"]


def older_fact_applied_last(history: History) -> None:
    history.views["notifications.partners"]["p1"] = "2"


def message_made_twice(history: History) -> None:
    history.views["notifications.messages"]["e4"] = ["x@y", "x@y"]


def mail_sent_again_under_another_id(history: History) -> None:
    history.mails.append(Mail("<m2@here>", "x@y", "Signed", "t3"))


def mail_sent_again_without_a_doubt(history: History) -> None:
    history.mails.append(history.mails[0])


def mail_never_sent(history: History) -> None:
    history.mails.clear()


def skipped_in_silence(history: History) -> None:
    history.marks["notifications.alerts"]["partner/p1"] = 1


def never_at_rest(history: History) -> None:
    history.quiet = Quiet(3, 0, 0)


def trace_lost_on_the_way(history: History) -> None:
    history.told[0] = replace(history.told[0], trace="t8")


def fact_under_another_trace(history: History) -> None:
    history.outbox[4] = replace(history.outbox[4], trace="t8")


def sockets_leaked(history: History) -> None:
    history.handles = {"partners": (40, 400)}


def all_well_said_the_burning_house(history: History) -> None:
    history.ordeals[0] = replace(history.ordeals[0], said=(*history.ordeals[0].said, Said(ready=True, alive=True)))


def not_a_word_in_the_fire(history: History) -> None:
    history.ordeals[0] = replace(history.ordeals[0], said=(Said(ready=None),))


def another_reason_than_the_fire(history: History) -> None:
    history.ordeals[0] = replace(history.ordeals[0], said=(Said(ready=False, reasons={"mail": "away"}, alive=True),))


def dead_said_who_was_only_alone(history: History) -> None:
    history.ordeals[0] = replace(history.ordeals[0], said=(Said(ready=False, reasons={"database": "away"}, alive=False),))


def still_ill_after_the_fire(history: History) -> None:
    history.quiet = Quiet(0, 0, 0, ("partners: the database",))


def secret_in_a_log(history: History) -> None:
    history.leaks = ["partners.log holds a client's secret"]


@pytest.mark.parametrize(
    ("seed", "invariant"),
    [
        (lost_command, "I1"), (doubled_command, "I1"), (done_although_refused, "I1"), (unknown_done_twice, "I1"),
        (ghost_fact, "I2"), (fact_of_a_change_rolled_back, "I2"),
        (dropped_fact, "I3"), (change_without_a_fact, "I3"), (view_left_behind, "I3"),
        (reordered_facts, "I4"), (doubled_with_a_gap, "I4"), (dropped_fact, "I7"),
        (view_applied_twice, "I5"), (older_fact_applied_last, "I5"), (message_made_twice, "I5"),
        (mail_sent_again_under_another_id, "I6"), (mail_sent_again_without_a_doubt, "I6"), (mail_never_sent, "I6"),
        (skipped_in_silence, "I7"), (never_at_rest, "I8"), (trace_lost_on_the_way, "I9"), (fact_under_another_trace, "I9"),
        (sockets_leaked, "I10"), (all_well_said_the_burning_house, "I11"), (not_a_word_in_the_fire, "I11"),
        (another_reason_than_the_fire, "I11"), (dead_said_who_was_only_alone, "I11"), (still_ill_after_the_fire, "I11"),
        (secret_in_a_log, "I12"),
    ],
)  # fmt: skip
def test_a_seeded_defect_is_caught_by_its_invariant(seed: Callable[[History], None], invariant: str) -> None:
    history = sound()
    seed(history)
    assert invariant in check(history).broken
