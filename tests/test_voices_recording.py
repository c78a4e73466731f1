"""Whether a recording is fit to be cloned from: real speech, and what goes wrong with recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxspark.audio import dbfs, join, read_wav, resample, silence, wav_bytes
from voxspark.types import Pcm
from voxspark.voices.recording import LONGEST_SECONDS, PEAK_DBFS, SPEECH_DBFS, examine, excerpt, level

RATE_HZ = 16_000
VOICES = Path(__file__).parents[1] / "voices"
SPEECH = read_wav(VOICES / "dashwood" / "reference.wav")[0]
OTHER = read_wav(VOICES / "catherine" / "reference.wav")[0]


def codes(samples: Pcm, sample_rate_hz: int = RATE_HZ) -> list[str]:
    """What is wrong with what would be cloned from."""
    return [each.code for each in examine(excerpt(samples, sample_rate_hz), sample_rate_hz).problems]


def noise(seconds: float, level_dbfs: float) -> Pcm:
    drawn = np.random.default_rng(1).normal(0, 10 ** (level_dbfs / 20), int(seconds * RATE_HZ))
    return drawn.astype(np.float32)


def clipped(samples: Pcm, by_db: float) -> Pcm:
    peak = np.abs(samples).max()
    return np.asarray(np.clip(samples * (10 ** (by_db / 20) / peak), -1, 1), np.float32)


# ── what is fine ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("speech", [SPEECH, OTHER], ids=["dashwood", "catherine"])
@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_good_speech_has_no_problem(speech: Pcm, gain: float) -> None:
    report = examine(excerpt(speech * np.float32(gain), RATE_HZ), RATE_HZ)
    assert not report.problems
    assert report.speech_dbfs - report.noise_dbfs > 20


@pytest.mark.parametrize("rate", [22_050, 24_000, 44_100, 48_000])
def test_the_rate_does_not_matter(rate: int) -> None:
    assert codes(resample(SPEECH, RATE_HZ, rate), rate) == []


def test_eight_bits_and_two_channels_will_do(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "both.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(1)
        file.setframerate(RATE_HZ)
        file.writeframes(np.repeat(np.round(SPEECH * 127 + 128).astype(np.uint8), 2).tobytes())
    assert codes(*read_wav(tmp_path / "both.wav")) == []


def test_quiet_around_the_speech_is_cut() -> None:
    around = join(noise(2, -70), SPEECH, noise(3, -70))
    assert codes(around) == []
    assert len(excerpt(around, RATE_HZ)) == pytest.approx(len(SPEECH), abs=0.3 * RATE_HZ)


def test_what_is_cut_begins_and_ends_at_nothing() -> None:
    piece = excerpt(SPEECH, RATE_HZ)
    assert piece[0] == piece[-1] == 0


# ── what is not ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("samples", "code"),
    [
        pytest.param(silence(5, RATE_HZ), "recording-silent", id="silent"),
        pytest.param(noise(5, -70), "recording-silent", id="hiss"),
        pytest.param(SPEECH[: RATE_HZ * 4 // 10], "recording-short", id="0.4 s"),
        pytest.param(SPEECH[:0], "recording-silent", id="empty"),
        pytest.param(SPEECH[:1], "recording-silent", id="one sample"),
        pytest.param(np.tile(SPEECH, 74), "recording-long", id="10 min"),
        pytest.param(SPEECH + noise(9, -32)[: len(SPEECH)], "recording-noisy", id="noisy"),
        pytest.param(noise(5, -20), "recording-noisy", id="nothing but noise"),
        pytest.param(SPEECH.copy() * np.float32(np.nan), "recording-broken", id="no numbers"),
        pytest.param(np.where(SPEECH > 0.5, np.float32(np.inf), SPEECH), "recording-broken", id="infinite"),
    ],
)
def test_what_is_wrong_is_told_with_a_remedy(samples: Pcm, code: str) -> None:
    problem = examine(excerpt(samples, RATE_HZ), RATE_HZ).problems[0]
    assert problem.code == code
    assert problem.sentence.endswith(".")
    assert problem.remedy


@pytest.mark.parametrize("speech", [SPEECH, OTHER], ids=["dashwood", "catherine"])
@pytest.mark.parametrize("by_db", [6, 12, 24])
def test_clipping_is_heard_at_any_level(speech: Pcm, by_db: float) -> None:
    assert "recording-clipped" in codes(clipped(speech, by_db))
    assert "recording-clipped" in codes(clipped(speech, by_db) * np.float32(0.1))


def test_clipping_is_seen_after_a_change_of_rate() -> None:
    assert "recording-clipped" in codes(resample(clipped(SPEECH, 12) * np.float32(0.5), RATE_HZ, 44_100), 44_100)


def test_a_telephone_is_refused() -> None:
    assert codes(resample(SPEECH, RATE_HZ, 8_000), 8_000) == ["recording-coarse"]


def test_one_long_pause_may_be_and_two_may_not() -> None:
    first, second, third = SPEECH[:40_000], OTHER[:30_000], OTHER[30_000:60_000]
    rest = noise(1.5, -60)
    assert codes(join(first, rest, second)) == []
    assert codes(join(first, rest, second, rest, third)) == ["recording-pauses"]


def test_all_problems_are_told_at_once() -> None:
    assert codes(clipped(SPEECH[:RATE_HZ], 12)) == ["recording-short", "recording-clipped"]


# ── cutting ─────────────────────────────────────────────────────────────────────────────────────


def test_longer_speech_is_cut_at_a_pause() -> None:
    both = join(SPEECH, noise(0.6, -60), OTHER, noise(0.6, -60), SPEECH)
    piece = excerpt(both, RATE_HZ)
    assert len(piece) == pytest.approx(len(SPEECH), abs=0.3 * RATE_HZ)
    assert codes(both) == []


def test_longer_speech_without_a_pause_is_refused() -> None:
    frames = SPEECH[: len(SPEECH) // 320 * 320].reshape(-1, 320)
    loud = frames[np.sqrt(np.mean(frames**2, axis=1)) > 0.014].reshape(-1)
    assert codes(np.tile(loud, 3))[0] == "recording-long"


@settings(max_examples=30)
@given(st.lists(st.sampled_from([0.3, 0.7, 1.2]), min_size=1, max_size=5))
def test_what_is_cut_out_is_part_of_it_and_never_longer(pauses: list[float]) -> None:
    whole = join(*(part for pause in pauses for part in (OTHER, noise(pause, -60))))
    piece = excerpt(whole, RATE_HZ)
    assert 0 < len(piece) <= len(whole)
    assert len(piece) <= LONGEST_SECONDS * RATE_HZ


# ── level ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("gain", [0.1, 0.3, 1.0])
def test_all_recordings_are_as_loud(gain: float) -> None:
    out = level(SPEECH * np.float32(gain), RATE_HZ)
    assert dbfs(out) == pytest.approx(SPEECH_DBFS, abs=1.5)
    assert np.abs(out).max() <= 10 ** (PEAK_DBFS / 20) + 1e-6


def test_silence_stays_silent() -> None:
    assert not level(silence(1, RATE_HZ), RATE_HZ).any()


def test_a_wav_of_it_is_read_back_as_good() -> None:
    clip = level(excerpt(resample(SPEECH, RATE_HZ, 24_000), 24_000), 24_000)
    assert not examine(*read_wav(wav_bytes(clip, 24_000))).problems
