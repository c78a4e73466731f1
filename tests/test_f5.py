"""F5-TTS without its weights: how a text is divided, how a recording is made ready, and what is said when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import huggingface_hub.constants
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.audio import silence, tone, wav_bytes
from voxspark.config_speech import VoiceSettings
from voxspark.engines.tts.cloning import recorded_voice
from voxspark.engines.tts.f5 import F5Synthesizer, vocoder_folder, weights_folder
from voxspark.engines.tts.f5_sound import SAMPLE_RATE_HZ, clipped, ended, joined, read_sample
from voxspark.engines.tts.f5_text import EARLY_BYTES, frames, most_bytes, pieces, size
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm
from voxspark.voices import Shelf, read_voice

LONG = (
    "Well, I looked at the calendar, and there is a meeting at nine, another at eleven, and then nothing until the "
    "evening. Shall I move one of them? Yes. No."
)


# ── text ────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_clause_comes_early_then_sentences() -> None:
    assert [(piece.text, piece.goes_on) for piece in pieces(LONG, 200)] == [
        ("Well, I looked at the calendar,", True),
        ("and there is a meeting at nine, another at eleven, and then nothing until the evening.", False),
        ("Shall I move one of them? Yes. No.", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "OK.",
        "No. I will not. Never.",
        "I think that would be a really good idea, OK?",
        "你好，世界。今天天气很好！",
        "ten",
    ],
)
def test_scraps_are_not_said_alone(text: str) -> None:
    assert [piece.text for piece in pieces(text, 200)] == [text]


@pytest.mark.parametrize("text", ["", " \n", "...", "— !", "🙂"])
def test_what_has_no_words_has_no_pieces(text: str) -> None:
    assert pieces(text, 200) == []


def test_half_a_surrogate_pair_is_a_question_mark() -> None:
    assert pieces("Hello \ud83d.", 200)[0].text == "Hello ?."


@given(st.text(alphabet="ab ,.;!?ü你。，-\n", max_size=400), st.integers(2 * EARLY_BYTES, 300))
def test_nothing_is_lost_or_too_long(text: str, most: int) -> None:
    made = pieces(text, most)
    if made:
        assert "".join("".join(piece.text for piece in made).split()) == "".join(text.split())
        assert not made[-1].goes_on
    assert all(0 < size(piece.text) <= most for piece in made)


def test_a_piece_grows_no_faster_than_it_can_be_made() -> None:
    sizes = [size(piece.text) for piece in pieces("one and two and three, " * 60, 400)]
    assert sizes == [45, 137, 390, 390, 390, 22]


def test_a_text_takes_its_bytes_at_the_pace_of_the_recording() -> None:
    assert frames("x" * 100, 500, "y" * 50, 1.0) == 1000
    assert frames("x" * 100, 500, "y" * 50, 1.25) == 800
    assert frames("你好世界", 500, "y" * 50, 1.0) == 120
    assert frames("OK.", 500, "y" * 50, 1.0) == frames("x" * 10, 500, "y" * 50, 1.0) == 100


def test_recording_and_speech_stay_within_22_seconds() -> None:
    assert most_bytes(5.0, "y" * 50, 1.0) == 170
    assert most_bytes(5.0, "y" * 50, 2.0) == 340
    assert most_bytes(21.9, "y", 0.5) == 2 * EARLY_BYTES


# ── sound ───────────────────────────────────────────────────────────────────────────────────────


def speech(seconds: float, level_dbfs: float = -30.0) -> Pcm:
    return tone(200.0, seconds, SAMPLE_RATE_HZ, level_dbfs)


@pytest.fixture
def shelved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a voice on the user's shelf."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    def put(name: str, samples: Pcm | bytes, text: str = "Hello there", language: str = "en") -> None:
        folder = tmp_path / "voxspark" / "voices" / name
        folder.mkdir(parents=True)
        (folder / "reference.wav").write_bytes(
            samples if isinstance(samples, bytes) else wav_bytes(samples, SAMPLE_RATE_HZ)
        )
        (folder / "voice.toml").write_text(
            f'title = "{name}"\nlanguage = "{language}"\nlicence = "CC0-1.0"\nsource = "A test"\n'
            f'[engines]\nf5_tts = ""\n[reference]\nfile = "reference.wav"\ntext = "{text}"\n'
        )

    return put


def test_a_recording_is_trimmed_made_louder_and_its_text_ended(shelved: Callable[..., None], tmp_path: Path) -> None:
    shelved("anna", np.concatenate([silence(1, 16_000), speech(3.0), silence(2, 16_000)]))
    sample = read_sample(read_voice(tmp_path / "voxspark" / "voices" / "anna"))
    assert sample.text == "Hello there. "
    assert sample.seconds == pytest.approx(3.05, abs=0.1)
    assert float(np.sqrt(np.mean(np.square(sample.samples)))) == pytest.approx(0.1, rel=0.05)


def test_a_loud_recording_stays_as_it_is() -> None:
    samples, text = clipped(speech(11.9, -6.0), "Hello")
    assert (len(samples), text) == (int(11.9 * SAMPLE_RATE_HZ), "Hello")


def test_a_long_recording_ends_at_a_pause_and_with_the_words_before_it() -> None:
    whole = np.concatenate([speech(10.0), silence(0.5, SAMPLE_RATE_HZ), speech(9.5)])
    samples, text = clipped(whole, "one two three four five six seven eight nine ten")
    assert 10.0 < len(samples) / SAMPLE_RATE_HZ < 10.5
    assert text == "one two three four five"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Hello", "Hello. "), ("Hello. ", "Hello. "), ("Really?", "Really? "), ("你好。", "你好。"), ("A,", "A,. ")],
)
def test_the_text_of_a_recording_ends(text: str, wanted: str) -> None:
    assert ended(text) == wanted


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (silence(3.0, SAMPLE_RATE_HZ), "The recording of the voice anna is silent."),
        (silence(0.0, SAMPLE_RATE_HZ), "The recording of the voice anna is silent."),
        (b"RIFF", "The recording of the voice anna cannot be read."),
    ],
)
def test_a_recording_that_cannot_be_used_says_why(
    shelved: Callable[..., None], tmp_path: Path, samples: Pcm | bytes, message: str
) -> None:
    shelved("anna", samples)
    with pytest.raises(SynthesizerError) as caught:
        read_sample(read_voice(tmp_path / "voxspark" / "voices" / "anna"))
    assert (caught.value.code, caught.value.message) == ("voice-recording-unusable", message)
    assert caught.value.remedy


def test_pieces_of_a_sentence_are_faded_over_and_sentences_are_not() -> None:
    level = np.full(SAMPLE_RATE_HZ, 0.5, np.float32)
    one, two, three = joined([(level, True), (level, False), (level, False)], 0.1)
    overlap = SAMPLE_RATE_HZ // 10
    assert (len(one), len(two), len(three)) == (SAMPLE_RATE_HZ - overlap, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
    within = np.concatenate([one, two])[SAMPLE_RATE_HZ // 2 : -SAMPLE_RATE_HZ // 2]
    assert np.abs(within - 0.5).max() < 0.03  # the short fades at the ends lie within the long ones
    for sentence_end in (two[-1], three[0], three[-1]):
        assert sentence_end == 0


@given(st.lists(st.integers(0, 500), min_size=1, max_size=6), st.floats(0, 0.02))
def test_joining_loses_no_more_than_its_overlaps(lengths: list[int], overlap: float) -> None:
    waves = [np.ones(n, np.float32) for n in lengths]
    goes_on = [True] * (len(lengths) - 1) + [False]
    made = list(joined(zip(waves, goes_on, strict=True), overlap))
    total, lost = sum(map(len, made)), int(overlap * SAMPLE_RATE_HZ) * (len(lengths) - 1)
    assert sum(lengths) - lost <= total <= sum(lengths)
    assert all(np.abs(wave).max(initial=0) <= 1.001 for wave in made)


# ── what is not there ───────────────────────────────────────────────────────────────────────────


def test_without_a_recording_one_is_told_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.engines.tts.cloning.shelf", lambda: Shelf(tmp_path))
    with pytest.raises(SynthesizerError) as caught:
        F5Synthesizer(VoiceSettings())
    assert (caught.value.code, caught.value.remedy) == ("voice-no-recording", "Run: voxspark voices add")


def test_a_voice_is_taken_by_name_or_for_its_language(shelved: Callable[..., None]) -> None:
    shelved("anna", speech(3.0))
    shelved("bao", speech(3.0), language="zh")
    assert recorded_voice("f5_tts", "bao").name == "bao"
    assert recorded_voice("f5_tts", "heart").language == "en"
    with pytest.raises(SynthesizerError, match="There is no voice carla") as caught:
        recorded_voice("f5_tts", "carla")
    assert caught.value.code == "voice-unknown"
    assert {"anna", "bao"} <= set(caught.value.remedy.removeprefix("Known: ").rstrip(".").split(", "))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache on this machine, empty."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(hub: Path, repository: str, file: str) -> Path:
    """What `hf download` leaves of one file."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    path = folder / "snapshots" / "abc" / file
    path.parent.mkdir(parents=True)
    path.touch()
    return path.parent


def test_weights_are_found_in_a_folder_its_architecture_or_the_cache(hub: Path, tmp_path: Path) -> None:
    flat, nested = tmp_path / "flat", tmp_path / "nested" / "F5TTS_Base"
    for folder in (flat, nested):
        folder.mkdir(parents=True)
        (folder / "vocab.txt").touch()
    assert weights_folder(str(flat), "F5TTS_Base") == flat
    assert weights_folder(str(nested.parent), "F5TTS_Base") == nested
    place = cached(hub, "SWivid/F5-TTS", "F5TTS_v1_Base/vocab.txt")
    assert weights_folder("SWivid/F5-TTS", "F5TTS_v1_Base") == place
    assert vocoder_folder(str(cached(hub, "charactr/vocos-mel-24khz", "config.yaml"))).name == "abc"


@pytest.mark.parametrize(
    ("model", "message", "remedy"),
    [
        (
            "SWivid/F5-TTS",
            "The weights of F5-TTS are not on this machine.",
            "Run: hf download SWivid/F5-TTS --include 'F5TTS_v1_Base/*'",
        ),
        (
            "~/nowhere",
            "The weights of nowhere are not on this machine.",
            "voice.model must be a folder with a vocab.txt, or a name on the hub like SWivid/F5-TTS.",
        ),
    ],
)
def test_weights_that_are_not_here_are_not_fetched(hub: Path, model: str, message: str, remedy: str) -> None:
    with pytest.raises(SynthesizerError) as caught:
        weights_folder(model, "F5TTS_v1_Base")
    assert (caught.value.code, caught.value.message) == ("voice-weights-missing", message)
    assert caught.value.remedy == remedy


def test_a_vocoder_that_is_not_here_is_not_fetched(hub: Path) -> None:
    with pytest.raises(SynthesizerError, match="vocos-mel-24khz") as caught:
        vocoder_folder("charactr/vocos-mel-24khz")
    assert caught.value.remedy == "Run: hf download charactr/vocos-mel-24khz"
    with pytest.raises(SynthesizerError) as caught:
        vocoder_folder("/nowhere")
    assert caught.value.remedy.startswith("voice.f5_tts.vocoder must be a folder")


@pytest.mark.anyio
async def test_nothing_to_say_is_known_without_the_weights(shelved: Callable[..., None]) -> None:
    shelved("anna", speech(3.0))
    voice = F5Synthesizer(VoiceSettings(voice="anna", model="/nowhere"))
    codes = []
    for text in ("…", "Hello."):
        with anyio.fail_after(20), pytest.raises(SynthesizerError) as caught:
            await anext(voice.synthesize(text))
        codes.append(caught.value.code)
    assert codes == ["nothing-to-say", "voice-weights-missing"]
    voice.close()
