"""The real policy, canceller and ears on a loudspeaker in a simulated room, through the Assistant."""

from __future__ import annotations

import math

import pytest

from bench.echo import SENTENCES, embedded_voice, own_speech, words_over
from bench.echo_turns import ReadyVoice, Scene, alone, interrupted
from bench.overlaps import PacedTranscriber
from tests.echo_room import Room
from tests.virtual_time import run_virtual
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber

pytestmark = pytest.mark.real


def scene() -> Scene:
    ears = PacedTranscriber(WhisperTranscriber(TranscriberSettings()))
    return Scene(Room(echo_db=-10.0), ReadyVoice(embedded_voice()), ears)


def test_its_own_speech_interrupts_nothing_and_is_not_answered() -> None:
    own = run_virtual(alone, scene(), SENTENCES, 20.0)
    assert own.said >= 4
    assert (own.turns, own.interrupted) == (own.said, 0)


def test_somebody_interrupts_over_the_echo() -> None:
    over = scene()
    words = words_over(over.room, 6.0, own_speech(10.0))[1:2]
    (seconds,) = run_virtual(interrupted, over, SENTENCES, words)
    assert seconds < math.inf
