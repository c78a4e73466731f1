"""Voices: what the real ones say, and how they fail."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from voxspark.audio import dbfs, join, resample, silence, to_pcm16
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.engines.tts.espeak import EspeakSynthesizer
from voxspark.engines.tts.hibari import HibariSynthesizer
from voxspark.errors import SynthesizerError
from voxspark.protocols import Synthesizer
from voxspark.types import SAMPLE_RATE_HZ, Pcm

SETTINGS = VoiceSettings()
SENTENCE = "The timer for the pasta is set to ten minutes."
STORY = "The ship went down the river and into the sea. " * 40


async def all_of(voice: Synthesizer, text: str) -> list[tuple[Pcm, int]]:
    async with aclosing(voice.synthesize(text)) as pieces:
        return [piece async for piece in pieces]


async def code_of(voice: Synthesizer, text: str) -> str:
    """The code of the error that this text ends in."""
    with pytest.raises(SynthesizerError) as caught:
        await all_of(voice, text)
    return caught.value.code


# ── errors of the real ones, without running them ───────────────────────────────────────────────


def test_an_unknown_voice_gives_the_choices() -> None:
    with pytest.raises(SynthesizerError) as caught:
        HibariSynthesizer(VoiceSettings(voice="emma"))
    assert (caught.value.code, caught.value.remedy) == ("voice-unknown", "Known: heart.")


@pytest.mark.anyio
async def test_espeak_that_is_not_there_gives_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SynthesizerError) as caught:
        await all_of(EspeakSynthesizer(SETTINGS), "hello")
    assert (caught.value.code, caught.value.remedy) == ("espeak-missing", "Run: sudo apt-get install espeak-ng")


@pytest.mark.anyio
@pytest.mark.parametrize("script", ["exit 1", "echo no sound", "kill -9 $$"])
async def test_espeak_that_breaks_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await code_of(EspeakSynthesizer(SETTINGS), "hello") == "espeak-failed"


@pytest.mark.anyio
@pytest.mark.parametrize("failure", [RuntimeError("onnx"), KeyError("weights"), OSError("gone")])
async def test_hibari_that_breaks_is_said(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def load(_self: HibariSynthesizer) -> Any:
        raise failure

    monkeypatch.setattr(HibariSynthesizer, "_load", load)
    voice = HibariSynthesizer(SETTINGS)
    assert await code_of(voice, "hello") == "voice-failed"
    with pytest.raises(SynthesizerError, match="Reinstall"):
        await voice.warm()


# ── real voices ─────────────────────────────────────────────────────────────────────────────────


async def read_back(pieces: list[tuple[Pcm, int]]) -> str:
    """What Whisper understands."""
    rate = pieces[0][1]
    spoken = resample(join(*(samples for samples, _ in pieces)), rate, SAMPLE_RATE_HZ)
    quiet = silence(0.3, SAMPLE_RATE_HZ)
    heard = await WhisperTranscriber(TranscriberSettings()).transcribe(to_pcm16(join(quiet, spoken, quiet)))
    return heard.text.lower().replace("10", "ten")


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("kind", [HibariSynthesizer, EspeakSynthesizer])
async def test_a_voice_says_what_it_is_given(kind: type[HibariSynthesizer] | type[EspeakSynthesizer]) -> None:
    voice = kind(SETTINGS)
    await voice.warm()
    pieces = await all_of(voice, SENTENCE)
    assert all(samples.dtype == np.float32 and samples.ndim == 1 for samples, _ in pieces)
    assert -40 < dbfs(pieces[0][0]) < -6
    said = await read_back(pieces)
    assert "timer" in said
    assert "ten minutes" in said


@pytest.mark.real
@pytest.mark.anyio
async def test_sentences_come_one_by_one() -> None:
    assert len(await all_of(HibariSynthesizer(SETTINGS), "One is here. Two is there. Three is gone.")) == 3


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("kind", [HibariSynthesizer, EspeakSynthesizer])
async def test_speed_is_obeyed(kind: type[HibariSynthesizer] | type[EspeakSynthesizer]) -> None:
    seconds = []
    for speed in (0.5, 1.0, 2.0):
        ((samples, rate),) = await all_of(kind(VoiceSettings(speed=speed)), SENTENCE)
        seconds.append(len(samples) / rate)
    assert seconds[0] > 1.4 * seconds[1] > 1.4 * 1.4 * seconds[2]


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", "   \n", "你好", "🎉", "\0"])
async def test_hibari_has_nothing_to_say_to_this(text: str) -> None:
    assert await code_of(HibariSynthesizer(SETTINGS), text) == "nothing-to-say"


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("text", ["你好", "Привет", "🎉"])
async def test_espeak_says_what_hibari_cannot(text: str) -> None:
    ((samples, rate),) = await all_of(EspeakSynthesizer(SETTINGS), text)
    assert len(samples) > 0.2 * rate
    assert dbfs(samples) > -40


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", " \t\n"])
async def test_no_voice_says_nothing(text: str) -> None:
    assert await code_of(EspeakSynthesizer(SETTINGS), text) == "nothing-to-say"


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("kind", [HibariSynthesizer, EspeakSynthesizer])
@pytest.mark.parametrize("text", ["\ud800 hello", "Ünïcödé résumé", "a" * 3_000, "[x](/zz", "-s 1000 --help", "!!!"])
async def test_odd_text_is_said(kind: type[HibariSynthesizer] | type[EspeakSynthesizer], text: str) -> None:
    pieces = await all_of(kind(SETTINGS), text)
    assert sum(len(samples) for samples, _ in pieces) > 1_000


@pytest.mark.real
@pytest.mark.anyio
async def test_a_cancelled_reply_frees_the_thread() -> None:
    voice = HibariSynthesizer(SETTINGS)
    await voice.warm()
    async with aclosing(voice.synthesize(STORY)) as pieces:
        await anext(pieces)
    with anyio.move_on_after(0) as scope:
        await all_of(voice, STORY)
    assert scope.cancelled_caught
    with anyio.fail_after(2):  # the whole story takes longer than that
        assert len(await all_of(voice, "Hello.")) == 1


@pytest.mark.real
@pytest.mark.anyio
async def test_a_cancelled_espeak_is_a_dead_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, born = tmp_path / "espeak-ng", tmp_path / "pid"
    program.write_text(f"#!/bin/sh\necho $$ > {born}\nexec /bin/sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    async with anyio.create_task_group() as group:
        group.start_soon(all_of, EspeakSynthesizer(SETTINGS), SENTENCE)
        with anyio.fail_after(10):
            while not (born.exists() and born.read_text().strip()):
                await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert not Path("/proc", born.read_text().strip()).exists()
