"""The checker is itself proved: each defect seeded into a sound history is caught, by the invariant that should catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.history import INFO, OK, REFUSED, Command, Fact, History, Mail, Ordeal, Quiet, Said, Told
from tests.faults.invariants import INVARIANTS, check

PARTNERS, EXCHANGES = "interurbe.partners", "interurbe.initiatives"
PROFILE: dict[str, Any] = {"profile": {}}
SIGNED = {"about": {"parties": [{"partner": "p1"}]}, "lines": [{"commitments": [{"id": "c1"}]}]}
IN_FORCE = {"about": {"parties": [{"partner": "n1", "role": "signatory"}]}}
JOINED = {"partner": "p1", "network": "n1", "role": "member", "valid_from": "2020-01-01", "valid_to": None, "inherits_agreements": "auto"}
CHOSEN = {"partner": "p1", "network": "n1", "agreement": "g2"}
ENTITLED: list[tuple[str, int, str, dict[str, Any]]] = [
    ("agreement/g2", 1, "agreement.entered_into_force", IN_FORCE), ("membership/m1", 1, "membership.started", JOINED),
    ("entitlement/h0", 1, "entitlement.granted", {}), ("entitlement/h1", 1, "entitlement.granted", {}),
    ("membership/m1", 2, "membership.opted_out", CHOSEN), ("entitlement/h1", 2, "entitlement.withdrawn", {}),
    ("membership/m1", 3, "membership.opted_in", CHOSEN), ("entitlement/h1", 3, "entitlement.granted", {}),
]  # fmt: skip
"""A network signed; a partner belongs to it, stayed out for a while, takes part now."""


def committed() -> list[Fact]:
    """The facts of that history."""
    return [
        Fact("e1", "partner/p1", 1, "org.interurbe.partner.registered.v1", PARTNERS, "t0", time="1", data=PROFILE),
        Fact("e2", "partner/p1", 2, "org.interurbe.partner.updated.v1", PARTNERS, "t1", time="2", mark="a1", data=PROFILE),
        Fact("e3", "partner/p1", 3, "org.interurbe.partner.updated.v1", PARTNERS, "t2", time="3", mark="a2", data=PROFILE),
        Fact("e4", "agreement/g1", 1, "org.interurbe.agreement.signed.v1", PARTNERS, "t3", time="4", mark="s1", data=SIGNED),
        Fact("e5", "commitment/c1", 1, "org.interurbe.commitment.planned.v1", EXCHANGES, "t3", time="4", cause="e4"),
        *(
            Fact(f"b{place}", subject, sequence, f"org.interurbe.{kind}.v1", PARTNERS, "t4", time="5", data=data)
            for place, (subject, sequence, kind, data) in enumerate(ENTITLED)
        ),
    ]


def ordeals() -> list[Ordeal]:
    """Two faults that were told of as they were."""
    return [
        Ordeal("PostgreSQL was gone", "partners", "database", (Said(ready=False, reasons={"database": "away"}, alive=True),)),
        Ordeal("it was killed", "partners", None, (Said(ready=None),)),
    ]


def sound() -> History:
    """Two aliases, a signed agreement, and a member of a network that signed another, with everything that follows from them."""
    facts = committed()
    followed = {"partner/p1": 3, "agreement/g1": 1, "agreement/g2": 1, "membership/m1": 3, "entitlement/h0": 1, "entitlement/h1": 3}
    return History(
        commands=[
            *(Command(f"a{number}", "partner/p1", OK, f"t{number}") for number in (1, 2)),
            Command("s1", "signed/g1", OK, "t3"), Command("x1", "partner/p1", REFUSED), Command("y1", "partner/p1", INFO),
        ],
        owned={"partner/p1": ["a1", "a2"], "signed/g1": ["s1"]},
        counted={**followed, "commitment/c1": 1},
        outbox=facts, log=[*facts, facts[1]],
        views={
            "initiatives.partners": {"p1": "3"}, "notifications.partners": {"p1": "3"}, "initiatives.agreements": {"g1": "4", "g2": "5"},
            "notifications.agreements": {"g1": "4", "g2": "5"}, "initiatives.commitments": {"g1": ["c1"]},
            "notifications.messages": {"e4": ["x@y"]}, "notifications.memberships": {"m1": ["p1", "n1", None]},
            "partners.entitlements": {"h0": True, "h1": True}, "partners.entitled": {"n1 g2": True, "p1 g2": True},
        },
        marks={"initiatives.directory": dict(followed), "notifications.alerts": {**followed, "commitment/c1": 1}},
        listens={"initiatives.directory": [PARTNERS], "notifications.alerts": [PARTNERS, EXCHANGES]},
        readers={"x@y": "p1"},
        told=[Told("m1", "e4", "x@y", "submitted", 0, "t3")],
        mails=[Mail("<m1@here>", "x@y", "Signed", "t3")],
        quiet=Quiet(0, 0, 0), handles={"partners: open files": (40, 45)}, metrics={"partners": (0.0, 12.0)},
        ordeals=ordeals(),
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
    history.handles = {"partners: open files": (40, 400)}


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


def retold(history: History, **kinds: str) -> None:
    """The owner committed and sent facts of other kinds under these ids: everything else about them is as it should be."""
    for facts in (history.outbox, history.log):
        facts[:] = [
            replace(fact, type=f"org.interurbe.entitlement.{kinds.get(fact.id, '')}.v1") if fact.id in kinds else fact for fact in facts
        ]


def reached(history: History, subject: str, sequence: int) -> None:
    """Owner and consumers count so many facts of the subject."""
    history.counted[subject] = sequence
    for marks in history.marks.values():
        marks[subject] = sequence


def entitlement_never_withdrawn_but_granted_again(history: History) -> None:
    history.outbox = [fact for fact in history.outbox if fact.id != "b5"]
    history.outbox[-1] = replace(history.outbox[-1], sequence=2)
    history.log = [*history.outbox]
    reached(history, "entitlement/h1", 2)


def entitlement_granted_twice(history: History) -> None:
    for facts in (history.outbox, history.log):
        facts.append(Fact("b9", "entitlement/h1", 4, "org.interurbe.entitlement.granted.v1", PARTNERS, "t4", time="5"))
    reached(history, "entitlement/h1", 4)


def entitlement_withdrawn_before_it_was_granted(history: History) -> None:
    retold(history, b3="withdrawn", b5="granted")


def last_entitlement_fact_never_told(history: History) -> None:
    history.outbox, history.log = ([fact for fact in facts if fact.id != "b7"] for facts in (history.outbox, history.log))
    reached(history, "entitlement/h1", 2)


def entitlement_fact_lost_on_its_way(history: History) -> None:
    history.log = [fact for fact in history.log if fact.id != "b5"]


def entitlement_facts_swapped_in_the_log(history: History) -> None:
    places = [place for place, fact in enumerate(history.log) if fact.id in ("b3", "b5")]
    history.log[places[0]], history.log[places[1]] = history.log[places[1]], history.log[places[0]]


def entitled_without_a_reason(history: History) -> None:
    history.views["partners.entitled"]["p2 g2"] = True


def member_that_was_forgotten(history: History) -> None:
    del history.views["partners.entitled"]["p1 g2"]


def end_of_a_membership_nobody_heard_of(history: History) -> None:
    history.views["notifications.memberships"]["m1"][2] = "2021-01-01"


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
        (entitlement_never_withdrawn_but_granted_again, "I4"), (entitlement_granted_twice, "I4"),
        (entitlement_withdrawn_before_it_was_granted, "I4"), (last_entitlement_fact_never_told, "I5"),
        (entitlement_fact_lost_on_its_way, "I3"), (entitlement_fact_lost_on_its_way, "I4"),
        (entitlement_facts_swapped_in_the_log, "I4"), (entitled_without_a_reason, "I5"), (member_that_was_forgotten, "I5"),
        (end_of_a_membership_nobody_heard_of, "I5"),
    ],
)  # fmt: skip
def test_a_seeded_defect_is_caught_by_its_invariant(seed: Callable[[History], None], invariant: str) -> None:
    history = sound()
    seed(history)
    assert invariant in check(history).broken


@pytest.mark.parametrize(
    ("seed", "invariant"),
    [
        (entitlement_never_withdrawn_but_granted_again, "I4"), (entitlement_granted_twice, "I4"),
        (last_entitlement_fact_never_told, "I5"), (member_that_was_forgotten, "I5"),
    ],
)  # fmt: skip
def test_a_defect_that_counts_right_is_caught_by_the_turns_alone(seed: Callable[[History], None], invariant: str) -> None:
    history = sound()
    seed(history)
    assert list(check(history).broken) == [invariant]
