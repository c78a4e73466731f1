"""CosyVoice 3 behind vLLM-Omni's speech endpoint: what is asked, what is heard, what goes wrong."""

from __future__ import annotations

import base64
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.openai_server import Refusal
from tests.speech_server import MODEL, Speech, SpeechServer, speech_server
from tests.test_synthesizers import all_of, code_of
from voxspark.audio import to_float, tone, wav_bytes
from voxspark.config_speech import VoiceSettings
from voxspark.engines.tts.cosyvoice import PIECE_BYTES, CosyVoiceSynthesizer
from voxspark.errors import SynthesizerError

pytestmark = pytest.mark.anyio

WAV = wav_bytes(tone(220, 3.0, 24_000), 24_000)
WORDS = "Some call me nature."


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's voices: `nature` has a recording, `plain` has none."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    voices = tmp_path / "voxspark" / "voices"
    for name, more in (("nature", f'[reference]\nfile = "reference.wav"\ntext = "{WORDS}"'), ("plain", "")):
        (voices / name).mkdir(parents=True)
        (voices / name / "reference.wav").write_bytes(WAV)
        text = (
            f'title = "A"\nlanguage = "xx"\nlicence = "CC0-1.0"\nsource = "a test"\n[engines]\ncosyvoice = ""\n{more}\n'
        )
        (voices / name / "voice.toml").write_text(text)
    return voices


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    async with speech_server() as world:
        yield world


def made(host: str, *, read_seconds: float = 5.0, **wanted: Any) -> CosyVoiceSynthesizer:
    table = {"engine": "cosyvoice", "voice": "nature", "host": host, **wanted}
    return CosyVoiceSynthesizer(VoiceSettings.model_validate(table), read_seconds=read_seconds)


Make = Callable[..., CosyVoiceSynthesizer]


@pytest.fixture
async def voice() -> AsyncIterator[Make]:
    """Makes voices and closes them."""
    voices: list[CosyVoiceSynthesizer] = []

    def make(host: str, **wanted: Any) -> CosyVoiceSynthesizer:
        voices.append(made(host, **wanted))
        return voices[-1]

    yield make
    for each in voices:
        await each.close()


async def failure(engine: CosyVoiceSynthesizer) -> SynthesizerError:
    with pytest.raises(SynthesizerError) as caught:
        await all_of(engine, "Hello.")
    return caught.value


# ── what is asked and heard ─────────────────────────────────────────────────────────────────────


async def test_a_sentence_is_asked_for_with_the_recording(server: SpeechServer, voice: Make) -> None:
    engine = voice(server.host, model=MODEL)
    assert len(await all_of(engine, "Grüße! 🎉 \ud800")) > 1
    (request,) = server.requests
    sound = request.pop("ref_audio")
    assert base64.b64decode(sound.removeprefix("data:audio/wav;base64,")) == WAV
    assert request == {
        "input": "Grüße! 🎉 ?",
        "model": MODEL,
        "ref_text": WORDS,
        "response_format": "pcm",
        "stream": True,
        "stream_format": "audio",
    }


async def test_the_model_is_the_servers_own_unless_named(server: SpeechServer, voice: Make) -> None:
    await all_of(voice(server.host), "Hello.")
    assert "model" not in server.requests[0]


@settings(max_examples=12)
@given(st.binary(min_size=2, max_size=12_000).filter(lambda sound: any(sound[: len(sound) // 2 * 2])))
async def test_samples_are_put_together_however_they_are_cut(sound: bytes) -> None:
    async with speech_server() as server:
        server.script = [Speech(sound)]
        engine = made(server.host)
        pieces = await all_of(engine, "Hello.")
        await engine.close()
    whole = to_float(np.frombuffer(sound[: len(sound) // 2 * 2], "<i2"))
    said = np.concatenate([samples for samples, _ in pieces])
    silent_first = len(whole) - len(said)  # whole pieces of silence are left out
    assert silent_first % (PIECE_BYTES // 2) == 0
    assert not whole[:silent_first].any()
    assert said.tolist() == whole[silent_first:].tolist()
    assert {rate for _, rate in pieces} == {24_000}
    assert all(len(samples) for samples, _ in pieces)


async def test_it_is_heard_before_it_is_done(server: SpeechServer, voice: Make) -> None:
    rest = anyio.Event()
    server.script = [Speech(b"\0\1" * 12_000, hold=rest)]
    async with aclosing(voice(server.host).synthesize("A long story.")) as pieces:
        samples, _ = await anext(pieces)
        assert len(samples) == PIECE_BYTES // 2
        rest.set()
        assert len([piece async for piece in pieces]) == 4


async def test_who_stops_listening_stops_the_server(server: SpeechServer, voice: Make) -> None:
    server.script = [Speech(hold=anyio.Event())]
    async with aclosing(voice(server.host).synthesize("A long story.")) as pieces:
        await anext(pieces)
    with anyio.fail_after(5):
        await server.left_early.wait()


async def test_cancelling_stops_the_server_and_leaves_the_voice_usable(server: SpeechServer, voice: Make) -> None:
    engine = voice(server.host)
    server.script = [Speech(b"\0" * 12_000, hold=anyio.Event())]
    async with anyio.create_task_group() as group:
        group.start_soon(all_of, engine, "Hello.")
        await server.asked.wait()
        group.cancel_scope.cancel()
    with anyio.fail_after(5):
        await server.left_early.wait()
    assert len(await all_of(engine, "Hello.")) == 5


async def test_a_warm_voice_has_said_a_word(server: SpeechServer, voice: Make) -> None:
    engine = voice(server.host)
    await engine.warm()
    assert [request["input"] for request in server.requests] == ["Hello."]
    server.script = [Refusal(500, "CUDA error")]
    with pytest.raises(SynthesizerError, match="failed"):
        await engine.warm()


async def test_another_pace_is_told_to_the_log(
    server: SpeechServer, voice: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert len(await all_of(voice(server.host, speed=1.2), "Hello.")) == 5
    assert "voice.speed is not used" in caplog.text


# ── trouble ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["", " \n"])
async def test_nothing_to_say_is_not_asked_for(server: SpeechServer, voice: Make, text: str) -> None:
    assert await code_of(voice(server.host), text) == "nothing-to-say"
    assert server.requests == []


@pytest.mark.parametrize(("name", "code"), [("plain", "voice-no-recording"), ("no such voice", "voice-unknown")])
def test_a_voice_without_a_recording_cannot_be_cloned(name: str, code: str) -> None:
    with pytest.raises(SynthesizerError) as caught:
        made("http://127.0.0.1:1", voice=name)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((400, "refused"), (401, "refused"), (404, "missing"), (422, "refused"), (429, "busy"), (500, "failed")),
        (503, "busy"),
    ],
)
async def test_what_the_server_says_is_passed_on(server: SpeechServer, voice: Make, status: int, code: str) -> None:
    server.script = [Refusal(status, "the reference is too long" + "!" * 1_000)]
    error = await failure(voice(server.host))
    assert error.code == f"cosyvoice-{code}"
    assert f"{server.host} says: the reference is too long!!" in error.remedy
    assert len(error.remedy) < 400


async def test_a_model_that_the_server_does_not_have_is_said(server: SpeechServer, voice: Make) -> None:
    error = await failure(voice(server.host, model="CosyVoice2"))
    assert error.code == "cosyvoice-missing"
    assert "`CosyVoice2` does not exist" in error.remedy


@pytest.mark.parametrize("sound", [b"", b"\7", b"\0" * 24_000])
async def test_silence_is_an_error_before_it_is_heard(server: SpeechServer, voice: Make, sound: bytes) -> None:
    server.script = [Speech(sound)]
    assert (await failure(voice(server.host))).code == "cosyvoice-silent"


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream; charset=utf-8", "audio/wav"])
async def test_what_is_no_raw_sound_is_not_played(server: SpeechServer, voice: Make, content_type: str) -> None:
    server.script = [Speech(b"data: {}\n\n", content_type)]
    assert (await failure(voice(server.host))).code == "cosyvoice-garbled"


async def test_a_stream_that_is_cut_is_said_after_what_was_heard(server: SpeechServer, voice: Make) -> None:
    server.script = [Speech(ending="reset")]
    async with aclosing(voice(server.host).synthesize("Hello.")) as pieces:
        await anext(pieces)
        with pytest.raises(SynthesizerError) as caught:
            async for _ in pieces:
                pass
    assert caught.value.code == "cosyvoice-interrupted"


async def test_a_server_that_hangs_is_not_waited_for(server: SpeechServer, voice: Make) -> None:
    server.script = [Speech(hold=anyio.Event())]
    assert (await failure(voice(server.host, read_seconds=0.1))).code == "cosyvoice-timeout"


@pytest.mark.parametrize("host", ["", "127.0.0.1:8091", "http://127.0.0.1:99999", "http://user:secret@127.0.0.1:{}"])
async def test_nobody_there_is_said_without_the_password(voice: Make, host: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await failure(voice(host.format(free.getsockname()[1])))
    assert error.code == "cosyvoice-unreachable"
    assert "secret" not in str(error)
    assert "voice.host" in error.remedy
