"""What clocks on the wall show and which instants are meant, around every change of the clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.initiatives.exchanges.calendar.models import FARTHEST, ImpossibleTime, Wall, When

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "America/Bogota", "Asia/Seoul", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago", "Europe/Dublin")
NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)


def wall(starts: str, ends: str, timezone: str | None = None) -> Wall:
    return Wall(datetime.fromisoformat(starts), datetime.fromisoformat(ends), timezone)


def when(starts: str, ends: str, timezone: str = BERLIN) -> When:
    return When.on_the_wall(wall(starts, ends), timezone)


def test_before_and_after_the_clocks_go_forward() -> None:
    night = when("2027-03-28T01:30", "2027-03-28T03:30")
    assert (night.starts_at, night.ends_at) == (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize("field", ["starts_at", "ends_at"])
def test_a_time_that_the_clocks_skip_is_refused_with_the_one_to_send(field: str) -> None:
    times = {"starts_at": "2027-03-28T01:30", "ends_at": "2027-03-28T04:30"} | {field: "2027-03-28T02:30"}
    with pytest.raises(ImpossibleTime) as refusal:
        when(times["starts_at"], times["ends_at"])
    assert refusal.value.field == f"/{field}"
    assert refusal.value.detail == "On 2027-03-28 the clocks of Europe/Berlin are put forward and never show 02:30."
    assert "02:30 by the clocks before the change is 03:30 after it" in str(refusal.value.fix)


def test_a_time_that_the_clocks_show_twice_means_the_first() -> None:
    night = when("2027-10-31T02:30", "2027-10-31T03:30")
    assert (night.starts_at, night.ends_at) == (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 2, 30, tzinfo=UTC))
    assert [clock.strftime("%H:%M %z") for clock in night.local] == ["02:30 +0200", "03:30 +0100"]


def test_half_an_hour_of_change_counts_as_half_an_hour() -> None:
    with pytest.raises(ImpossibleTime, match="02:15"):
        when("2027-10-03T02:15", "2027-10-03T05:00", "Australia/Lord_Howe")


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2027-05-01T10:00", "2027-05-01T10:00"),
        ("2027-05-01T10:00", "2027-05-01T09:00"),
        ("2027-10-31T02:30", "2027-10-31T02:15"),
        ("2027-05-01T10:00", "2028-05-02T10:00"),
    ],
)
def test_an_end_that_cannot_be_is_refused(starts: str, ends: str) -> None:
    with pytest.raises(ImpossibleTime) as refusal:
        when(starts, ends)
    assert refusal.value.field == "/ends_at"


@pytest.mark.parametrize("year", ["0001", "1969", "9999"])
def test_a_year_that_cannot_be_meant_is_refused(year: str) -> None:
    for timezone in ("Pacific/Kiritimati", "Pacific/Niue"):
        with pytest.raises(ImpossibleTime):
            when(f"{year}-01-01T00:00", f"{year}-12-31T23:59", timezone)


@pytest.mark.parametrize(
    ("starts", "words"),
    [("2027-01-15T12:59", "which is past"), ("2027-01-15T13:00", "which is past"), ("2099-01-01T10:00", "the year 2099")],
)
def test_it_begins_from_now_on_and_within_five_years(starts: str, words: str) -> None:
    begin = datetime.fromisoformat(starts)
    planned = When.on_the_wall(Wall(begin, begin + timedelta(hours=1)), BERLIN)
    with pytest.raises(ImpossibleTime, match=words):
        planned.must_be_ahead(NOW)


def test_the_day_is_that_of_its_own_clocks() -> None:
    assert when("2027-05-01T00:30", "2027-05-01T02:00", "Asia/Seoul").day == date(2027, 5, 1)
    assert When(NOW, NOW + FARTHEST, "Pacific/Kiritimati").day == date(2027, 1, 16)


def test_a_zone_on_the_wall_goes_before_the_one_that_is_known() -> None:
    assert When.on_the_wall(wall("2027-05-01T10:00", "2027-05-01T11:00", "Asia/Seoul"), BERLIN).timezone == "Asia/Seoul"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2031, 12, 31)),  # noqa: DTZ001 - what a clock on the wall shows
    st.sampled_from(ZONES),
)
def test_a_clock_of_the_zone_shows_what_was_sent(shown: datetime, timezone: str) -> None:
    minute = shown.replace(second=0, microsecond=0)
    try:
        planned = When.on_the_wall(Wall(minute, minute + timedelta(days=2)), timezone)
    except ImpossibleTime as refusal:
        assert "put forward" in refusal.detail  # noqa: PT017 - both outcomes are right, each in its place
    else:
        assert planned.local[0].replace(tzinfo=None) == minute
