"""From what Whisper writes to plain words, digits and seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unicode_rbnf import RbnfEngine

from voxspark.agent.tongues.english import normalise
from voxspark.agent.tongues.english_numerals import to_digits, to_seconds

ENGLISH = RbnfEngine.for_language("en")


@given(st.integers(0, 10**12 - 1))
def test_every_spelled_number_is_read(number: int) -> None:
    spelled = ENGLISH.format_number(number).text.replace("-", " ")
    assert to_digits(spelled) == str(number)
    assert to_digits(f"about {spelled} grams") == f"about {number} grams"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("a hundred and five", "105"),
        ("fifteen hundred", "1500"),
        ("2 million", "2000000"),
        ("three point one four", "3.14"),
        ("two and a half", "2.5"),
        ("two and three quarters", "2.75"),
        ("2 1/2 cups", "2.5 cups"),
        ("five six", "5 6"),
        ("twenty twenty", "20 20"),
        ("nineteen eighty four", "19 84"),
        ("two and three", "2 and 3"),
        ("one hundred and rising", "100 and rising"),
        ("ten, twenty", "10, 20"),
        ("a thousand thousand", "1000 thousand"),
        ("point", "point"),
        ("five point", "5 point"),
        ("and a half", "and a half"),
        ("", ""),
    ],
)
def test_numbers_end_where_they_end(text: str, digits: str) -> None:
    assert to_digits(text) == digits


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("an hour and a half", "5400s"),
        ("1 hour, 30 minutes", "5400s"),
        ("2 minutes 30", "150s"),
        ("1 hour 30", "5400s"),
        ("1.5 hours", "5400s"),
        ("3 quarters of an hour", "2700s"),
        ("5 minutes and 10 minutes", "300s and 600s"),
        ("10 minutes and lights", "600s and lights"),
        ("5 minutes and 2 timers", "300s and 2 timers"),
        ("a second timer", "a second timer"),
        ("half a second", "half a second"),
        ("0.5 seconds", "0.5 seconds"),
        ("a minute", "60s"),
        ("minutes", "minutes"),
        ("5 minutemen", "5 minutemen"),
        ("v10 minutes", "v10 minutes"),
    ],
)
def test_durations_become_one_token(text: str, seconds: str) -> None:
    assert to_seconds(text) == seconds


@pytest.mark.parametrize(
    ("heard", "command"),
    [
        ("Hey, Jarvis, could you please set a timer?", "set a timer"),
        ("Okay Nabu. Um, what's the time, please? Thanks.", "what is the time"),
        ("At 7 a.m.", "at 7 am"),
        ("15% of 1,000", "15 percent of 1000"),
        ("Twenty-five.", "25"),
        ("  São   Paulo…", "sao paulo"),
        ("-5 and 3 - 2", "minus 5 and 3 - 2"),
        ("One thing. Another thing.", ""),
        ("Hey Jarvis.", "jarvis"),
        ("", ""),
        ("x" * 201, ""),
    ],
)
def test_only_the_command_stays(heard: str, command: str) -> None:
    assert normalise(heard) == command


@given(st.text(max_size=200))
def test_any_text_is_normalised(text: str) -> None:
    assert normalise(text) == normalise(f"  {text}  ") or len(text) > 196
