"""SenseVoice: the real sherpa-onnx with a tiny model of the same shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_sense_voice import write
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt import sense_voice
from voxspark.engines.stt.sense_voice import HUB_NAME, SenseVoiceTranscriber
from voxspark.engines.worker.remote import RemoteTranscriber, worker_for
from voxspark.errors import EngineError, TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Transcript

pytestmark = pytest.mark.anyio

SILENCE = np.zeros(SAMPLE_RATE_HZ, np.int16)
NOISE = (np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ) * 3_000).astype(np.int16)


def ears(model: Path | str, **settings: str) -> SenseVoiceTranscriber:
    return SenseVoiceTranscriber(TranscriberSettings(engine="sense_voice", model=str(model), threads=1, **settings))


async def failure(engine: SenseVoiceTranscriber) -> TranscriberError:
    with pytest.raises(TranscriberError) as caught:
        await engine.transcribe(NOISE)
    return caught.value


async def test_words_language_emotion_and_sounds_are_heard(tmp_path: Path) -> None:
    engine = ears(write(tmp_path), language="auto")
    await engine.warm()
    assert await engine.transcribe(NOISE) == Transcript("hello", "en", 0.0, ("emotion:happy", "event:laughter"))
    engine.close()


@pytest.mark.parametrize("samples", [SILENCE, SILENCE[:0], SILENCE[:100]])
async def test_nothing_said_is_no_text(tmp_path: Path, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
    assert (await ears(write(tmp_path)).transcribe(samples)).text == ""


async def test_a_fixed_language_is_told_to_the_model(tmp_path: Path) -> None:
    folder = write(tmp_path, language="<|en|>")
    assert (await ears(folder, language="ja").transcribe(NOISE)).language == "ja"
    assert (await ears(folder, language="auto").transcribe(NOISE)).language == "en"


@pytest.mark.parametrize(("wanted", "code"), [("auto", "en"), ("zh", "zh")])
async def test_nobody_speaks_no_language(tmp_path: Path, wanted: str, code: str) -> None:
    folder = write(tmp_path, language="<|nospeech|>", event="<|Speech|>", emotion="<|EMO_UNKNOWN|>", lang_zh="0")
    heard = await ears(folder, language=wanted).transcribe(NOISE)
    assert (heard.language, heard.tags) == (code, ())


async def test_the_form_in_32_bits_will_do(tmp_path: Path) -> None:
    (write(tmp_path) / "model.int8.onnx").rename(tmp_path / "model.onnx")
    assert (await ears(tmp_path).transcribe(NOISE)).text == "hello"


async def test_the_hub_cache_of_the_machine_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def folder_of(model: str, index: str) -> Path | None:
        asked.append((model, index))
        return None

    monkeypatch.setattr(sense_voice, "folder_of", folder_of)
    assert (await failure(ears(""))).code == "sense-voice-missing"
    assert asked == [(HUB_NAME, "model.int8.onnx"), (HUB_NAME, "model.onnx")]


@pytest.mark.parametrize("name", ["tokens.txt", "model.int8.onnx"])
async def test_a_folder_that_lacks_a_file_is_said(tmp_path: Path, name: str) -> None:
    (write(tmp_path) / name).unlink()
    error = await failure(ears(tmp_path))
    assert error.code == "sense-voice-missing"
    assert f"hf download {HUB_NAME} model.int8.onnx tokens.txt" in error.remedy


@pytest.mark.parametrize("raw", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\0" * 5_000])
async def test_a_damaged_model_is_said(tmp_path: Path, raw: bytes) -> None:
    (write(tmp_path) / "model.int8.onnx").write_bytes(raw)
    error = await failure(ears(tmp_path))
    assert error.code == "sense-voice-load-failed"
    assert str(tmp_path) in error.remedy


async def test_tokens_of_another_model_are_said(tmp_path: Path) -> None:
    (write(tmp_path) / "tokens.txt").write_text("<blk> 0\n")
    assert (await failure(ears(tmp_path))).code == "transcriber-failed"


def test_a_language_that_it_does_not_know_is_said() -> None:
    with pytest.raises(TranscriberError, match="does not know the language de") as caught:
        ears("", language="de")
    assert caught.value.code == "language-unknown"


@pytest.mark.real
async def test_a_model_of_another_kind_ends_a_worker_and_not_the_daemon(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good"), write(tmp_path / "bad", lfr_window_size="")
    for folder in (good, bad):
        settings = TranscriberSettings(engine="sense_voice", model=str(folder), threads=1)
        async with worker_for("stt", "sense_voice", settings, on_change=lambda _: None).running() as worker:
            engine = RemoteTranscriber(worker)
            if folder is good:
                assert (await engine.transcribe(NOISE)).tags == ("emotion:happy", "event:laughter")
            else:
                with pytest.raises(EngineError, match="crashed"):
                    await engine.transcribe(NOISE)
