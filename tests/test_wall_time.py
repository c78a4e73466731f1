"""Moments as people say them, and what clock changes do to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.tools.phrases import say
from voxspark.tools.wall_time import WallTime, local_now, parse

BERLIN = ZoneInfo("Europe/Berlin")
WORDS = "7 30 am pm at every monday tomorrow to past half : -"
TUESDAY = datetime(2026, 11, 24, 14, 10, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "local", "said"),
    [
        ("7", "2026-11-24T19:00", "7:00 PM"),
        ("at 7:30", "2026-11-24T19:30", "7:30 PM"),
        ("7 am", "2026-11-25T07:00", "7:00 AM tomorrow"),
        ("7 p.m.", "2026-11-24T19:00", "7:00 PM"),
        ("17:00", "2026-11-24T17:00", "5:00 PM"),
        ("05:00", "2026-11-25T05:00", "5:00 AM tomorrow"),
        ("quarter past six", "2026-11-24T18:15", "6:15 PM"),
        ("a quarter to 7", "2026-11-24T18:45", "6:45 PM"),
        ("half past 5", "2026-11-24T17:30", "5:30 PM"),
        ("600s past 6", "2026-11-24T18:10", "6:10 PM"),
        ("20 minutes to 8", "2026-11-24T19:40", "7:40 PM"),
        ("tomorrow at 7", "2026-11-25T07:00", "7:00 AM tomorrow"),
        ("tomorrow at 5", "2026-11-25T17:00", "5:00 PM tomorrow"),
        ("tomorrow morning at 5", "2026-11-25T05:00", "5:00 AM tomorrow"),
        ("tonight at 8", "2026-11-24T20:00", "8:00 PM"),
        ("noon", "2026-11-25T12:00", "12:00 PM tomorrow"),
        ("midnight", "2026-11-25T00:00", "12:00 AM tomorrow"),
        ("Friday at 9", "2026-11-27T09:00", "9:00 AM on Friday"),
        ("on Tuesday at 5", "2026-12-01T17:00", "5:00 PM on December 1"),
        ("2026-12-24T07:00", "2026-12-24T07:00", "7:00 AM on December 24"),
        ("today at 9 am", "2026-11-24T09:00", "9:00 AM"),
        ("every weekday at 7", "2026-11-25T07:00", "7:00 AM every weekday"),
        ("every day at 6:30 pm", "2026-11-24T18:30", "6:30 PM every day"),
        ("Mondays", None, ""),
        ("on mondays at 8", "2026-11-30T08:00", "8:00 AM every Monday"),
        ("every Tuesday at 1 pm", "2026-12-01T13:00", "1:00 PM every Tuesday"),
        ("every Monday and Friday at 8", "2026-11-27T08:00", "8:00 AM every Monday and Friday"),
        ("daily at 9", "2026-11-25T09:00", "9:00 AM every day"),
    ],
)
def test_what_is_meant(text: str, local: str | None, said: str) -> None:
    moment = parse(text, TUESDAY)
    assert (moment and moment.local) == (local and datetime.fromisoformat(local))
    assert moment is None or say("{when}", when=moment.moment(TUESDAY)) == said


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "the", "25", "24", "13 pm", "7 to 8", "half to 5", "0s past 6", "61 minutes to 5", "7 7 7"),
        *("7 and turn on the lights", "7 then", "5 at 6", "2026-13-24 07:00", "when I get home", "in the morning"),
        *("7:60", "1234", "７ pm ☃", "7 pm 8 pm", "every blue moon at 7", "in 5 minutes"),
    ],
)
def test_what_is_no_moment(text: str) -> None:
    assert parse(text, TUESDAY) is None


def test_an_alarm_is_in_the_morning() -> None:
    moment = parse("tomorrow at 5", TUESDAY, waking=True)
    assert moment is not None
    assert moment.local == datetime(2026, 11, 25, 5)


def test_the_clock_on_the_wall_counts_across_clock_changes() -> None:
    before = datetime(2026, 3, 27, 12, tzinfo=BERLIN)
    alarm = parse("every day at 7", before)
    assert alarm is not None
    instants = []
    for _ in range(4):
        instants.append(datetime.fromtimestamp(alarm.instant(None), BERLIN))
        following = alarm.after(instants[-1])
        assert following is not None
        alarm = following
    assert [moment.hour for moment in instants] == [7] * 4
    hours = [(later.timestamp() - earlier.timestamp()) / 3600 for earlier, later in pairwise(instants)]
    assert hours == [23, 24, 24]


def test_a_time_that_is_left_out_is_an_hour_later_and_of_two_the_first_counts() -> None:
    left_out = WallTime(datetime(2026, 3, 29, 2, 30), "Europe/Berlin")
    assert datetime.fromtimestamp(left_out.instant(None), BERLIN).hour == 3
    twice = WallTime(datetime(2026, 10, 25, 2, 30), "Europe/Berlin")
    assert datetime.fromtimestamp(twice.instant(None), UTC).hour == 0


def test_an_unknown_zone_is_here() -> None:
    assert WallTime(datetime(2026, 1, 1), "Mars/Olympus").instant(UTC) == datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def test_the_zone_comes_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert local_now().tzinfo == ZoneInfo("Asia/Tokyo")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    assert local_now().utcoffset() is not None


@given(st.text(max_size=40) | st.lists(st.sampled_from(WORDS.split())).map(" ".join))
def test_reading_never_raises_and_what_repeats_goes_on(text: str) -> None:
    moment = parse(text, TUESDAY)
    if moment is not None and moment.weekdays:
        following = moment.after(TUESDAY + timedelta(days=400))
        assert following is not None
        assert following.instant(BERLIN) > (TUESDAY + timedelta(days=400)).timestamp()
