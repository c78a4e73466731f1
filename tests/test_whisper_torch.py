"""Whisper on torch: a small one of random weights and the bundled one, each in a worker as on a GPU machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_transcriber import noise, say
from voxspark.audio import join, silence, to_pcm16
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.whisper_torch import LONGEST_SECONDS, SHORTEST_SECONDS, TorchWhisperTranscriber, pieces
from voxspark.engines.worker.host import Worker
from voxspark.engines.worker.remote import RemoteTranscriber, worker_for
from voxspark.errors import TranscriberError
from voxspark.types import SAMPLE_RATE_HZ

ANY = {"min_confidence": -100.0, "no_speech_threshold": 1.0}
"""Random weights are never sure."""


LONG = (
    "This is the beginning of the story.",
    "In the morning we walked along the river for a while and looked at all the old boats.",
    "Then my brother came into the kitchen and asked whether anybody had seen his blue jacket.",
    "Nobody knew where it was, so he went up the mountain without it, although it was cold and windy.",
    "My aunt put flour, butter and sugar into a large bowl, and baked a cake for the children.",
    "When the rain began at about seven, somebody ran upstairs and closed every window of the house.",
    "Late at night the whole family sat around the fire, told each other jokes, and drank hot chocolate.",
    "And this is the end of it.",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `random` and `tiny.en`, which understands English and nothing else."""
    place = tmp_path_factory.mktemp("whisper")
    subprocess.run([sys.executable, "-m", "tests.tiny_whisper", str(place)], check=True, capture_output=True)
    return place


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody listens where the hub would be, and nothing is in its cache. Threads cost small models more than they
    give."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


@asynccontextmanager
async def running(model: Path, **own: object) -> AsyncIterator[tuple[Worker, RemoteTranscriber]]:
    settings = TranscriberSettings.model_validate({"engine": "whisper_torch", "model": str(model), **own})
    with anyio.fail_after(60):
        async with worker_for("stt", "whisper_torch", settings).running() as worker:
            yield worker, RemoteTranscriber(worker)


# ── random weights, true architecture ───────────────────────────────────────────────────────────


@pytest.mark.real
@pytest.mark.anyio
async def test_it_loads_is_cancelled_goes_and_comes_back(folder: Path) -> None:
    async with running(folder / "random", language="auto", languages=("es", "fr"), **ANY) as (worker, ears):
        await ears.warm()
        first = await ears.transcribe(noise(2, 3_000), hot_words=("quinoa",))
        assert first.language in ("es", "fr")
        assert -20 < first.confidence < 0
        for seconds in (0, 0.01, 4):
            assert isinstance((await ears.transcribe(noise(seconds, 3_000))).text, str)
        with anyio.move_on_after(0.05) as scope:
            await ears.transcribe(noise(8, 3_000))
        assert scope.cancelled_caught
        assert await ears.transcribe(noise(2, 3_000), hot_words=("quinoa",)) == first
        before = worker.pid
        await worker.unload()
        assert worker.pid is None
        assert await ears.transcribe(noise(2, 3_000), hot_words=("quinoa",)) == first
        assert worker.pid not in (None, before)


# ── true words ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
@pytest.mark.anyio
async def test_it_understands(folder: Path) -> None:
    async with running(folder / "tiny.en", language="auto") as (_, ears):
        heard = await ears.transcribe(to_pcm16(say("What is the capital of France?")))
        assert (heard.text, heard.language) == ("What is the capital of France?", "en")
        assert -0.5 < heard.confidence < 0
        named = to_pcm16(say("Add halloumi to the shopping list."))
        plain, told = [(await ears.transcribe(named, hot_words=each)).text for each in ((), ("halloumi", "milk"))]
        assert "halloumi" not in plain.lower()
        assert "halloumi" in told.lower()
        for nothing in (noise(0, 0), noise(1, 0), noise(3, 8_000)):
            assert (await ears.transcribe(nothing, hot_words=("halloumi", "milk"))).text == ""
        parts = [join(say(sentence), silence(0.6, SAMPLE_RATE_HZ)) for sentence in LONG]
        assert sum(map(len, parts)) > 30 * SAMPLE_RATE_HZ
        long = (await ears.transcribe(to_pcm16(join(*parts)))).text.lower()
        assert all(word in long for word in ("story", "river", "kitchen", "mountain", "sugar", "window", "end of it"))


# ── without torch ───────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 100), st.integers(0, 2**32 - 1))
def test_long_speech_is_cut_into_windows(seconds: int, seed: int) -> None:
    audio = np.random.default_rng(seed).normal(0, 0.1, seconds * 1_600 * 7).astype(np.float32)
    parts = list(pieces(audio))
    assert np.array_equal(np.concatenate(parts), audio)
    assert all(len(part) <= LONGEST_SECONDS * SAMPLE_RATE_HZ for part in parts)
    assert all(len(part) >= SHORTEST_SECONDS * SAMPLE_RATE_HZ for part in parts[:-1])


def test_it_is_cut_where_nobody_speaks() -> None:
    speech = np.full(25 * SAMPLE_RATE_HZ, 0.1, np.float32)
    first, second = pieces(join(speech, np.zeros(SAMPLE_RATE_HZ // 5, np.float32), speech))
    assert 25 < len(first) / SAMPLE_RATE_HZ < 25.2
    assert len(second) > 25 * SAMPLE_RATE_HZ


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "name", "remedy"),
    [
        ("openai/whisper-large-v3-turbo", "whisper-large-v3-turbo", "hf download openai/whisper-large-v3-turbo"),
        ("/nowhere/whisper", "whisper", "transcriber.model must be a folder with a config.json"),
        ("bundled:tiny.en", "bundled:tiny.en", "transcriber.model must be a folder with a config.json"),
        ("", "this model", "transcriber.model must be a folder with a config.json"),
    ],
)
async def test_weights_that_are_not_here_are_said(model: str, name: str, remedy: str) -> None:
    ears = TorchWhisperTranscriber(TranscriberSettings(engine="whisper_torch", model=model))
    with pytest.raises(TranscriberError, match=f"The weights of {name} are not on this machine") as caught:
        await ears.warm()
    assert caught.value.code == "whisper-weights-missing"
    assert remedy in caught.value.remedy
    ears.close()
