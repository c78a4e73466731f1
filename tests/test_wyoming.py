"""Ears and a voice behind the Wyoming protocol, against a server on the protocol's own package, and a real one."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.asr import Transcript as Told
from wyoming.asr import TranscriptChunk, TranscriptStart
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.info import Info

from tests.test_synthesizers import all_of, code_of
from tests.wyoming_server import EARS, RATE_HZ, VOICES, Step, WyomingServer, wyoming_server
from voxspark import language
from voxspark.audio import resample, to_float, to_pcm16
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.engines.bundled import locate
from voxspark.engines.stt.wyoming import PIECE_SAMPLES, WyomingTranscriber
from voxspark.engines.tts.hibari import HibariSynthesizer
from voxspark.engines.tts.wyoming import WyomingSynthesizer
from voxspark.errors import EngineError, SynthesizerError, TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16

pytestmark = pytest.mark.anyio

SPEECH = (np.arange(3 * SAMPLE_RATE_HZ) % 199).astype(np.int16)


@pytest.fixture
async def server() -> AsyncIterator[WyomingServer]:
    async with wyoming_server() as world:
        yield world


def ears(server: WyomingServer, **settings: str) -> WyomingTranscriber:
    return WyomingTranscriber(TranscriberSettings(engine="wyoming", host=server.host, **settings))


def voice(server: WyomingServer, name: str = "", speed: float = 1.0) -> WyomingSynthesizer:
    return WyomingSynthesizer(VoiceSettings(engine="wyoming", host=server.host, voice=name, speed=speed))


async def failure(engine: WyomingTranscriber | WyomingSynthesizer) -> EngineError:
    """What goes wrong when the engine is used."""
    with pytest.raises(EngineError) as caught:
        await (engine.transcribe(SPEECH) if isinstance(engine, WyomingTranscriber) else all_of(engine, "Hello."))
    return caught.value


# ── ears ────────────────────────────────────────────────────────────────────────────────────────


async def test_an_utterance_is_sent_whole_and_its_words_come_back(server: WyomingServer) -> None:
    heard = await ears(server).transcribe(SPEECH)
    assert (heard.text, heard.language) == ("Hello there.", "en")
    assert server.received[0].type == "transcribe"
    assert server.received[0].data == {"language": "en"}
    assert server.of("audio-start")[0].data == {"rate": 16_000, "width": 2, "channels": 1}
    chunks = server.of("audio-chunk")
    assert len(chunks) == -(-len(SPEECH) // PIECE_SAMPLES)
    assert b"".join(chunk.payload or b"" for chunk in chunks) == SPEECH.astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("settings", "request_"),
    [
        ({"language": "auto"}, {}),
        ({"language": "de", "model": "medium-int8"}, {"language": "de", "name": "medium-int8"}),
        ({"model": "bundled:tiny.en"}, {"language": "en"}),
        ({"model": ""}, {"language": "en"}),
    ],
)
async def test_language_and_model_are_asked_for(
    server: WyomingServer, settings: dict[str, str], request_: dict[str, str]
) -> None:
    await ears(server, **settings).transcribe(SPEECH)
    assert server.received[0].data == request_


@pytest.mark.parametrize(
    ("told", "text", "code"),
    [
        (Told("  Grüß Gott. ", language="de_DE"), "Grüß Gott.", "de"),
        (Told("...", language="EN"), "", "en"),
        (Told("", language="fr"), "", "fr"),
        (Told("Hola."), "Hola.", "en"),
    ],
)
async def test_what_it_hears_is_told_in_its_language(server: WyomingServer, told: Told, text: str, code: str) -> None:
    server.answers["audio-stop"] = [TranscriptStart(), TranscriptChunk("Gr"), told]
    heard = await ears(server, language="auto").transcribe(SPEECH)
    assert (heard.text, heard.language) == (text, code)


async def test_where_the_server_does_not_tell_it_is_the_language_of_the_turn(server: WyomingServer) -> None:
    with language.speaking("de"):
        assert (await ears(server, language="auto").transcribe(SPEECH)).language == "de"


async def test_no_sound_is_not_asked_about(server: WyomingServer) -> None:
    assert (await ears(server).transcribe(SPEECH[:0])).text == ""
    assert server.connections == 0


async def test_a_server_that_has_heard_enough_may_answer_early(server: WyomingServer) -> None:
    server.answers["audio-start"] = [Told("Stop."), anyio.Event()]
    assert (await ears(server).transcribe(SPEECH)).text == "Stop."


async def test_a_long_utterance_is_sent(server: WyomingServer) -> None:
    hour = np.zeros(600 * SAMPLE_RATE_HZ, np.int16)
    assert (await ears(server).transcribe(hour)).text == "Hello there."
    assert sum(len(chunk.payload or b"") for chunk in server.of("audio-chunk")) == 2 * len(hour)


# ── a voice ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_sentence_is_sent_and_its_sound_comes_as_it_is_made(server: WyomingServer) -> None:
    more = anyio.Event()
    chunk = AudioChunk(RATE_HZ, 2, 1, np.array([0, 16_384, -32_768], "<i2").tobytes())
    server.answers["synthesize"] = [AudioStart(RATE_HZ, 2, 1), chunk, more, chunk, AudioStop()]
    async with aclosing(voice(server, "joe").synthesize("Grüße! 🎉 \ud800")) as pieces:
        samples, rate = await anext(pieces)
        more.set()
        assert len([piece async for piece in pieces]) == 1
    assert (rate, samples.tolist()) == (RATE_HZ, [0.0, 0.5, -1.0])
    assert samples.dtype == np.float32
    assert server.received[0].data == {"text": "Grüße! 🎉 ?", "voice": {"name": "joe"}}


async def test_without_a_name_it_speaks_the_language_of_the_turn(server: WyomingServer) -> None:
    with language.speaking("de"):
        await all_of(voice(server, "heart"), "Hallo.")  # a voice of the library that is not for such a server
    assert server.received[0].data["voice"] == {"language": "de"}


@pytest.mark.parametrize(("width", "kind"), [(1, np.uint8), (2, np.int16), (4, np.int32)])
@pytest.mark.parametrize("channels", [1, 2])
async def test_any_form_of_sound_is_understood(
    server: WyomingServer, width: int, kind: type[np.generic], channels: int
) -> None:
    middle, half = (128, 192) if width == 1 else (0, 2 ** (8 * width - 2))
    frames = np.array([[middle] * channels, [half] * channels], kind).tobytes()
    server.answers["synthesize"] = [AudioChunk(48_000, width, channels, frames), AudioStop()]
    ((samples, rate),) = await all_of(voice(server), "Hello.")
    assert (rate, samples.tolist()) == (48_000, [0.0, 0.5])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8))
async def test_sound_that_is_cut_anywhere_is_put_together(sizes: list[int]) -> None:
    whole = np.arange(20, dtype="<i2")
    raw, chunks = whole.tobytes(), list[Step]()
    for size in (*sizes, len(raw)):
        chunks.append(AudioChunk(RATE_HZ, 2, 1, raw[:size]))
        raw = raw[size:]
    async with wyoming_server() as server:
        server.answers["synthesize"] = [*chunks, AudioStop()]
        pieces = await all_of(voice(server), "Hello.")
    assert np.concatenate([samples for samples, _ in pieces]).tolist() == to_float(whole).tolist()


@pytest.mark.parametrize(
    "steps", [[AudioStop()], [AudioStart(RATE_HZ, 2, 1), AudioChunk(RATE_HZ, 2, 1, b""), AudioStop()]]
)
async def test_a_voice_without_sound_has_nothing_to_say(server: WyomingServer, steps: list[Step]) -> None:
    server.answers["synthesize"] = steps
    assert await code_of(voice(server), "🎉") == "nothing-to-say"


async def test_another_pace_is_told_to_the_log(server: WyomingServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert len(await all_of(voice(server, speed=1.2), "Hello.")) == 1
    assert "voice.speed is not used" in caplog.text


# ── coming and going ────────────────────────────────────────────────────────────────────────────


async def test_a_warm_engine_has_asked_who_is_there_and_tried_it(server: WyomingServer) -> None:
    await ears(server).warm()
    await voice(server).warm()
    types = [event.type for event in server.received if event.type not in ("audio-chunk", "audio-start")]
    assert types == ["describe", "transcribe", "audio-stop", "describe", "synthesize"]


async def test_a_server_that_leaves_and_comes_back_is_found_again(server: WyomingServer) -> None:
    engine = ears(server)
    answer = server.answers.pop("audio-stop")
    server.answers["audio-stop"] = []
    assert (await failure(engine)).code == "wyoming-interrupted"
    server.answers["audio-stop"] = answer
    assert (await engine.transcribe(SPEECH)).text == "Hello there."


async def test_who_stops_listening_hangs_up(server: WyomingServer) -> None:
    chunk = AudioChunk(RATE_HZ, 2, 1, b"\1\2")
    server.answers["synthesize"] = [chunk, anyio.Event()]
    async with aclosing(voice(server).synthesize("A long story.")) as pieces:
        await anext(pieces)
    with anyio.fail_after(5):
        await server.left.wait()


@pytest.mark.parametrize("part", ["ears", "voice"])
async def test_cancelling_hangs_up(server: WyomingServer, part: str) -> None:
    server.answers |= {"audio-stop": [anyio.Event()], "synthesize": [anyio.Event()]}
    async with anyio.create_task_group() as group:
        if part == "ears":
            group.start_soon(ears(server).transcribe, SPEECH)
        else:
            group.start_soon(all_of, voice(server), "Hello.")
        await server.asked.wait()
        group.cancel_scope.cancel()
    with anyio.fail_after(5):
        await server.left.wait()


# ── trouble ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "host", ["", "localhost:10300", "http://localhost:10300", "tcp://", "tcp://here", "tcp://here:99999", "tcp://[::1"]
)
def test_an_address_that_is_none_says_what_one_is(host: str) -> None:
    with pytest.raises(TranscriberError) as caught:
        WyomingTranscriber(TranscriberSettings(host=host))
    assert caught.value.code == "wyoming-address"
    assert "transcriber.host to an address like tcp://192.168.1.20:10300" in caught.value.remedy
    with pytest.raises(SynthesizerError, match="server of my voice is") as told:
        WyomingSynthesizer(VoiceSettings(host=host))
    assert "voice.host" in told.value.remedy


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.name.invalid", f"{'x' * 70}.invalid"])
async def test_nobody_there_is_said(host: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = WyomingServer(f"tcp://{host}:{free.getsockname()[1]}")
        for engine, setting in ((ears(nobody), "transcriber.host"), (voice(nobody), "voice.host")):
            error = await failure(engine)
            assert error.code == "wyoming-unreachable"
            assert nobody.host in error.remedy
            assert setting in error.remedy


async def test_a_server_of_something_else_is_said(server: WyomingServer) -> None:
    server.answers["describe"] = [Info(asr=[EARS])]
    with pytest.raises(SynthesizerError, match="one for something else"):
        await voice(server).warm()
    server.answers["describe"] = [Info(tts=[VOICES])]
    with pytest.raises(TranscriberError, match="one for something else"):
        await ears(server).warm()


async def test_what_the_server_says_is_passed_on(server: WyomingServer) -> None:
    refusal: list[Step] = [Error("CUDA out of memory" + "!" * 1_000)]
    server.answers |= {"audio-stop": refusal, "synthesize": refusal}
    for engine in (ears(server), voice(server)):
        error = await failure(engine)
        assert error.code == "wyoming-refused"
        assert f"{server.host} says: CUDA out of memory!!" in error.remedy
        assert len(error.remedy) < 400


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"[]\n",
        b"{}\n",
        b'{"type": "transcript", "data": 5}\n',
        b'{"type": "transcript", "data_length": -1}\n',
        b'{"type": "transcript", "data_length": "many"}\n',
        b'{"type": "transcript", "payload_length": 999999999999}\n',
        b'{"type": "transcript", "data_length": 3}\n{{{',
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
        b"x" * (1 << 21),
        b'{"type": "transcript"}\n',
        b'{"type": "transcript", "data": {"text": 5}}\n',
        b'{"type": "transcript", "data": {"text": "a", "language": 5}}\n',
    ],
)
async def test_nonsense_is_said(server: WyomingServer, raw: bytes) -> None:
    server.answers["audio-stop"] = [raw]
    assert (await failure(ears(server))).code == "wyoming-garbled"


@pytest.mark.parametrize(
    "form",
    [
        *({}, {"rate": 0}, {"width": 5}, {"channels": 0}, {"rate": "fast"}, {"channels": 1e9}),
        *({"rate": 0.5}, {"channels": 0.5}, {"rate": 1}, {"rate": 2**31}),
    ],
)
async def test_sound_in_no_known_form_is_said(server: WyomingServer, form: dict[str, object]) -> None:
    chunk = AudioChunk(RATE_HZ, 2, 1, b"\1\2").event()
    data = json.dumps({**chunk.data, **form} if form else {}).encode()
    server.answers["synthesize"] = [b'{"type": "audio-chunk", "data": %s, "payload_length": 2}\n\1\2' % data]
    assert (await failure(voice(server))).code == "wyoming-garbled"


@pytest.mark.parametrize("raw", [b"", b'{"type": "tran', b'{"type": "transcript", "data_length": 50}\n{"text"'])
async def test_an_answer_that_is_cut_is_said(server: WyomingServer, raw: bytes) -> None:
    server.answers["audio-stop"] = [raw]
    assert (await failure(ears(server))).code == "wyoming-interrupted"


@pytest.mark.parametrize("part", ["ears", "voice"])
async def test_a_server_that_hangs_is_not_waited_for(
    server: WyomingServer, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.deaf = True
    monkeypatch.setattr("voxspark.engines.stt.wyoming.ANSWER_SECONDS", 0.05)
    monkeypatch.setattr("voxspark.engines.tts.wyoming.ANSWER_SECONDS", 0.05)
    long = np.zeros(600 * SAMPLE_RATE_HZ, np.int16)  # more than the system takes for who does not read
    with pytest.raises(EngineError) as caught:
        await (ears(server).transcribe(long) if part == "ears" else all_of(voice(server), "Hello."))
    assert caught.value.code == "wyoming-timeout"


@pytest.mark.parametrize("part", ["ears", "voice"])
async def test_a_server_that_only_keeps_talking_is_not_waited_for(
    server: WyomingServer, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxspark.engines.stt.wyoming.ANSWER_SECONDS", 0.05)
    monkeypatch.setattr("voxspark.engines.tts.wyoming.ANSWER_SECONDS", 0.05)
    for request in ("audio-stop", "synthesize"):
        server.answers[request] = [b'{"type": "ping"}\n' * 2_000_000, anyio.Event()]
    assert (await failure(ears(server) if part == "ears" else voice(server))).code == "wyoming-timeout"


# ── a real server ───────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def whisper_server(folder: Path) -> AsyncIterator[str]:
    """`wyoming-faster-whisper` with the bundled weights; nothing is fetched."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "wyoming_faster_whisper", "--uri", host, "--data-dir", str(folder)]
    command += ["--model", str(locate("whisper-tiny.en")), "--local-files-only", "--language", "en", "--beam-size", "1"]
    async with await anyio.open_process(command, stdout=None, stderr=None) as process:
        try:
            yield host
        finally:
            process.kill()


async def is_there(engine: WyomingTranscriber) -> bool:
    try:
        await engine.warm()
    except TranscriberError as error:
        if error.code != "wyoming-unreachable":
            raise
        return False
    return True


async def spoken(text: str) -> Pcm16:
    pieces = await all_of(HibariSynthesizer(VoiceSettings()), text)
    rate = pieces[0][1]
    return to_pcm16(resample(np.concatenate([samples for samples, _ in pieces]), rate, SAMPLE_RATE_HZ))


@pytest.mark.real
async def test_a_real_server_hears(tmp_path: Path) -> None:
    speech = await spoken("The timer for the pasta is set to ten minutes.")
    async with whisper_server(tmp_path) as host:
        engine = WyomingTranscriber(TranscriberSettings(engine="wyoming", host=host))
        with anyio.fail_after(60):
            while not await is_there(engine):
                await anyio.sleep(0.1)
        heard = await engine.transcribe(speech)
    assert "timer for the pasta" in heard.text.lower()
    assert (await failure(engine)).code == "wyoming-unreachable"
