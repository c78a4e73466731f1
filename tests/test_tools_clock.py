"""What the clock says, with a clock that stands still."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.tools.clock import CITIES, HOLIDAYS, Clock, clock_tools


def clock(hour: int = 9, minute: int = 10, month: int = 11, day: int = 24) -> Clock:
    moment = datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("Europe/Berlin"))
    return Clock(lambda: moment)


@pytest.mark.parametrize(
    ("hour", "minute", "says"),
    [
        (9, 10, "It's 9:10 AM."),
        (0, 0, "It's 12:00 AM."),
        (12, 5, "It's 12:05 PM."),
        (23, 59, "It's 11:59 PM."),
    ],
)
def test_the_time_here(hour: int, minute: int, says: str) -> None:
    assert clock(hour, minute).get_time() == says


@pytest.mark.parametrize(
    ("city", "says"),
    [
        ("Tokyo", "It's 5:10 PM in Tokyo."),
        ("new york", "It's 3:10 AM in New York."),
        ("  São Paulo ", "It's 5:10 AM in Sao Paulo."),
        ("Delhi", "It's 1:40 PM in Delhi."),
        ("Honolulu", "It's 10:10 PM on Monday in Honolulu."),
        ("Gotham", "I don't know the time in Gotham."),
    ],
)
def test_the_time_in_a_city(city: str, says: str) -> None:
    assert clock().get_time(city) == says


def test_summer_time_is_known() -> None:
    assert clock(month=7).get_time("Tokyo") == "It's 4:10 PM in Tokyo."


def test_the_date() -> None:
    assert clock().get_date() == "It's Tuesday, November 24, 2026."
    assert clock(23).get_date("Tokyo") == "It's Wednesday, November 25, 2026 in Tokyo."
    assert clock().get_date("Gotham") == "I don't know the date in Gotham."


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("Christmas", "Christmas is on a Friday this year."),
        ("new years eve", "New Year's Eve is on a Thursday this year."),
        ("HALLOWEEN", "Halloween was on a Saturday this year."),
        ("2027-02-14", "February 14, 2027 is a Sunday."),
        ("2000-01-01", "January 1, 2000 was a Saturday."),
        ("2026-02-30", "I don't know when 2026-02-30 is."),
        ("", "I don't know when that is."),
    ],
)
def test_the_weekday_of_a_day(day: str, says: str) -> None:
    assert clock().get_weekday(day) == says


def test_tables_hold_what_they_promise() -> None:
    assert len(CITIES) >= 60
    for city in CITIES:
        assert clock().get_time(city).endswith(f"in {city}.")
    for name in HOLIDAYS:
        assert clock().get_weekday(name).startswith(name)


@given(st.text())
def test_any_text_gets_a_sentence(text: str) -> None:
    for say in (clock().get_time, clock().get_date, clock().get_weekday):
        assert say(text).endswith(".")


def test_all_are_harmless() -> None:
    tools = clock_tools(lambda: datetime.now().astimezone())
    assert [each.name for each in tools] == ["get_date", "get_time", "get_weekday"]
    assert {(each.permission, each.fate) for each in tools} == {("read", "turn")}
