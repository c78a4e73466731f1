"""Wake mode on real parts: a daemon over a file answers to its name, and for a while without it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.daemon_process import Events, private_env, voxspark
from voxspark.audio import join, resample, trim_silence, wav_bytes
from voxspark.types import SAMPLE_RATE_HZ, Pcm

pytestmark = pytest.mark.real

ROOM = 3e-4
"""Noise under everything: about -70 dBFS."""


@cache
def _voice() -> Any:
    from hibari import Hibari

    return Hibari(threads=1)


def say(text: str) -> Pcm:
    """The bundled voice at 16 kHz, edges trimmed."""
    spoken = np.asarray(_voice()(text, seed=0), np.float32)
    return trim_silence(resample(spoken, 24_000, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)


def quiet(seconds: float) -> Pcm:
    return np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)


def run_over(folder: Path, *pieces: Pcm, **settings: str) -> Events:
    """The events of one run in wake mode over these pieces."""
    question = folder / "question.wav"
    samples = join(quiet(1.5), *pieces, quiet(4))
    room = np.random.default_rng(0).normal(0, ROOM, len(samples)).astype(np.float32)
    question.write_bytes(wav_bytes(samples + room, SAMPLE_RATE_HZ))
    variables = {f"VOXSPARK_LISTENING__{name.upper()}": value for name, value in settings.items()}
    env = {**private_env(folder), "VOXSPARK_LISTENING__MODE": "wake", **variables}
    words = ("--microphone", f"file:{question}", "--speaker", "null", "--fast", "--once", "--json")
    done = voxspark("run", *words, env=env, seconds=90)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def names(events: Events) -> list[str]:
    return [event["word"] for event in events if event["event"] == "wake_word"]


def answered(events: Events) -> list[tuple[str, str]]:
    """What was understood and what was heard, of every turn that was not withdrawn."""
    return [
        (event["transcript"].lower(), event["heard"].lower())
        for event in events
        if event["event"] == "turn_ended" and event["outcome"] != "withdrawn"
    ]


def test_speech_without_the_name_starts_no_turn(tmp_path: Path) -> None:
    events = run_over(tmp_path, say("What time is it?"), quiet(1), say("Turn off the lights in the kitchen."))
    assert names(events) == []
    assert [event for event in events if event["event"] in ("speech_started", "turn_started")] == []


def test_the_name_and_a_question_are_one_turn(tmp_path: Path) -> None:
    events = run_over(tmp_path, say("Hey Jarvis!"), quiet(0.6), say("What is twelve times twelve?"))
    assert names(events) == ["hey_jarvis"]
    ((transcript, heard),) = answered(events)
    assert "times" in transcript
    assert "jarvis" not in transcript
    assert "144" in heard


def test_name_and_question_in_one_breath(tmp_path: Path) -> None:
    events = run_over(tmp_path, say("hey jarvis, what time is it?"))
    assert names(events) == ["hey_jarvis"]
    ((transcript, heard),) = answered(events)
    assert "time" in transcript
    assert heard


def test_a_follow_up_needs_no_name(tmp_path: Path) -> None:
    first, second = say("What is twelve times twelve?"), say("What is two plus two?")
    events = run_over(tmp_path, say("Hey Jarvis!"), quiet(0.6), first, quiet(6), second)
    assert names(events) == ["hey_jarvis"]
    replies = [heard for _, heard in answered(events)]
    assert len(replies) == 2
    assert "144" in replies[0]
    assert "4" in replies[1] or "four" in replies[1]


def test_after_the_window_the_name_is_needed_again(tmp_path: Path) -> None:
    first, second = say("What is twelve times twelve?"), say("What is two plus two?")
    events = run_over(tmp_path, say("Hey Jarvis!"), quiet(0.6), first, quiet(9), second, follow_up_seconds="2.0")
    assert len(answered(events)) == 1


def test_the_name_alone_starts_nothing(tmp_path: Path) -> None:
    events = run_over(tmp_path, say("Hey Jarvis!"), quiet(3))
    assert names(events) == ["hey_jarvis"]
    assert answered(events) == []


def test_another_name_can_be_chosen(tmp_path: Path) -> None:
    question = say("What is two plus two?")
    pieces = (say("Hey Jarvis!"), quiet(0.6), question, quiet(6), say("Alexa!"), quiet(0.6), question)
    events = run_over(tmp_path, *pieces, wake_words='["alexa"]')
    assert names(events) == ["alexa"]
    assert len(answered(events)) == 1
