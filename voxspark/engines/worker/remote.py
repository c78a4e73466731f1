"""The daemon's side of an engine of the registry in a worker; `hosted` is the worker's side.

    async with worker_for("chat", "llama_cpp", settings).running() as worker:
        chat = RemoteChat(worker)

The engine is loaded by the first call, or by `worker.load()`. Nothing of it is imported here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from voxspark.config_tools import Settings
from voxspark.engines.worker.chat_wire import delta_of, message_to_json
from voxspark.engines.worker.host import Worker, WorkerChanged
from voxspark.engines.worker.life import Limits
from voxspark.errors import ChatError, EngineError, PainterError, SynthesizerError, TranscriberError
from voxspark.protocols import Chat, Painter, Schema, Synthesizer, Transcriber
from voxspark.types import Delta, Message, PaintingStep, Pcm, Pcm16, Stroke, Transcript

HostedKind = Literal["chat", "stt", "tts", "image"]

TARGET = "voxspark.engines.worker.hosted:host"

OUTWAITED = Limits(grace_seconds=10.0)
"""A window of speech or a sentence cannot be stopped on its way; to wait for it costs less than to load again."""

PAINTING = Limits(call_seconds=3600.0, grace_seconds=60.0)
"""A picture is a batch job; nor can one of its steps be stopped on its way, which is seconds on a GPU."""


class RemoteChat:
    """A language model in a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """See `protocols.Chat.stream`."""
        async with aclosing(self._worker.stream("stream", _params(messages, tools))) as frames:
            async for frame in frames:
                yield delta_of(frame.values)

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """See `protocols.Chat.warm`."""
        await self._worker.call("warm", _params(messages, tools))


class RemoteTranscriber:
    """Speech to text in a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber.transcribe`."""
        params = {"hot_words": list(hot_words)}
        frame = await self._worker.call("transcribe", params, payload=np.asarray(samples, np.int16).tobytes())
        return Transcript(**{**frame.values, "tags": tuple(frame.values["tags"])})

    async def warm(self) -> None:
        """See `protocols.Transcriber.warm`."""
        await self._worker.load()


class RemoteSynthesizer:
    """Text to speech in a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """See `protocols.Synthesizer.synthesize`."""
        async with aclosing(self._worker.stream("synthesize", {"text": text})) as frames:
            async for frame in frames:
                yield np.frombuffer(frame.payload, np.float32).copy(), frame.values["sample_rate_hz"]

    async def hear(self, text: str, samples: Pcm16) -> None:
        """See `protocols.Listens.hear`; nothing where the engine is none."""
        await self._worker.call("hear", {"text": text}, payload=np.asarray(samples, np.int16).tobytes())

    async def warm(self) -> None:
        """See `protocols.Synthesizer.warm`."""
        await self._worker.load()


class RemotePainter:
    """Pictures in a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """See `protocols.Painter.paint`."""
        params = {"prompt": prompt, "width": width, "height": height, "seed": seed}
        async with aclosing(self._worker.stream("paint", params)) as frames:
            async for frame in frames:
                yield PaintingStep(**frame.values) if frame.values else frame.payload

    async def warm(self) -> None:
        """See `protocols.Painter.warm`."""
        await self._worker.load()


Hostable = Chat | Transcriber | Synthesizer | Painter


@dataclass(frozen=True, slots=True)
class Part:
    """What the daemon makes of a kind."""

    name: str
    """As it is spoken."""
    error: type[EngineError]
    adapter: Callable[[Worker], Hostable]
    limits: Limits


PARTS: Mapping[HostedKind, Part] = MappingProxyType(
    {
        "chat": Part("language model", ChatError, RemoteChat, Limits()),
        "stt": Part("transcriber", TranscriberError, RemoteTranscriber, OUTWAITED),
        "tts": Part("voice", SynthesizerError, RemoteSynthesizer, OUTWAITED),
        "image": Part("painter", PainterError, RemotePainter, PAINTING),
    }
)


def worker_for(
    kind: HostedKind,
    engine: str,
    settings: Settings,
    *,
    on_change: Callable[[WorkerChanged], None] = lambda _: None,
    limits: Limits | None = None,
) -> Worker:
    """A worker for an engine of the registry with the settings of its kind; nothing is started yet."""
    part = PARTS[kind]
    return Worker(
        TARGET,
        {"kind": kind, "engine": engine, "settings": settings.model_dump(mode="json")},
        name=part.name,
        error=part.error,
        on_change=on_change,
        limits=limits or part.limits,
    )


def adapter_for(kind: HostedKind, worker: Worker) -> Hostable:
    """The engine of that kind in a worker."""
    return PARTS[kind].adapter(worker)


def _params(messages: Sequence[Message], tools: Sequence[Schema]) -> dict[str, Any]:
    return {"messages": [message_to_json(message) for message in messages], "tools": [dict(tool) for tool in tools]}
