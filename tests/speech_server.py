"""A vLLM-Omni server with CosyVoice 3, for tests: `POST /v1/audio/speech` with its checks, its stream, its failures.

async with speech_server() as server:
    server.script = [Speech(samples), Refusal(503, "busy")]

What it refuses, and in which words, is read off vllm-omni (`protocol/audio.py`, `tts_adapters/cosyvoice3.py`).
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Literal

import anyio
from anyio.abc import SocketAttribute, SocketStream

from tests.ollama_http import Wire
from tests.ollama_values import ApiError, Exchange
from tests.openai_server import Refusal
from voxspark.audio import read_wav

PIECES_BYTES = (1, 4_801, 7, 3, 9_600, 2)
"""Nobody cuts at samples."""

MODEL = "FunAudioLLM/Fun-CosyVoice3-0.5B-2512"


@dataclass
class Speech:
    """A scripted answer."""

    sound: bytes = b"\0\1" * 12_000
    content_type: str = "audio/pcm"
    ending: Literal["done", "reset"] = "done"
    hold: anyio.Event | None = None
    """Waited for after the first half."""


class PcmWire(Wire):
    """Streams bytes."""

    STREAM_TYPE = "audio/pcm"


@dataclass
class SpeechServer:
    """What a test says to the server and sees of it."""

    host: str
    script: list[Speech | Refusal] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)
    left_early: anyio.Event = field(default_factory=anyio.Event)
    """Set when a client closed its connection in the middle of an answer."""

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Their bodies, in order."""
        return [exchange.request for exchange in self.exchanges]

    async def connect(self, stream: SocketStream) -> None:
        """Serve one connection."""
        async with stream:
            await PcmWire(stream, self.exchanges.append, lambda: self.left_early.set()).run(self._answer)

    async def _answer(self, exchange: Exchange, wire: Wire) -> None:
        self.asked.set()
        try:
            if (exchange.method, exchange.path) != ("POST", "/v1/audio/speech"):
                raise ApiError(404, "Not Found")
            for problem in _problems(exchange.request):
                raise ApiError(400, problem)
            match self.script.pop(0) if self.script else Speech():
                case Refusal(status, error):
                    body = error if isinstance(error, dict) else {"error": {"message": error, "code": status}}
                    await wire.send(exchange, body, status)
                case Speech() as speech:
                    await _stream(exchange, wire, speech)
        except ApiError as error:
            body = {"error": {"message": error.error, "type": "BadRequestError", "param": None, "code": error.status}}
            await wire.send(exchange, body, error.status)


def _problems(request: dict[str, Any]) -> Iterator[str]:
    if request.get("response_format", "wav") not in ("pcm", "wav"):
        yield f"Streaming requires response_format='pcm' or 'wav'. Got response_format='{request['response_format']}'."
    if request.get("stream_format") != "audio":
        yield "this server streams nothing but raw audio"
    if request.get("speed", 1.0) != 1.0:
        yield "Speed adjustment is not supported when streaming (stream=true). Set speed=1.0 or omit it."
    if request.get("model", MODEL) != MODEL:
        raise ApiError(404, f"The model `{request['model']}` does not exist.")
    if not str(request.get("input", "")).strip():
        yield "Input text cannot be empty"
    if "ref_audio" not in request:
        yield "CosyVoice3 requires 'ref_audio' (reference audio for voice cloning)"
    head, _, sound = str(request["ref_audio"]).partition(",")
    if head != "data:audio/wav;base64":
        yield "ref_audio must be a URL (http/https), base64 data URL (data:...), or file URI (file://...)"
    read_wav(base64.b64decode(sound, validate=True))
    if not str(request.get("ref_text", "")).strip():
        yield "CosyVoice3 requires 'ref_text' (transcript of the reference audio)"


async def _stream(exchange: Exchange, wire: Wire, speech: Speech) -> None:
    wire.STREAM_TYPE = speech.content_type
    await wire.begin(exchange)
    sizes, left, half = cycle(PIECES_BYTES), speech.sound, len(speech.sound) // 2
    while left:
        if speech.hold and len(left) <= half:
            await speech.hold.wait()
        size = next(sizes)
        await wire.torn_line(exchange, left[:size])
        left = left[size:]
    if speech.ending == "reset":
        await wire.reset()
        return
    exchange.finished = True
    await wire.end(exchange)


@asynccontextmanager
async def speech_server() -> AsyncIterator[SpeechServer]:
    """A server on a free port of 127.0.0.1, for as long as the block lasts."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        server = SpeechServer(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}")
        group.start_soon(listener.serve, server.connect)
        yield server
        group.cancel_scope.cancel()
