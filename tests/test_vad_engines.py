"""The small listening engines on real speech, spoken by the bundled voice; and what they do with bad input."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from voxspark.audio import resample, to_pcm16, trim_silence
from voxspark.config_listening import ListeningSettings
from voxspark.engines.bundled import locate
from voxspark.engines.vad import micro_wakeword, silero, smart_turn, webrtc
from voxspark.errors import EngineError
from voxspark.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Pcm16

SETTINGS = ListeningSettings()
ALL_WORDS = ListeningSettings(wake_words=("hey_jarvis", "okay_nabu", "alexa", "hey_mycroft"))
SENTENCES = (
    "What is the capital of Spain?",
    "Turn off the lights in the kitchen.",
    "Set a timer for ten minutes.",
    "Hey Charles, are you there?",
    "Okay, now be quiet.",
    "Alex said hello, and I like my craft beer.",
)
ROOM = 10  # a quiet room's noise: about -70 dBFS


@cache
def _voice() -> Any:
    from hibari import Hibari

    return Hibari(threads=1)


@cache
def _say(text: str) -> Pcm16:
    """The voice says it, always the same way: 16 kHz, edges trimmed."""
    spoken = np.asarray(_voice()(text, seed=0), np.float32)
    return to_pcm16(trim_silence(resample(spoken, 24_000, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ))


def _quiet(seconds: float, amplitude: int = ROOM) -> Pcm16:
    noise = np.random.default_rng(0).normal(0, amplitude, int(seconds * SAMPLE_RATE_HZ))
    return np.asarray(noise, np.int16)


def _heard(*pieces: Pcm16) -> Iterator[Pcm16]:
    """The pieces in a row, chunk by chunk."""
    samples = np.concatenate(pieces)
    for start in range(0, len(samples) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
        yield samples[start : start + CHUNK_SAMPLES]


# ── voice activity ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
def test_the_gate_opens_on_speech_and_not_on_silence() -> None:
    gate = webrtc.create(SETTINGS)
    for chunk in _heard(_quiet(0.2)):
        gate.open(chunk)  # it learns the noise of the room
    assert not any(gate.open(chunk) for chunk in _heard(_quiet(2)))
    assert np.mean([gate.open(chunk) for chunk in _heard(_say(SENTENCES[0]))]) > 0.8


@pytest.mark.real
def test_silero_tells_speech_from_noise() -> None:
    activity = silero.create(SETTINGS)
    assert max(activity.probability(chunk) for chunk in _heard(_quiet(2))) < 0.3
    assert max(activity.probability(chunk) for chunk in _heard(_quiet(2, amplitude=1_000))) < 0.3
    speech = [activity.probability(chunk) for chunk in _heard(_say(SENTENCES[0]))]
    assert np.mean([probability > SETTINGS.speech_threshold for probability in speech]) > 0.8
    assert all(0 <= probability <= 1 for probability in speech)


@pytest.mark.real
def test_silero_forgets_on_reset() -> None:
    activity = silero.create(SETTINGS)
    first = [activity.probability(chunk) for chunk in _heard(_say(SENTENCES[1]))]
    activity.reset()
    assert [activity.probability(chunk) for chunk in _heard(_say(SENTENCES[1]))] == first


@pytest.mark.real
@pytest.mark.parametrize("length", [0, 1, 479])
def test_a_cut_chunk_is_an_error(length: int) -> None:
    cut = np.zeros(length, np.int16)
    with pytest.raises(EngineError, match="samples") as gate:
        webrtc.create(SETTINGS).open(cut)
    with pytest.raises(EngineError, match="samples") as activity:
        silero.create(SETTINGS).probability(cut)
    assert gate.value.code == activity.value.code == "chunk-size"


@pytest.mark.real
def test_every_other_sample_of_a_buffer_is_a_chunk_too() -> None:
    strided = _quiet(1)[: 2 * CHUNK_SAMPLES : 2]
    assert webrtc.create(SETTINGS).open(strided) is False
    assert silero.create(SETTINGS).probability(strided) < 0.5


# ── wake word ───────────────────────────────────────────────────────────────────────────────────


def _wake_words(settings: ListeningSettings, *pieces: Pcm16) -> list[str]:
    detector = micro_wakeword.create(settings)
    return [word for chunk in _heard(*pieces, _quiet(1)) if (word := detector.detect(chunk)) is not None]


@pytest.mark.real
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Hey Jarvis!", "hey_jarvis"),
        ("hey jarvis, what time is it?", "hey_jarvis"),
        ("Alexa!", "alexa"),
        ("Hey Mycroft.", "hey_mycroft"),
    ],
)
def test_a_name_is_heard_once(text: str, word: str) -> None:
    assert _wake_words(ALL_WORDS, _quiet(1.5), _say(text)) == [word]


@pytest.mark.real
def test_only_chosen_names_are_heard() -> None:
    assert _wake_words(SETTINGS, _quiet(1.5), _say("Alexa!"), _quiet(1), _say("Hey Mycroft.")) == []


@pytest.mark.real
def test_other_speech_silence_and_noise_are_no_name() -> None:
    speech = [piece for text in SENTENCES for piece in (_say(text), _quiet(0.5))]
    assert _wake_words(ALL_WORDS, _quiet(3), *speech, _quiet(3, amplitude=1_000), np.zeros(48_000, np.int16)) == []


@pytest.mark.real
def test_a_name_is_heard_again_only_after_a_while() -> None:
    name = _say("Hey Jarvis!")
    assert _wake_words(SETTINGS, _quiet(1.5), name, _quiet(0.3), name) == ["hey_jarvis"]
    assert _wake_words(SETTINGS, _quiet(1.5), name, _quiet(3), name) == ["hey_jarvis"] * 2


@pytest.mark.real
def test_an_unknown_name_cannot_be_loaded() -> None:
    with pytest.raises(EngineError, match="wake word") as caught:
        micro_wakeword.MicroWakeWords(("hey_nobody",))
    assert caught.value.code == "wake-word-unusable"


# ── end of turn ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [0, 0.5, 7.9, 8, 60])
def test_the_window_is_the_end_of_the_audio_normalised(seconds: float) -> None:
    samples = _quiet(seconds, amplitude=1_000)
    window = smart_turn.normalised_window(samples)
    assert window.shape == (8 * SAMPLE_RATE_HZ,)
    assert window.dtype == np.float32
    assert np.all(np.isfinite(window))
    tail = smart_turn.TAIL_SAMPLES
    assert len(np.unique(window[-tail:])) == 1
    if seconds:
        assert window.mean() == pytest.approx(0, abs=1e-3)
        assert window.std() == pytest.approx(1, abs=1e-3)
        heard = min(len(samples), len(window) - tail)
        assert np.corrcoef(window[-tail - heard : -tail], samples[-heard:])[0, 1] > 0.999


@pytest.mark.real
@pytest.mark.anyio
async def test_smart_turn_hears_who_has_finished() -> None:
    model = smart_turn.create(locate("smart-turn"))
    await model.warm()
    for text in SENTENCES[:3]:
        assert await model.completeness(np.concatenate([_quiet(0.3), _say(text), _quiet(0.16)])) > 0.8
    for text in ("Well, um", "because, um", "Um, so, um"):
        assert await model.completeness(np.concatenate([_quiet(0.3), _say(text), _quiet(0.16)])) < 0.3


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0, 0.01, 30])
async def test_smart_turn_takes_any_length(seconds: float) -> None:
    model = smart_turn.create(locate("smart-turn"))
    assert 0 <= await model.completeness(_quiet(seconds)) <= 1
    assert 0 <= await model.completeness(np.zeros(int(seconds * SAMPLE_RATE_HZ), np.int16)) <= 1


@pytest.mark.real
@pytest.mark.anyio
async def test_smart_turn_outlives_a_cancelled_call() -> None:
    model = smart_turn.create(locate("smart-turn"))
    with anyio.move_on_after(0) as scope:
        await model.completeness(_say(SENTENCES[0]))
    assert scope.cancelled_caught
    assert await model.completeness(_say(SENTENCES[0])) > 0.8


@pytest.mark.real
@pytest.mark.anyio
async def test_smart_turn_without_usable_weights_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "text.onnx").write_text("not a model")
    for name in ("missing.onnx", "empty.onnx", "text.onnx"):
        with pytest.raises(EngineError, match="end-of-turn") as caught:
            await smart_turn.create(tmp_path / name).warm()
        assert caught.value.code == "end-of-turn-failed"


@pytest.mark.real
def test_features_are_those_the_model_was_trained_on() -> None:
    """Against the feature code that comes with the weights."""
    from faster_whisper.feature_extractor import FeatureExtractor

    place = locate("smart-turn").parent.parent / "_whisper_features.py"
    spec = importlib.util.spec_from_file_location("_whisper_features", place)
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    for samples in (_say(SENTENCES[0]), _quiet(9), np.zeros(100, np.int16)):
        window = smart_turn.normalised_window(samples)
        ours = FeatureExtractor(chunk_length=8)(window, padding=False)[:, :800]
        theirs = reference.compute_whisper_log_mel_features(window, do_normalize=False)
        assert ours.shape == theirs.shape == (80, 800)
        assert np.abs(ours - theirs).max() < 1e-3
