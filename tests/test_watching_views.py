"""`voxspark top` and `voxspark report` as text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.dom import minidom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.watched_turns import READY, SECRET, a_turn
from voxspark.events import Event, Failed
from voxspark.watching.figures import _ceiling
from voxspark.watching.report import as_html, as_svg, digest
from voxspark.watching.top import Lately, event_of, frame

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

STATUS: dict[str, Any] = {
    "state": "speaking",
    "version": "0.6.0",
    "uptime_seconds": 7300.0,
    "profile": "embedded",
    "engines": {"chat": "llama_cpp bundled:smollm2"},
    "ears": [{"name": "tiny.en", "trouble": ""}],
    "voices": [{"name": "piper", "trouble": "too slow"}, {"name": "hibari", "trouble": ""}],
    "microphone": "open",
    "speaker": "lost",
    "dropped_audio_seconds": 1.25,
    "waiting_requests": 2,
    "timers": ["tea"],
    "jobs": [{"title": "image of a cat", "state": "running"}],
    "memory": None,
    "memory_mb": 640,
    "peak_memory_mb": 700,
    "last_failure": None,
}


def lately(*events: Event) -> Lately:
    seen = Lately()
    for number, event in enumerate(events):
        seen.note(event.to_json(), NOW - timedelta(seconds=len(events) - number))
    return seen


def drawn(seen: Lately, width: int = 100, height: int | None = None, colour: bool = False, **changed: Any) -> str:
    return frame({**STATUS, **changed}, seen, NOW, width=width, height=height, colour=colour)


# ── top ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_frame_shows_what_is_going_on_and_no_words() -> None:
    failure = Failed(1.0, "speaker", "speaker-lost", "The speaker is gone.", "Plug it in.")
    text = drawn(lately(READY, *a_turn(1), *a_turn(2, "interrupted", "socket", "barge-in"), failure))
    for part in (
        *("speaking", "up 2 h", "640 MB", "speaker lost", "1.2 s of sound lost", "piper (too slow), hibari"),
        *("2 questions wait", "timers: tea", "image of a cat: running", "Last 2 turns: 1 answered, 1 interrupted"),
        *("0.60 s", "socket", "find_thing; barge-in", "transcript", "The speaker is gone. Plug it in. (speaker-lost)"),
    ):
        assert part in text
    assert SECRET not in text
    assert "\x1b" not in text


def test_before_the_first_turn() -> None:
    text = drawn(Lately(), last_failure={"message": "Old trouble.", "remedy": "", "code": "old"})
    assert "No turn yet." in text
    assert "Old trouble.  (old)" in text


def test_a_failed_turn_without_sound() -> None:
    assert "chat-broke" in drawn(lately(*a_turn(1, "failed")))


@given(st.integers(1, 200), st.integers(1, 60), st.booleans())
def test_no_frame_is_larger_than_the_terminal(width: int, height: int, colour: bool) -> None:
    text = drawn(lately(*a_turn(1), *a_turn(2)), width, height, colour=colour)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


@given(st.text(), st.sampled_from(["microphone", "state", "profile"]))
def test_nothing_from_elsewhere_reaches_the_terminal_as_a_command(text: str, key: str) -> None:
    told = frame({**STATUS, key: text}, Lately(), NOW, width=100, colour=False)
    assert all(character.isprintable() or character == "\n" for character in told)


def test_only_the_state_has_a_colour() -> None:
    assert drawn(Lately(), colour=True).count("\x1b") == 2


@pytest.mark.parametrize("message", [{}, {"event": "unheard_of"}, {"event": "turn_started"}])
def test_events_of_another_version_are_passed_over(message: dict[str, Any]) -> None:
    assert event_of(message) is None


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    assert event_of({**READY.to_json(), "shoe_size": 43}) == READY


# ── report ──────────────────────────────────────────────────────────────────────────────────────


def line(days_ago: int, outcome: str = "answered", heard: float = 0.5) -> dict[str, Any]:
    return {
        "time": (NOW - timedelta(days=days_ago)).isoformat(),
        "outcome": outcome,
        "failures": ["chat-broke"] * (outcome == "failed"),
        "tools": [{"tool": "<get_time>"}],
        "timings": {"transcript": 0.2, "first_audible": heard} if outcome == "answered" else {},
    }


def test_days_outcomes_and_percentiles() -> None:
    turns = [*(line(1, heard=n / 100) for n in range(1, 101)), line(0, "failed"), line(0, "interrupted"), line(90)]
    summary = digest(turns, NOW.date(), 7)
    assert [day.day for day in summary.days] == [date(2026, 11, day) for day in range(18, 25)]
    assert summary.outcomes == {"answered": 100, "failed": 1, "interrupted": 1}
    page = as_html(summary)
    assert "102 turns: 100 answered, 1 interrupted, 1 failed" in page
    assert "within 0.51 s, 95 of 100 within 0.96 s" in page
    assert "<td>until heard</td><td>100</td><td>0.51</td><td>0.96</td><td>1.00</td>" in page
    assert "<td>chat-broke</td><td>1</td>" in page
    assert "&lt;get_time&gt;" in page


@pytest.mark.parametrize("turns", [[], [line(0)], [line(0, "failed")], [line(n) for n in range(40)]])
@pytest.mark.parametrize("days", [1, 30, 365])
def test_the_pictures_are_whole_and_need_nothing_from_elsewhere(turns: list[dict[str, Any]], days: int) -> None:
    summary = digest(turns, NOW.date(), days)
    page, picture = as_html(summary), as_svg(summary)
    minidom.parseString(picture)
    for text in (page, picture):
        assert not re.search(r"<script|<link|@import|url\(|src=|href=", text)
        assert set(re.findall(r"https?://[^\"]+", text)) == {"http://www.w3.org/2000/svg"}
    assert ("There is no turn" in page) == (not turns)


@given(st.floats(1e-6, 1e9), st.booleans())
def test_an_axis_holds_its_values_and_is_not_much_too_long(value: float, whole: bool) -> None:
    top = _ceiling(value, whole=whole)
    assert value <= top * (1 + 1e-8)
    assert top <= max(2.1 * value + 4 * whole, 4.0 * whole)
