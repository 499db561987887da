"""What the inbox decides about a batch, whatever the order and number in which facts arrive."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from shared.events.cloudevents import to_data, to_headers
from shared.inbox import FAILED, GAP, UNKNOWN, UNREADABLE, Item, plan, read
from tests.shared.facts import envelope, message

FAMILIES = {"org.interurbe.partner.registered", "org.interurbe.partner.updated"}


def item(sequence: int, partner: str = "p1") -> Item:
    return read(message(envelope(sequence, partner), offset=sequence))


def retyped(sequence: int, event_type: bytes) -> Item:
    sent = message(envelope(sequence))
    return read(sent._replace(headers=[(name, event_type if name == "ce_type" else value) for name, value in sent.headers]))


def applied(made: list[Item]) -> list[tuple[str, int] | None]:
    return [one.place for one in made]


@given(st.integers(1, 12), st.integers(1, 4), st.randoms(use_true_random=False), st.integers(0, 5))
def test_any_shuffle_with_repeats_is_applied_once_and_in_order(facts: int, subjects: int, chance: random.Random, seen: int) -> None:
    arrived = [item(number, f"p{subject}") for subject in range(subjects) for number in range(1, facts + 1)] * 2
    chance.shuffle(arrived)
    marks = {f"partner/p{subject}": seen for subject in range(subjects)} if seen else {}
    made = plan(arrived, marks, FAMILIES)
    for subject in range(subjects):
        mine = [place[1] for place in applied(made.apply) if place and place[0] == f"partner/p{subject}"]
        assert mine == list(range(seen + 1, facts + 1))
    assert made.park == []
    assert made.duplicates + len(made.apply) == len(arrived)


def test_what_comes_too_early_waits() -> None:
    made = plan([item(3), item(1), item(5)], {}, FAMILIES)
    assert applied(made.apply) == [("partner/p1", 1)]
    assert [(one.place, kind) for one, kind in made.park] == [(("partner/p1", 3), GAP), (("partner/p1", 5), GAP)]


def test_an_unknown_version_of_a_known_fact_holds_back_its_subject_only() -> None:
    made = plan([item(1), retyped(2, b"org.interurbe.partner.updated.v9"), item(3), item(1, "p2")], {}, FAMILIES)
    assert applied(made.apply) == [("partner/p1", 1), ("partner/p2", 1)]
    assert [kind for _, kind in made.park] == [UNKNOWN, GAP]


def test_a_fact_nobody_here_handles_passes_and_is_counted() -> None:
    made = plan([item(1), retyped(2, b"org.interurbe.partner.invented.v1"), item(3)], {}, FAMILIES)
    assert applied(made.apply) == [("partner/p1", 1), ("partner/p1", 2), ("partner/p1", 3)]
    assert made.moved() == {"partner/p1": 3}


def test_data_of_the_wrong_shape_is_kept_at_its_place() -> None:
    sent = envelope(2)
    broken = read(message(sent)._replace(value=b"{}"))
    made = plan([item(1), broken, item(3)], {}, FAMILIES)
    assert [(one.place, kind) for one, kind in made.park] == [(("partner/p1", 2), FAILED), (("partner/p1", 3), GAP)]
    assert made.moved() == {"partner/p1": 1}


def test_a_message_without_a_place_is_kept_and_stops_nobody() -> None:
    sent = envelope(2)
    headers = [pair for pair in to_headers(sent) if pair[0] != "ce_subject"]
    made = plan([item(1), read(message(sent)._replace(headers=headers, value=to_data(sent))), item(2)], {}, FAMILIES)
    assert applied(made.apply) == [("partner/p1", 1), ("partner/p1", 2)]
    assert [kind for _, kind in made.park] == [UNREADABLE]
