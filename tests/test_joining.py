"""One sound of what a voice yields: no click at any join, whatever the pieces, and no peak that distorts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from itertools import pairwise

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clicks import flux, jump, voiced
from tests.scenario import Scenario
from tests.test_synthesizers import all_of
from voxspark.audio import dbfs, join, resample, silence, tone
from voxspark.config_speech import VoiceSettings
from voxspark.engines.tts.espeak import EspeakSynthesizer
from voxspark.engines.tts.hibari import HibariSynthesizer
from voxspark.errors import SynthesizerError
from voxspark.speech.joining import CEILING, EDGE_FRAMES, FRAME, SEAM, SPOKEN_RATE_HZ, Joiner, joined
from voxspark.types import Pcm

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
PAUSE = 0.1
QUIET = EDGE_FRAMES * FRAME + round(PAUSE * SPOKEN_RATE_HZ)
"""Samples behind the last sound."""
BURST = 0.3
"""Flux above the voice's frequencies that nobody hears: breaking off without a fade makes 0.5 to 9."""


def sentence(rate_hz: int) -> Pcm:
    """Two words with silence around and between them."""
    parts = silence(0.2, rate_hz), voiced(0.3, rate_hz), silence(0.5, rate_hz), voiced(0.4, rate_hz, 180)
    return join(*(np.asarray(part * _edges(len(part))) for part in parts), silence(0.3, rate_hz)).astype(np.float32)


def _edges(n: int) -> Pcm:
    return np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / 200).astype(np.float32)


def pieces(samples: Pcm, cuts: Iterable[int]) -> list[Pcm]:
    places = [0, *sorted(cut % (len(samples) + 1) for cut in cuts), len(samples)]
    return [samples[start:end] for start, end in pairwise(places)]


def sound(*parts: tuple[Pcm, int], pause: float = PAUSE) -> Pcm:
    joiner = Joiner(pause)
    return join(*(joiner.feed(samples, rate) for samples, rate in parts), joiner.finish())


def clean(samples: Pcm, above_hz: float = 5_000) -> bool:
    """It begins and ends at nothing, and no click is in it."""
    return abs(samples[0]) < 0.01 and not samples[-1] and flux(samples, SPOKEN_RATE_HZ, above_hz) < BURST


# ── pieces ──────────────────────────────────────────────────────────────────────────────────────


@given(st.sampled_from(RATES), st.lists(st.integers(0, 100_000), max_size=30))
@settings(max_examples=40)
def test_the_sound_does_not_depend_on_the_pieces(rate: int, cuts: list[int]) -> None:
    whole = sentence(rate)
    parts = [(piece, rate) for piece in pieces(whole, cuts) if len(piece)]
    assert np.array_equal(sound((whole, rate)), sound(*parts))


@pytest.mark.parametrize("rate", RATES)
def test_frames_of_80_ms_join_without_a_click(rate: int) -> None:
    whole = sentence(rate)
    heard = sound(*((piece, rate) for piece in np.array_split(whole, len(whole) // (rate * 80 // 1000))))
    assert clean(heard)
    assert jump(heard) < 1.1 * jump(resample(whole, rate, SPOKEN_RATE_HZ))
    assert len(heard) == pytest.approx(1.2 * SPOKEN_RATE_HZ + EDGE_FRAMES * FRAME + QUIET, abs=2 * FRAME)


def test_a_click_is_found_where_there_is_one() -> None:
    whole = voiced(0.5, SPOKEN_RATE_HZ)
    broken = join(whole, np.full(1, 0.3, np.float32), whole)
    assert flux(broken, SPOKEN_RATE_HZ, 5_000) > BURST > flux(whole * _edges(len(whole)), SPOKEN_RATE_HZ, 5_000)


def test_what_is_certain_is_handed_over_at_once() -> None:
    joiner, whole = Joiner(PAUSE), voiced(1.0, SPOKEN_RATE_HZ)
    given = 0
    for number, piece in enumerate(np.split(whole[: 12 * 1_920], 12), 1):
        given += len(joiner.feed(piece, SPOKEN_RATE_HZ))
        assert number * 1_920 - given == 2 * FRAME, "10 ms are held back"


@pytest.mark.parametrize("pause", [0.0, 0.08, 0.22, 1.0])
def test_the_quiet_at_the_end_is_the_pause_whoever_made_it(pause: float) -> None:
    rate = SPOKEN_RATE_HZ
    for own in (0.0, 0.05, 0.5, 3.0):
        heard = sound((join(tone(400, 0.5, rate), silence(own, rate)), rate), pause=pause)
        assert len(heard) == pytest.approx((0.5 + pause) * rate + EDGE_FRAMES * FRAME, abs=FRAME)
        assert clean(heard)


def test_silence_amid_a_sentence_stays_as_long_as_it_was() -> None:
    rate = SPOKEN_RATE_HZ
    parts = tone(400, 0.2, rate), silence(2.0, rate), tone(400, 0.2, rate)
    heard = sound(*((part, rate) for part in parts), pause=0.0)
    assert len(heard) == pytest.approx(2.4 * rate + EDGE_FRAMES * FRAME, abs=FRAME)


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.5, 0.7])
def test_a_voice_that_begins_and_breaks_off_at_a_peak_does_not_click(phase: float) -> None:
    t = np.arange(9_999) / SPOKEN_RATE_HZ
    heard = sound(((0.5 * np.cos(2 * np.pi * (300 * t + phase))).astype(np.float32), SPOKEN_RATE_HZ))
    assert clean(heard)
    assert jump(heard) < 0.05


@given(st.permutations(RATES), st.lists(st.tuples(st.floats(0.02, 0.2), st.floats(80, 300)), min_size=2, max_size=4))
@settings(max_examples=30)
def test_another_voice_takes_over_without_a_click(rates: list[int], voices: list[tuple[float, float]]) -> None:
    parts = [(voiced(seconds, rate, pitch), rate) for rate, (seconds, pitch) in zip(rates, voices, strict=False)]
    heard = sound(*parts)
    assert clean(heard, 6_000)
    at_one_rate = [(voiced(seconds, SPOKEN_RATE_HZ, pitch), SPOKEN_RATE_HZ) for seconds, pitch in voices]
    assert clean(sound(*(part for each in at_one_rate for part in (each, SEAM))))
    assert len(heard) == pytest.approx(sum(len(p) / r for p, r in parts) * SPOKEN_RATE_HZ + QUIET, abs=8 * FRAME)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(1), np.zeros(48_000), np.full(9_000, 0.4)])
def test_nothing_comes_of_silence(samples: Pcm) -> None:
    assert len(sound((samples.astype(np.float32), SPOKEN_RATE_HZ))) == 0
    assert len(sound((samples.astype(np.float32), 16_000), (samples.astype(np.float32), 8_000))) == 0
    assert len(sound()) == 0


@pytest.mark.parametrize("length", [FRAME - 1, FRAME, FRAME + 1, 400])
def test_the_shortest_sounds_are_heard(length: int) -> None:
    heard = sound((voiced(1.0, SPOKEN_RATE_HZ)[60 : 60 + length], SPOKEN_RATE_HZ))
    assert len(heard) >= length + QUIET - EDGE_FRAMES * FRAME
    assert clean(heard)


def test_an_offset_is_taken_away() -> None:
    rate = SPOKEN_RATE_HZ
    heard = sound((join(silence(0.1, rate), tone(300, 0.5, rate), silence(0.3, rate)) + np.float32(0.2), rate))
    assert abs(float(np.mean(heard[3_000:]))) < 0.005
    assert clean(heard)
    assert len(heard) == pytest.approx(0.5 * rate + EDGE_FRAMES * FRAME + QUIET, abs=2 * FRAME)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 32_767.0, 9.0])
def test_noise_is_refused(bad: float) -> None:
    samples = voiced(0.1, SPOKEN_RATE_HZ)
    samples[700] = bad
    with pytest.raises(SynthesizerError) as caught:
        Joiner(PAUSE).feed(samples, SPOKEN_RATE_HZ)
    assert caught.value.code == "voice-unsound"


# ── peaks ───────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.tuples(st.integers(1, 900), st.floats(0, 8)), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_no_peak_passes_the_ceiling(bursts: list[tuple[int, float]], seed: int) -> None:
    noise = np.random.default_rng(seed)
    loud = join(*((noise.uniform(-1, 1, length) * level / 2).astype(np.float32) for length, level in bursts))
    heard = sound((loud, SPOKEN_RATE_HZ))
    assert not len(heard) or np.max(np.abs(heard)) <= CEILING + 1e-6


def test_what_is_below_the_ceiling_keeps_its_level() -> None:
    whole = tone(1_000, 1.0, SPOKEN_RATE_HZ, -2)
    heard = sound((whole, SPOKEN_RATE_HZ))
    assert dbfs(heard[4_800:19_200]) == pytest.approx(dbfs(whole[4_800:19_200]), abs=0.01)


def test_turning_down_neither_clicks_nor_distorts() -> None:
    rate = SPOKEN_RATE_HZ
    loud = np.float32(4.0) * voiced(2.0, rate, 120, peak=0.5)
    heard = sound((loud, rate))
    assert clean(heard / np.float32(2))
    steady = sound(((2 * np.sin(2 * np.pi * 200 * np.arange(2 * rate) / rate)).astype(np.float32), rate))[rate // 2 :]
    spectrum = np.abs(np.fft.rfft(steady[:rate] * np.hanning(rate)))
    rest = np.delete(spectrum, np.s_[195:206])
    assert 20 * np.log10(np.linalg.norm(rest) / np.linalg.norm(spectrum)) < -50


# ── the stream ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_who_stops_listening_closes_the_voice() -> None:
    closed = 0

    async def voice() -> AsyncGenerator[tuple[Pcm, int], None]:
        nonlocal closed
        try:
            while True:
                await anyio.lowlevel.checkpoint()
                yield voiced(0.08, SPOKEN_RATE_HZ), SPOKEN_RATE_HZ
        finally:
            closed += 1

    async with aclosing(joined(voice(), PAUSE)) as sounds:
        assert len(await anext(sounds)) == 1_920 - 2 * FRAME
    assert closed == 1


@pytest.mark.parametrize("piece_seconds", [0.0, 0.08])
def test_what_was_heard_is_right_however_the_voice_streams(piece_seconds: float) -> None:
    """0.06 s a character: 3.2 s after it began, the second sentence is in its middle."""
    scenario = Scenario().model("Paris is the capital of France. It lies on the Seine, which is a river.")
    scenario.synthesizer.piece_seconds = piece_seconds
    result = scenario.user(0.5, 1.5, "tell me about Paris").stop(5.8).run()
    assert result.ended[0].heard == "Paris is the capital of France. It lies on the Seine, which"


@pytest.mark.real
@pytest.mark.anyio
async def test_real_voices_do_not_click() -> None:
    voice = VoiceSettings()
    for engine in (HibariSynthesizer(voice), EspeakSynthesizer(voice)):
        [(spoken, rate)] = await all_of(engine, "The timer for the pasta is set to ten minutes.")
        frames = np.array_split(spoken, len(spoken) // (rate * 80 // 1000))
        heard = sound(*((frame, rate) for frame in frames))
        natural = resample(spoken, rate, SPOKEN_RATE_HZ)
        assert np.array_equal(heard, sound((spoken, rate)))
        assert jump(heard) <= 1.05 * jump(natural)
        assert flux(heard, SPOKEN_RATE_HZ) <= 1.05 * flux(natural, SPOKEN_RATE_HZ)
        assert not heard[-1]
        assert abs(heard[0]) < 1e-3
