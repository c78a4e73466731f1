"""Whisper: the guards against invented text, the choice of window, and real speech through real models."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.audio import join, read_speech, resample, silence, to_pcm16, trim_silence
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.bundled import locate
from voxspark.engines.stt import faster_whisper
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.engines.stt.guards import Reading, compression_ratio, invented
from voxspark.errors import EngineError, TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Pcm, Pcm16, Transcript

SETTINGS = TranscriberSettings()
QUESTIONS = Path(__file__).parent.parent / "voxspark" / "demo_questions"


# ── invented text ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "confidence", "no_speech"),
    [
        ("What is the capital of France?", -0.1, 0.05),
        ("What is the capital of France?", -0.45, 0.95),  # sure words beat a doubtful silence
        ("What is the capital of France?", -1.1, 0.5),
        ("Thank you.", -0.13, 0.06),
        ("Thank you. Bye.", -0.4, 0.1),
        ("You should call me.", -0.9, 0.4),
        ("So what?", -0.9, 0.4),
        ("144", -0.2, 0.1),
        ("你好", -0.2, 0.1),
        ("no no no", -0.4, 0.1),
    ],
)
def test_what_was_said_is_kept(text: str, confidence: float, no_speech: float) -> None:
    assert not invented(Reading(text, confidence, no_speech), SETTINGS)


@pytest.mark.parametrize(
    ("text", "confidence", "no_speech"),
    [
        ("", -0.1, 0.0),
        (" . . . ", -0.2, 0.1),
        ("♪ ♪", -0.2, 0.1),
        ("you", -0.71, 0.95),  # silence, tiny.en
        ("You", -3.1, 0.95),  # white noise, tiny.en
        ("I'm going to put the oil in the pan.", -1.63, 0.78),  # white noise, base
        ("What is the capital of France?", -1.3, 0.0),
        ("What is the capital of France?", -0.6, 0.7),
        ("Thank you.", -0.4, 0.35),
        ("Thank you.", -0.9, 0.0),
        ("Thanks for watching! Bye bye.", -0.3, 0.5),
        ("Thank you so much for watching.", -0.3, 0.5),
        ("Please subscribe to my channel", -0.3, 0.5),
        ("[BLANK_AUDIO]", -0.2, 0.4),
        ("(Music)", -0.2, 0.4),
        ("I am going to go. " * 12, -0.1, 0.0),
    ],
)
def test_what_nobody_said_is_dropped(text: str, confidence: float, no_speech: float) -> None:
    assert invented(Reading(text, confidence, no_speech), SETTINGS)


def test_the_thresholds_are_settings() -> None:
    text = "What is the capital of France?"
    assert not invented(Reading(text, -1.3, 0.1), TranscriberSettings(min_confidence=-2))
    assert invented(Reading(text, -0.6, 0.1), TranscriberSettings(no_speech_threshold=0.05))


@given(st.text(), st.floats(-10, 0), st.floats(0, 1))
def test_any_text_can_be_judged(text: str, confidence: float, no_speech: float) -> None:
    assert invented(Reading(text, confidence, no_speech), SETTINGS) in (True, False)


def test_repetition_compresses() -> None:
    assert compression_ratio("") == 0
    assert compression_ratio("Set a timer for ten minutes, please.") < 1.2
    assert compression_ratio("and then " * 40) > 10
    assert compression_ratio("日本" * 100) > 10


# ── the window, with a model that only keeps count ──────────────────────────────────────────────


@dataclass
class FakeModel:
    """Stands for `WhisperModel` and the CTranslate2 model in it."""

    scores: list[float] = field(default_factory=lambda: [-0.1])
    """Of one decoding after the other; the last one stays."""
    no_speech: float = 0.0
    failure: Exception | None = None
    segments: tuple[Any, ...] = ()
    calls: list[str] = field(default_factory=list)
    is_multilingual: bool = False

    @property
    def model(self) -> FakeModel:
        """CTranslate2's."""
        return self

    def feature_extractor(self, audio: Pcm) -> Any:
        """80 mel bands, a frame for each 10 ms."""
        return np.ones((80, len(audio) // 160 + 1), np.float32)

    def encode(self, features: Any) -> Any:
        """Notes the window in seconds."""
        self.calls.append(f"encode {features.shape[1] / 100:g} s")
        return features

    def generate(self, _encoded: Any, _prompts: Any, *, beam_size: int, **_options: Any) -> list[Any]:
        """Notes the beams; the text is their number."""
        self.calls.append(f"beams {beam_size}")
        if self.failure is not None:
            raise self.failure
        score = self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]
        return [SimpleNamespace(sequences_ids=[[beam_size]], scores=[score], no_speech_prob=self.no_speech)]

    def transcribe(self, audio: Pcm, **_options: Any) -> tuple[Any, Any]:
        """Notes the length in seconds."""
        self.calls.append(f"full {len(audio) / SAMPLE_RATE_HZ:g} s")
        return iter(self.segments), SimpleNamespace(language="en")


class FakeTokenizer:
    """Text for token numbers."""

    sot_sequence = (1,)
    no_timestamps = 2
    language_code = "en"
    non_speech_tokens = ()
    transcribe = translate = sot = sot_prev = sot_lm = no_speech = 0

    def decode(self, tokens: list[int]) -> str:
        """Says how many beams there were."""
        return f"found with {tokens[0]}"


def segment(text: str, confidence: float = -0.1, no_speech: float = 0.0, ratio: float = 1.0) -> SimpleNamespace:
    return SimpleNamespace(text=text, avg_logprob=confidence, no_speech_prob=no_speech, compression_ratio=ratio)


async def heard_by(
    monkeypatch: pytest.MonkeyPatch, model: FakeModel, seconds: float, settings: TranscriberSettings = SETTINGS
) -> Transcript:
    monkeypatch.setattr(faster_whisper, "_load", lambda _settings: model)
    monkeypatch.setattr(WhisperTranscriber, "_tokenizer", lambda _self, _language: FakeTokenizer())
    return await WhisperTranscriber(settings).transcribe(np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("seconds", "window_seconds", "path"),
    [
        (0, 12, "encode 12 s"),
        (1, 12, "encode 12 s"),
        (8, 12, "encode 12 s"),
        (11.5, 12, "encode 15.5 s"),
        (11.6, 12, "full 11.6 s"),
        (60, 12, "full 60 s"),
        (14, 15, "encode 18 s"),
        (7.5, 8, "encode 11.5 s"),
        (7.6, 8, "full 7.6 s"),
        (29.5, 30, "encode 30 s"),
    ],
)
async def test_speech_that_fits_the_window_is_encoded_in_it(
    monkeypatch: pytest.MonkeyPatch, seconds: float, window_seconds: float, path: str
) -> None:
    model = FakeModel()
    await heard_by(monkeypatch, model, seconds, TranscriberSettings(window_seconds=window_seconds))
    assert model.calls[0] == path


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scores", "no_speech", "text"),
    [([-0.1], 0.0, "found with 1"), ([-0.6, -0.5], 0.0, "found with 5"), ([-0.45], 0.9, "found with 1")],
)
async def test_beams_are_for_doubtful_speech(
    monkeypatch: pytest.MonkeyPatch, scores: list[float], no_speech: float, text: str
) -> None:
    last = scores[-1]
    heard = await heard_by(monkeypatch, FakeModel(scores=scores, no_speech=no_speech), 2)
    assert (heard.text, heard.confidence) == (text, last)


@pytest.mark.anyio
async def test_long_speech_is_the_segments_that_somebody_said(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = (
        segment(" One.", -0.2),
        segment(" you", -0.7, 0.95),
        segment(" Again and again.", -0.2, 0.9, ratio=9.0),
        segment(" Two.", -0.4),
        segment(" Three, four, three, four.", -0.3, 0.1, ratio=2.5),
    )
    heard = await heard_by(monkeypatch, FakeModel(segments=parts), 20)
    assert heard.text == "One. Two. Three, four, three, four."
    assert heard.confidence == pytest.approx(-0.3)
    assert await heard_by(monkeypatch, FakeModel(), 20) == Transcript("")


@pytest.mark.anyio
@pytest.mark.parametrize("failure", [RuntimeError("out of memory"), ValueError("wrong shape")])
async def test_a_failing_decoder_is_a_transcriber_error(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    with pytest.raises(TranscriberError, match="say it again") as caught:
        await heard_by(monkeypatch, FakeModel(failure=failure), 1)
    assert caught.value.code == "transcriber-failed"
    assert caught.value.__cause__ is failure


# ── real speech ─────────────────────────────────────────────────────────────────────────────────

SPOKEN = (
    ("question1.wav", ("time is it",)),
    ("question2.wav", ("capital of france",)),
    ("question3.wav", ("timer", "minutes")),
    ("question4.wav", ("12", "times")),
    ("question5.wav", ("sky", "blue")),
)

FILLER = "and after that we walked along the river for a while and looked at the boats,"


@cache
def transcriber(model: str = "bundled:tiny.en", language: str = "en") -> WhisperTranscriber:
    return WhisperTranscriber(TranscriberSettings(model=model, language=language))


def noise(seconds: float, amplitude: float) -> Pcm16:
    samples = np.random.default_rng(0).normal(0, amplitude, int(seconds * SAMPLE_RATE_HZ))
    return np.asarray(samples.clip(-32_768, 32_767), np.int16)


def click(seconds: float) -> Pcm16:
    samples = np.zeros(int(seconds * SAMPLE_RATE_HZ), np.int16)
    samples[len(samples) // 2 :][:40] = 20_000
    return samples


@cache
def _voice() -> Any:
    from hibari import Hibari

    return Hibari(threads=1)


def say(text: str) -> Pcm:
    """The bundled voice at 16 kHz, edges trimmed."""
    spoken = np.asarray(_voice()(text, seed=0), np.float32)
    return trim_silence(resample(spoken, 24_000, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)


def espeak(voice: str, text: str) -> Pcm16:
    """Another voice, and other languages."""
    raw = subprocess.run(["espeak-ng", "--stdout", "-v", voice, text], capture_output=True, check=True).stdout
    return read_speech(raw)


def story(seconds: float) -> Pcm16:
    """That many seconds of speech: a first and a last sentence, and what fits between them."""
    first, last = say("This is the beginning of the story."), say("This is the end of it.")
    gap = silence(0.15, SAMPLE_RATE_HZ)
    middle = join(*[join(say(FILLER), gap) for _ in range(int(seconds / 3))])
    room = int(seconds * SAMPLE_RATE_HZ) - len(first) - len(last) - 2 * len(gap)
    return to_pcm16(join(first, gap, middle[:room], gap, last))


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("model", ["bundled:tiny.en", "bundled:base"])
@pytest.mark.parametrize(("question", "words"), SPOKEN)
async def test_the_demo_questions_are_understood(model: str, question: str, words: tuple[str, ...]) -> None:
    heard = await transcriber(model).transcribe(read_speech(QUESTIONS / question))
    assert all(word in heard.text.lower() for word in words), heard.text
    assert heard.language == "en"
    assert -0.5 < heard.confidence < 0


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("model", ["bundled:tiny.en", "bundled:base"])
@pytest.mark.parametrize("seconds", [0, 0.05, 1, 3, 20])
async def test_nothing_is_invented_where_nobody_speaks(model: str, seconds: float) -> None:
    for samples in (
        noise(seconds, 0),
        noise(seconds, 10),
        noise(seconds, 1_000),
        noise(seconds, 8_000),
        click(seconds),
    ):
        assert (await transcriber(model).transcribe(samples)).text == ""


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [11.4, 12.0, 25.0, 40.0])
async def test_long_speech_is_transcribed_whole(seconds: float) -> None:
    samples = story(seconds)
    assert len(samples) == pytest.approx(seconds * SAMPLE_RATE_HZ, abs=2)
    text = (await transcriber().transcribe(samples)).text.lower()
    assert "beginning of the story" in text
    assert text.rstrip(".").endswith("the end of it")
    assert text.count("river") >= int(seconds / 6), text


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("text", ["Thank you.", "Yes.", "Stop!"])
async def test_a_word_that_is_often_invented_may_be_said(text: str) -> None:
    samples = to_pcm16(join(silence(0.3, SAMPLE_RATE_HZ), say(text), silence(0.16, SAMPLE_RATE_HZ)))
    assert (await transcriber().transcribe(samples)).text.lower().strip(".!") == text.lower().strip(".!")


@pytest.mark.real
@pytest.mark.anyio
async def test_cancelling_returns_at_once_and_the_next_call_works() -> None:
    await transcriber().warm()
    with anyio.move_on_after(0.01) as scope:
        await transcriber().transcribe(story(25))
    assert scope.cancelled_caught
    assert (
        "capital of france" in (await transcriber().transcribe(read_speech(QUESTIONS / "question2.wav"))).text.lower()
    )


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("voice", "text", "language"),
    [
        ("de", "Guten Tag, ich möchte bitte wissen, wie das Wetter morgen in Berlin wird.", "de"),
        ("en-us", "What time is it in Berlin?", "en"),
    ],
)
async def test_the_language_is_detected(voice: str, text: str, language: str) -> None:
    heard = await transcriber("bundled:base", "auto").transcribe(espeak(voice, text))
    assert heard.language == language
    assert "berlin" in heard.text.lower()


# ── models that cannot be had ───────────────────────────────────────────────────────────────────


def damaged(folder: Path, **contents: bytes) -> Path:
    """A copy of the bundled model with other contents in some files; an empty one is missing."""
    place = folder / "model"
    shutil.copytree(locate("whisper-tiny.en"), place)
    for name, content in contents.items():
        file = next(place.glob(f"{name}.*"))
        file.write_bytes(content) if content else file.unlink()
    return place


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["/nowhere/at/all", "~/nowhere", "./nowhere", "../nowhere"])
async def test_a_directory_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(TranscriberError, match="no Whisper model") as caught:
        await WhisperTranscriber(TranscriberSettings(model=name)).warm()
    assert caught.value.code == "whisper-model-missing"
    assert "model.bin and tokenizer.json" in caught.value.remedy


@pytest.mark.real
@pytest.mark.anyio
async def test_a_directory_of_ones_own_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged(tmp_path)
    monkeypatch.chdir(tmp_path)
    heard = await transcriber("model").transcribe(read_speech(QUESTIONS / "question2.wav"))
    assert "capital of france" in heard.text.lower()


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("model", b"", "whisper-model-missing"),
        ("tokenizer", b"", "whisper-model-missing"),
        ("vocabulary", b"", "whisper-load-failed"),
        ("model", b"not a model", "whisper-load-failed"),
        ("model", bytes(100_000), "whisper-load-failed"),
        ("tokenizer", b"{}", "whisper-load-failed"),
        ("config", b"{", "whisper-load-failed"),
    ],
)
async def test_a_damaged_directory_is_said(tmp_path: Path, file: str, content: bytes, code: str) -> None:
    place = damaged(tmp_path, **{file: content})
    with pytest.raises(TranscriberError) as caught:
        await WhisperTranscriber(TranscriberSettings(model=str(place))).warm()
    assert caught.value.code == code
    assert caught.value.remedy


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (TranscriberSettings(model="no-such-size"), "whisper-load-failed"),
        (TranscriberSettings(compute_type="int7"), "whisper-load-failed"),
        (TranscriberSettings(language="de"), "language-unknown"),
        (TranscriberSettings(model="bundled:base", language="klingon"), "language-unknown"),
        (TranscriberSettings(model="bundled:nothing"), "weights-unknown"),
    ],
)
async def test_settings_that_no_model_has_are_said(settings: TranscriberSettings, code: str) -> None:
    with pytest.raises(EngineError) as caught:
        await WhisperTranscriber(settings).warm()
    assert caught.value.code == code
    assert caught.value.remedy
