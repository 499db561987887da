"""Whatever is said of hosting, and in whatever order: no day has two hosts, and what is said holds."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.registry.hosting.models import HostingOverlaps, Stay, ended, host_on, next_turn, settled
from shared.refusals import Invalid

START = date(2025, 1, 1)
DAYS = [START + timedelta(days=number) for number in range(16)]


@st.composite
def wishes(draw: st.DrawFn) -> Stay:
    first = draw(st.integers(0, 9))
    last = draw(st.none() | st.integers(first, 13))
    return Stay(draw(st.sampled_from("abc")), DAYS[first], None if last is None else DAYS[last])


wanted_or_ended = st.lists(wishes() | st.sampled_from(DAYS), max_size=12)


def after(said: list[Stay | date]) -> list[Stay]:
    stays: list[Stay] = []
    for one in said:
        try:
            stays = settled(stays, one) if isinstance(one, Stay) else ended(stays, one)
        except HostingOverlaps:
            continue
    return stays


@given(wanted_or_ended)
def test_no_day_has_two_hosts_and_no_stay_ends_before_it_begins(said: list[Stay | date]) -> None:
    stays = after(said)
    assert not any(one.shares(other) for one, other in combinations(stays, 2))
    assert all(stay.last is None or stay.last >= stay.first for stay in stays)
    assert stays == sorted(stays, key=lambda stay: stay.first)


@given(wanted_or_ended, wishes())
def test_what_is_taken_holds_on_each_of_its_days_and_changes_no_other_hosts_days_before(said: list[Stay | date], wanted: Stay) -> None:
    stays = after(said)
    try:
        new = settled(stays, wanted)
    except HostingOverlaps:
        assert any(stay.host != wanted.host or stay.last is not None for stay in stays if stay.shares(wanted))
        return
    assert settled(new, wanted) == new
    for day in DAYS:
        if wanted.holds(day):
            assert host_on(new, day) == wanted.host
        elif day < wanted.first and host_on(stays, day) != wanted.host:
            assert host_on(new, day) == host_on(stays, day)


@given(wanted_or_ended, st.sampled_from(DAYS))
def test_ending_leaves_that_day_without_a_host_and_all_earlier_ones_as_they_were(said: list[Stay | date], day: date) -> None:
    stays = after(said)
    new = ended(stays, day)
    assert host_on(new, day) is None
    assert all(host_on(new, each) == host_on(stays, each) for each in DAYS if each < day)


@given(wanted_or_ended, st.sampled_from(DAYS[:12]))
def test_between_today_and_the_next_turn_the_host_stays_the_same(said: list[Stay | date], today: date) -> None:
    stays = after(said)
    turn = next_turn(stays, today)
    same = [day for day in DAYS if day >= today and (turn is None or day < turn)]
    assert {host_on(stays, day) for day in same} == {host_on(stays, today)}


def test_a_host_named_again_on_its_first_day_is_corrected() -> None:
    assert settled([Stay("a", DAYS[2])], Stay("b", DAYS[2])) == [Stay("b", DAYS[2])]


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(Invalid):
        settled([], Stay("a", DAYS[2], DAYS[1]))
