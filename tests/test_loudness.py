"""Loudness against the reference signals of EBU Tech 3341, and voices that are equally loud."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.test_synthesizers import all_of
from voxspark.audio import join, read_wav, silence
from voxspark.config_speech import VoiceSettings
from voxspark.engines.tts.espeak import EspeakSynthesizer
from voxspark.engines.tts.hibari import HibariSynthesizer
from voxspark.loudness import LARGEST_GAIN_DB, SPEECH_LUFS, decibels, gain_to, integrated_lufs
from voxspark.speech.level import Level
from voxspark.types import Pcm

RATE = 48_000
BOOKS = Path("/usr/share/pocketsphinx/test/data/librivox")
KNOWN = "Hello there, it's ten past nine."
SENTENCES = (
    "The timer for the pasta is set to ten minutes.",
    "Done.",
    "Tomorrow will be mostly sunny, with a high of twenty two degrees and a light breeze from the west.",
    "Let me look that up.",
    "Paris is the capital of France.",
    "Would you really like me to delete the whole list?",
    "It is half past seven, and your first meeting begins at eight fifteen.",
    "Sorry. The lamp is broken.",
)


def sine(level_dbfs: float, seconds: float, rate: int = RATE) -> Pcm:
    """997 Hz, whose peak is at this level: that is its loudness too, on two loudspeakers."""
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(decibels(level_dbfs) * np.sin(2 * np.pi * 997 * t), np.float32)


# ── EBU Tech 3341, minimum requirements test signals ────────────────────────────────────────────


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_signals_1_and_2_a_sine(level: float, rate: int) -> None:
    assert integrated_lufs(sine(level, 20, rate), rate) == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        [(-36.0, 10), (-23.0, 60), (-36.0, 10)],
        [(-72.0, 10), (-36.0, 10), (-23.0, 60), (-36.0, 10), (-72.0, 10)],
        [(-26.0, 20), (-20.0, 20.1), (-26.0, 20)],
    ],
)
def test_signals_3_to_5_are_gated(parts: list[tuple[float, float]]) -> None:
    whole = join(*(sine(level, seconds, 24_000) for level, seconds in parts))
    assert integrated_lufs(whole, 24_000) == pytest.approx(-23.0, abs=0.1)


# ── what cannot be measured ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), silence(5, RATE), sine(-20, 0.3), sine(-90, 3)])
def test_silence_and_moments_have_no_loudness(samples: Pcm) -> None:
    assert integrated_lufs(samples, RATE) is None
    assert gain_to(-18, samples, RATE) == 1.0


def test_a_gain_brings_it_there_within_bounds() -> None:
    for level in (-29.0, -18.0, -7.0):
        assert level + 20 * np.log10(gain_to(-18, sine(level, 2), RATE)) == pytest.approx(-18, abs=0.1)
    assert gain_to(-18, sine(-60, 2), RATE) == decibels(LARGEST_GAIN_DB)
    assert gain_to(-18, sine(0, 2) * 8, RATE) == decibels(-LARGEST_GAIN_DB)


# ── the level of a voice ────────────────────────────────────────────────────────────────────────


def test_the_first_sentence_sets_the_level_and_the_others_move_it_slowly() -> None:
    level = Level()
    assert level.gain == 1.0
    level.hear(sine(-24, 2), RATE)
    assert level.gain == pytest.approx(decibels(6), rel=0.02)
    gains = [level.gain]
    for _ in range(12):
        level.hear(sine(-12, 3, 24_000), 24_000)
        gains.append(level.gain)
    steps = 20 * np.diff(np.log10(gains))
    assert np.all(steps >= -1.001)
    assert np.all(steps <= 0.001)
    assert gains[-1] == pytest.approx(decibels(-6), rel=0.02)


def test_silence_does_not_move_the_level() -> None:
    level = Level()
    level.hear(sine(-24, 2), RATE)
    before = level.gain
    for _ in range(20):
        level.hear(silence(1, RATE), RATE)
        level.hear(sine(-24, 0.1), RATE)
    assert level.gain == before


def test_what_a_voice_was_like_before_is_forgotten() -> None:
    level = Level()
    for before, times in ((-12, 3), (-21, 14)):
        for _ in range(times):
            level.hear(sine(before, 4, 24_000), 24_000)
    assert level.gain == pytest.approx(decibels(3), rel=0.02)


@pytest.mark.real
@pytest.mark.anyio
async def test_real_voices_are_equally_loud() -> None:
    """From one known sentence on, of each voice: what it says then is within 1 LU of the target as a whole."""
    settings = VoiceSettings()
    voices: dict[str, list[tuple[Pcm, int]]] = {"a reader": [read_wav(path) for path in sorted(BOOKS.glob("*.wav"))]}
    for engine in (HibariSynthesizer(settings), EspeakSynthesizer(settings)):
        voices[type(engine).__name__] = [
            (join(*(samples for samples, _ in pieces)), pieces[0][1])
            for pieces in [await all_of(engine, text) for text in (KNOWN, *SENTENCES)]
        ]
    for name, (known, *sentences) in voices.items():
        level, said = Level(), []
        level.hear(*known)
        for samples, rate in sentences:
            said.append(samples * np.float32(level.gain))
            level.hear(samples, rate)
        assert integrated_lufs(join(*said), rate) == pytest.approx(SPEECH_LUFS, abs=1.0), name
