"""Every voice and ear of the registry can be left in mid-work, and does the next right, in the same worker."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio
import numpy as np
import pytest

from tests import tiny_csm, tiny_f5, tiny_sense_voice, tiny_whisper
from tests.speech_server import Speech, speech_server
from tests.test_embedded_voices import Letters, piper_voice
from tests.tiny_voices import kokoro_model
from tests.wyoming_server import wyoming_server
from voxspark.audio import read_speech
from voxspark.config_speech import KokoroSettings, TranscriberSettings, VoiceSettings
from voxspark.config_tools import Settings
from voxspark.engines.registry import EngineSpec, registry
from voxspark.engines.tts import kokoro, piper
from voxspark.engines.worker.remote import HostedKind, adapter_for, worker_for
from voxspark.protocols import Synthesizer, Transcriber
from voxspark.types import Pcm, Pcm16
from voxspark.voices import shelf

TEXT = "Well, I looked at the calendar.\nThere is a meeting at nine.\nThere is another one at ten."

RECORDED = "dashwood"
"""A voice with a recording, which is cloned and transcribed."""

NOISE = 0.02
"""Hibari adds a little at random to what it says."""

HERMETIC = {"kokoro", "piper", "wyoming", "cosyvoice"}
"""Tiny models and servers of our own, in this process; all others take seconds."""


@dataclass(frozen=True)
class Bench:
    """Where an engine is put."""

    folder: Path
    patch: pytest.MonkeyPatch


Entry = Callable[[Bench], Any]


def local(settings: Callable[[Bench], Settings]) -> Entry:
    """An engine that needs no server."""

    @asynccontextmanager
    async def entry(bench: Bench) -> AsyncGenerator[Settings, None]:
        yield settings(bench)

    return entry


def small_kokoro(bench: Bench) -> Settings:
    bench.patch.setattr(kokoro, "English", Letters)
    np.full((510, 256), 0.5, np.float32).tofile(bench.folder / "af_heart.bin")
    model = kokoro_model(bench.folder / "kokoro.onnx")
    return VoiceSettings(engine="kokoro", model=str(model), kokoro=KokoroSettings(voices=str(bench.folder), threads=1))


def small_piper(bench: Bench) -> Settings:
    bench.patch.setattr(piper, "EnglishIpa", Letters)
    return piper_voice(bench.folder)


def small_csm(bench: Bench) -> Settings:
    tiny_csm.write(bench.folder)
    return VoiceSettings(engine="csm", model=str(bench.folder / "endless"), voice=RECORDED, device="cpu")


def small_f5(bench: Bench) -> Settings:
    tiny_f5.write_models(bench.folder)
    own = {"vocoder": str(bench.folder / "vocos"), "steps": 5}
    weights = str(bench.folder / "weights")
    return VoiceSettings.model_validate(
        {"engine": "f5_tts", "model": weights, "voice": RECORDED, "device": "cpu", "f5_tts": own}
    )


def small_whisper(bench: Bench) -> Settings:
    tiny_whisper.make(bench.folder)
    unsure = {"min_confidence": -100.0, "no_speech_threshold": 1.0}
    return TranscriberSettings.model_validate(
        {"engine": "whisper_torch", "model": str(bench.folder), "device": "cpu", **unsure}
    )


def small_sense_voice(bench: Bench) -> Settings:
    return TranscriberSettings(engine="sense_voice", model=str(tiny_sense_voice.write(bench.folder)), threads=1)


@asynccontextmanager
async def wyoming_ears(_bench: Bench) -> AsyncGenerator[Settings, None]:
    async with wyoming_server() as server:
        yield TranscriberSettings(engine="wyoming", host=server.host)


@asynccontextmanager
async def wyoming_voice(_bench: Bench) -> AsyncGenerator[Settings, None]:
    async with wyoming_server() as server:
        yield VoiceSettings(engine="wyoming", host=server.host)


@asynccontextmanager
async def cosyvoice(_bench: Bench) -> AsyncGenerator[Settings, None]:
    async with speech_server() as server:
        server.script = [Speech(b"\1\2" * 96_000) for _ in range(4)]
        yield VoiceSettings(engine="cosyvoice", voice=RECORDED, host=server.host)


ENTRIES: Mapping[tuple[str, str], Entry] = {
    ("stt", "faster_whisper"): local(lambda _: TranscriberSettings()),
    ("stt", "whisper_torch"): local(small_whisper),
    ("stt", "sense_voice"): local(small_sense_voice),
    ("stt", "wyoming"): wyoming_ears,
    ("tts", "hibari"): local(lambda _: VoiceSettings()),
    ("tts", "csm"): local(small_csm),
    ("tts", "f5_tts"): local(small_f5),
    ("tts", "kokoro"): local(small_kokoro),
    ("tts", "piper"): local(small_piper),
    ("tts", "espeak"): local(lambda _: VoiceSettings(engine="espeak")),
    ("tts", "cosyvoice"): cosyvoice,
    ("tts", "wyoming"): wyoming_voice,
}


@asynccontextmanager
async def opened(spec: EngineSpec, settings: Settings) -> AsyncGenerator[tuple[Any, Callable[[], int | None]], None]:
    """The engine, and the worker's process that it is in. Engines on torch have their worker in a file of their own
    (`test_csm_real`, `test_f5_real`, `test_whisper_torch`): to import torch once more takes many seconds."""
    if spec.isolation != "process" or "torch" in spec.packages:
        engine = spec.create(settings)
        try:
            yield engine, lambda: None
        finally:
            closing = getattr(engine, "close", lambda: None)()
            if inspect.isawaitable(closing):
                await closing
        return
    kind = cast(HostedKind, spec.kind)
    async with worker_for(kind, spec.name, settings).running() as worker:
        yield adapter_for(kind, worker), lambda: worker.pid


async def said(voice: Synthesizer) -> Pcm:
    async with aclosing(voice.synthesize(TEXT)) as pieces:
        return np.concatenate([samples async for samples, _ in pieces])


async def leave_speaking(voice: Synthesizer) -> None:
    async with aclosing(voice.synthesize(TEXT)) as pieces:
        assert len((await anext(pieces))[0])


def recording() -> Pcm16:
    found = shelf().voices[RECORDED].recording
    assert found is not None
    return read_speech(found)


async def heard(ears: Transcriber) -> Pcm:
    """The letters of the text, and how sure it is of them."""
    found = await ears.transcribe(recording())
    return np.array([*map(ord, found.text), found.confidence], np.float32)


async def leave_hearing(ears: Transcriber) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: ears.transcribe(recording()))
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()


def specs() -> list[Any]:
    """Every voice and ear there is."""
    found = [spec for spec in registry().values() if spec.kind in ("stt", "tts")]
    marks = {spec.name: () if spec.name in HERMETIC else (pytest.mark.real,) for spec in found}
    return [pytest.param(spec, id=f"{spec.kind}-{spec.name}", marks=marks[spec.name]) for spec in found]


@pytest.mark.anyio
@pytest.mark.parametrize("spec", specs())
async def test_it_is_left_in_mid_work_and_does_the_next_right(
    spec: EngineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # more cost small models more than they give
    assert (spec.kind, spec.name) in ENTRIES, f"{spec.kind} {spec.name} needs an entry here"
    with anyio.fail_after(60):
        bench = Bench(tmp_path, monkeypatch)
        async with ENTRIES[spec.kind, spec.name](bench) as settings, opened(spec, settings) as (engine, pid):
            await engine.warm()
            use, leave = (said, leave_speaking) if spec.kind == "tts" else (heard, leave_hearing)
            first, process = await use(engine), pid()
            await leave(engine)
            again = await use(engine)
            assert len(first) > 1 or first.any()  # random weights are not sure of any word, and so say none
            assert np.allclose(first, again, atol=NOISE)
            assert pid() == process
