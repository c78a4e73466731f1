"""Sesame CSM with small random weights, on the real code paths of torch and transformers."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from tests import tiny_csm
from tests.worker_owner import Told
from voxspark.audio import join, read_wav, resample, to_float, to_pcm16, tone, wav_bytes
from voxspark.config_speech import VoiceSettings
from voxspark.engines.thread import Abandoned
from voxspark.engines.tts.csm import CsmSynthesizer
from voxspark.engines.tts.csm_context import Spoken
from voxspark.engines.tts.csm_model import FIRST_WORDS, SILENCE_SECONDS, CsmModel
from voxspark.engines.tts.csm_stream import FRAME_SAMPLES, SAMPLE_RATE_HZ, most_frames
from voxspark.engines.worker.remote import RemoteSynthesizer, worker_for
from voxspark.errors import SynthesizerError
from voxspark.protocols import Listens, Synthesizer
from voxspark.types import Pcm
from voxspark.voices import Voice, read_voice

pytestmark = [pytest.mark.real, pytest.mark.anyio]

TEXT = "How do you do, my dear?"
STORY = "The ship went down the river and into the sea. " * 5
REFERENCE = "This is how I say it."


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `brief` and `endless`."""
    folder = tmp_path_factory.mktemp("csm")
    tiny_csm.write(folder)
    return folder


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The user has no voices. Threads cost small models more than they give."""
    import torch

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settings(folder: Path, **changes: Any) -> VoiceSettings:
    return VoiceSettings(**{"engine": "csm", "model": str(folder), "device": "cpu", **changes})


def make_voice(folder: Path, seconds: float) -> Voice:
    """With a recording at 16 kHz."""
    folder.mkdir(parents=True)
    (folder / "voice.toml").write_text(
        'title = "Tone"\nlicence = "CC0-1.0"\nsource = "A sine"\n[engines]\ncsm = ""\n'
        f'[reference]\nfile = "reference.wav"\ntext = "{REFERENCE}"\n'
    )
    (folder / "reference.wav").write_bytes(wav_bytes(tone(220, seconds, 16_000), 16_000))
    return read_voice(folder)


def said(model: CsmModel, text: str = TEXT) -> list[Pcm]:
    """What is handed over that is no silence between frames."""
    handed = list[Pcm]()
    model.say(text, handed.append)
    return [samples for samples in handed if len(samples)]


def remembered(model: CsmModel) -> list[Spoken[Any]]:
    return model.context.within(1 << 20)


async def spoken(voice: Synthesizer, text: str = TEXT) -> list[tuple[Pcm, int]]:
    async with aclosing(voice.synthesize(text)) as pieces:
        return [piece async for piece in pieces]


def whole(pieces: list[tuple[Pcm, int]]) -> Pcm:
    return join(*(samples for samples, _ in pieces))


class Watched(CsmModel):
    """Keeps what it has its codec decode, and the length of its prompts."""

    def __init__(self, folder: Path, voice: Voice | None = None, **changes: Any) -> None:
        super().__init__(folder, settings(folder, **changes), voice)
        self.windows: list[Sequence[Any]] = []
        self.prompts: list[int] = []

    def decoded(self, frames: Sequence[Any]) -> Pcm:
        """Kept."""
        self.windows.append(frames)
        return super().decoded(frames)

    def prompt(self, turns: Sequence[Spoken[Any]], tokens: Sequence[int]) -> Any:
        """Counted."""
        made = super().prompt(turns, tokens)
        self.prompts.append(made.shape[1])
        return made


# ── the network ─────────────────────────────────────────────────────────────────────────────────


def test_the_prompt_is_what_its_processor_makes_of_text_and_sound(weights: Path, tmp_path: Path) -> None:
    import torch

    voice = make_voice(tmp_path / "tone", 1.23)
    model = Watched(weights / "brief", voice)
    (reference,) = remembered(model)
    assert voice.recording is not None
    sound = resample(*read_wav(voice.recording), SAMPLE_RATE_HZ)
    turns = [
        {"role": "0", "content": [{"type": "text", "text": REFERENCE}, {"type": "audio", "path": sound}]},
        {"role": "0", "content": [{"type": "text", "text": TEXT}]},
    ]
    inputs = tiny_csm.processor().apply_chat_template(turns, tokenize=True, return_dict=True)
    inputs.pop("attention_mask")
    with torch.no_grad():
        expected = model.network._merge_input_ids_with_input_values(**inputs)["inputs_embeds"]
        assert torch.equal(model.prompt([reference], model.tokens(TEXT)), expected)
    assert reference.positions == len(REFERENCE) + 5 + 16 + 1
    assert len(model.tokens("<|AUDIO|>")) == len("<|AUDIO|>") + 5


def test_the_stream_is_the_sentence_decoded_at_once(weights: Path) -> None:
    """Which has no end here, and so is cut."""
    import torch

    model = Watched(weights / "endless")
    streamed = said(model)
    sizes = [len(samples) // FRAME_SAMPLES for samples in streamed]
    assert sizes == [4, 5, 6, 7, 8, 10, 12, 12, 5]
    assert sum(sizes) == most_frames(TEXT)
    frames = [frame for window, new in zip(model.windows, sizes, strict=True) for frame in window[-new:]]
    with torch.no_grad():
        at_once = CsmModel.decoded(model, frames)
    assert np.abs(join(*streamed) - at_once).max() < 0.001 * np.abs(at_once).max()
    assert remembered(model) == []


def test_a_sentence_ends_where_the_model_says_and_is_remembered(weights: Path) -> None:
    model = Watched(weights / "brief", csm={"context_seconds": 5})
    for number in range(1, 4):
        streamed = said(model, STORY)
        frames = len(remembered(model)[-1].frames)
        assert sum(map(len, streamed)) == frames * FRAME_SAMPLES < most_frames(STORY) * FRAME_SAMPLES
        assert len(remembered(model)) == number
    tokens = len(STORY) + 5
    assert model.prompts == [tokens * (n + 1) + (frames + 1) * n for n in range(3)]


def test_what_is_longer_than_its_positions_is_trimmed_but_for_the_reference(weights: Path, tmp_path: Path) -> None:
    model = Watched(weights / "brief", make_voice(tmp_path / "tone", 10), csm={"context_seconds": 90})
    for _ in range(7):
        said(model, "x" * 300)
    assert len(remembered(model)) == 8
    assert model.prompts == sorted(model.prompts)
    assert model.prompts[-1] == model.prompts[-2] <= 2048 - most_frames("x" * 300)
    assert model.prompts[0] == remembered(model)[0].positions + 305


def test_without_a_recording_the_first_words_are_the_voice(weights: Path) -> None:
    model = Watched(weights / "brief")
    model.warm()
    (reference,) = remembered(model)
    assert len(reference.tokens) == len(FIRST_WORDS) + 5
    said(model)
    assert model.prompts[-1] == reference.positions + len(TEXT) + 5


def test_a_recording_is_the_voice_from_the_first_sentence(weights: Path, tmp_path: Path) -> None:
    model = Watched(weights / "brief", make_voice(tmp_path / "tone", 3))
    model.warm()
    (reference,) = remembered(model)
    assert len(reference.frames) == 38
    with pytest.raises(SynthesizerError) as caught:
        Watched(weights / "brief", make_voice(tmp_path / "long", 60))
    assert caught.value.code == "voice-recording-too-long"


def test_a_seed_gives_the_same_samples(weights: Path) -> None:
    first, second, third = (Watched(weights / "endless", seed=seed) for seed in (1, 1, 2))
    samples = join(*said(first))
    assert np.array_equal(samples, join(*said(second)))
    assert not np.array_equal(samples, join(*said(third)))


def test_static_caches_change_nothing_and_bfloat16_goes_through(weights: Path, tmp_path: Path) -> None:
    """As on a GPU, but that nothing is compiled here."""
    model = Watched(weights / "endless", make_voice(tmp_path / "tone", 1))
    samples = join(*said(model))
    model.graphs = True
    model.configure(settings(weights).csm)
    assert np.abs(samples - join(*said(model))).max() < 0.001 * np.abs(samples).max()
    model.network.bfloat16().codec_model.float()
    rounded = join(*said(model))
    assert rounded.dtype == samples.dtype == np.float32
    assert len(rounded) == len(samples)


def test_without_graphs_it_still_speaks(
    weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = Watched(weights / "brief")
    generate = model.network.generate
    model.graphs = True
    model.configure(settings(weights).csm)

    def generate_without_graphs(**given: Any) -> Any:
        if model.network.generation_config.cache_implementation:
            raise RuntimeError("no Triton for this GPU")
        return generate(**given)

    monkeypatch.setattr(model.network, "generate", generate_without_graphs)
    model.warm()
    assert (model.graphs, len(remembered(model))) == (False, 1)
    assert "CSM speaks without CUDA graphs (RuntimeError)" in caplog.text


def test_codes_that_the_codec_does_not_have_are_not_drawn(weights: Path) -> None:
    model = Watched(weights / "endless", csm={"temperature": 2.0, "top_k": 1_000})
    said(model)
    drawn = [int(frame.max()) for window in model.windows for frame in window]
    assert 250 < max(drawn) < 256


def test_leaving_stops_at_the_next_frame_and_is_not_remembered(weights: Path) -> None:
    model = Watched(weights / "brief")
    handed = 0

    def hand_over(_samples: Pcm) -> None:
        nonlocal handed
        handed += 1
        if handed == 3:
            raise Abandoned

    with pytest.raises(Abandoned):
        model.say(TEXT, hand_over)
    assert (handed, remembered(model)) == (3, [])
    said(model)
    assert len(remembered(model)) == 1


# ── what the user says ──────────────────────────────────────────────────────────────────────────

SECRET = "My password is swordfish."
UTTERANCE = to_pcm16(tone(330, 1.23, 16_000))


def test_what_the_user_said_reaches_the_model_as_its_processor_would_have_it(weights: Path, tmp_path: Path) -> None:
    import torch

    model = Watched(weights / "brief", make_voice(tmp_path / "tone", 1))
    said(model)
    model.hear(SECRET, UTTERANCE)
    reference, heard, answer = remembered(model)
    assert (reference.by_user, heard.by_user, answer.by_user) == (False, True, False)
    assert heard.tokens == model.tokens(SECRET, 1)
    sound = resample(to_float(UTTERANCE), 16_000, SAMPLE_RATE_HZ)
    turns = [
        {"role": "1", "content": [{"type": "text", "text": SECRET}, {"type": "audio", "path": sound}]},
        {"role": "0", "content": [{"type": "text", "text": TEXT}]},
    ]
    inputs = tiny_csm.processor().apply_chat_template(turns, tokenize=True, return_dict=True)
    inputs.pop("attention_mask")
    with torch.no_grad():
        expected = model.network._merge_input_ids_with_input_values(**inputs)["inputs_embeds"]
        assert torch.equal(model.prompt([heard], model.tokens(TEXT)), expected)
    said(model)
    assert model.prompts[-1] == model.prompts[0] + heard.positions + answer.positions


@pytest.mark.parametrize(
    ("text", "seconds", "most"), [("", 1.0, 10), (SECRET, 10.1, 10), (SECRET, 1.0, 0), (SECRET, 0.0, 10)]
)
def test_nothing_else_of_the_user_reaches_it(weights: Path, text: str, seconds: float, most: int) -> None:
    model = Watched(weights / "brief", csm={"listener_seconds": most})
    said(model)
    model.hear(text, to_pcm16(tone(330, seconds, 16_000)))
    assert not any(each.by_user for each in remembered(model))


def test_what_the_user_said_is_forgotten_after_a_silence_and_when_it_is_wanted(weights: Path) -> None:
    clock, model = 0.0, Watched(weights / "brief", csm={"context_seconds": 90})
    model.now = lambda: clock
    said(model)
    for ending in ("silence", "at once"):
        model.hear(SECRET, UTTERANCE)
        clock += SILENCE_SECONDS - 1
        said(model)
        assert sum(each.by_user for each in remembered(model)) == 1
        if ending == "silence":
            clock += SILENCE_SECONDS + 1
            said(model)
        else:
            model.hear("", UTTERANCE[:0])
        assert not any(each.by_user for each in remembered(model))


def test_a_reply_that_is_cut_leaves_nothing_between(weights: Path) -> None:
    model = Watched(weights / "brief")
    said(model)

    def leave(_samples: Pcm) -> None:
        raise Abandoned

    with pytest.raises(Abandoned):
        model.say(TEXT, leave)
    model.hear(SECRET, UTTERANCE)
    said(model)
    assert [each.by_user for each in remembered(model)] == [False, True, False]


async def test_the_user_is_neither_logged_nor_written(
    weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    voice = CsmSynthesizer(settings(weights / "brief"))
    await voice.hear(SECRET, UTTERANCE)  # before there is a model
    await voice.warm()
    for text in (SECRET, "\ud800", "你好", SECRET * 99):
        await voice.hear(text, UTTERANCE)
    await spoken(voice)
    voice.close()
    assert "swordfish" not in caplog.text
    assert not list(tmp_path.rglob("*"))


# ── the engine, and its worker ──────────────────────────────────────────────────────────────────


async def test_long_text_is_said_in_parts_and_odd_text_too(weights: Path) -> None:
    voice = CsmSynthesizer(settings(weights / "brief"))
    await voice.warm()
    for text in ("\ud800 hello", "Ünïcödé résumé", "a" * 700, "<|AUDIO|>", "[1]", "🎉 x" * 99):
        pieces = await spoken(voice, text)
        assert {rate for _, rate in pieces} == {SAMPLE_RATE_HZ}
        assert all(len(samples) % FRAME_SAMPLES == 0 and samples.dtype == np.float32 for samples, _ in pieces)
    voice.close()


async def test_weights_that_are_broken_are_said(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights / "brief", tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"not at all")
    with pytest.raises(SynthesizerError) as caught:
        await spoken(CsmSynthesizer(settings(tmp_path / "broken")))
    assert (caught.value.code, caught.value.message) == ("voice-failed", "My voice failed.")


async def test_a_worker_streams_is_stopped_evicted_and_comes_back(weights: Path, tmp_path: Path) -> None:
    make_voice(tmp_path / "voxspark" / "voices" / "tone", 3)
    own = settings(weights / "endless", voice="tone")
    near = CsmSynthesizer(own)
    expected = await spoken(near)
    near.close()
    with anyio.fail_after(180):
        async with worker_for("tts", "csm", own, on_change=Told().append).running() as worker:
            far = RemoteSynthesizer(worker)
            pieces = await spoken(far)
            pid = worker.pid
            assert len(pieces) == 9
            assert np.array_equal(whole(pieces), whole(expected))
            async with aclosing(far.synthesize(STORY)) as story:
                assert len((await anext(story))[0]) == 4 * FRAME_SAMPLES
            assert np.array_equal(whole(await spoken(far)), whole(expected))
            assert worker.pid == pid
            assert isinstance(far, Listens)
            await far.hear(SECRET, UTTERANCE)
            assert not np.array_equal(whole(await spoken(far)), whole(expected))
            await far.hear("", UTTERANCE[:0])
            assert np.array_equal(whole(await spoken(far)), whole(expected))
            await worker.unload()
            assert worker.pid is None
            assert np.array_equal(whole(await spoken(far)), whole(expected))
