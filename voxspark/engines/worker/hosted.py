"""The worker's side of an engine of the registry (kinds `chat`, `stt`, `tts`, `image`); `remote` is the daemon's side.

Engines are asynchronous and a worker's calls are not, so an event loop runs on the main thread while a call waits.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar, TypeVarTuple

import numpy as np

from voxspark.config import ChatSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings, Settings
from voxspark.engines.registry import find
from voxspark.engines.worker.chat_wire import delta_to_json, message_of
from voxspark.engines.worker.task import Task
from voxspark.engines.worker.wire import Frame
from voxspark.protocols import Chat, Listens, Painter, Schema, Synthesizer, Transcriber
from voxspark.types import Message

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Engine = TypeVar("Engine")

PIECE_SAMPLES = 1 << 20
"""Longer pieces of speech are divided: 4 MiB, 44 s at 24 kHz."""

SETTINGS: Mapping[str, type[Settings]] = MappingProxyType(
    {"chat": ChatSettings, "stt": TranscriberSettings, "tts": VoiceSettings, "image": ImageSettings}
)


def host(config: dict[str, Any]) -> Hosted[Any]:
    """The engine that `config` names (`kind`, `engine`, `settings`), made and warm. Raises EngineError."""
    kind = config["kind"]
    settings = SETTINGS[kind].model_validate(config["settings"])
    return HOSTS[kind](lambda: find(kind, config["engine"]).create(settings))


class Loop(asyncio.SelectorEventLoop):
    """Runs one call at a time, and knows what a cancelled call leaves running in threads."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(thread_name_prefix="hosted")
        self._running: set[Future[Any]] = set()

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """See `asyncio.loop.run_in_executor`."""
        work = (executor or self._threads).submit(func, *args)
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        return asyncio.wrap_future(work, loop=self)

    def drive(self, task: Task, frames: AsyncGenerator[Frame, None]) -> Iterator[Frame]:
        """What it yields, until the task is cancelled; at the end the engine is free for the next call."""
        try:
            while not task.cancelled and (frame := self._step(task, frames)) is not None:
                yield frame
        finally:
            self.run_until_complete(frames.aclose())
            if task.cancelled:
                self.run_until_complete(self._outwait())

    def _step(self, task: Task, frames: AsyncGenerator[Frame, None]) -> Frame | None:
        step = self.create_task(_next(frames))
        task.on_cancel(partial(self.call_soon_threadsafe, _cancel_once, step))
        try:
            return self.run_until_complete(step)
        except asyncio.CancelledError:
            if not task.cancelled:
                raise
            return None

    async def _outwait(self) -> None:
        """A thread cannot be killed: if it hangs, the daemon kills the process."""
        left = [asyncio.wrap_future(work, loop=self) for work in tuple(self._running)]
        await asyncio.gather(*left, return_exceptions=True)


async def _next(frames: AsyncGenerator[Frame, None]) -> Frame | None:
    return await anext(frames, None)


def _cancel_once(step: asyncio.Task[Any]) -> None:
    if not step.cancelling():
        step.cancel()


class Hosted(ABC, Generic[Engine]):
    """An engine on its loop. Its public methods are what the daemon calls."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._loop = Loop()
        self._engine = self._loop.run_until_complete(self._made(make))

    async def _made(self, make: Callable[[], Engine]) -> Engine:
        engine = make()
        await self._ready(engine)
        return engine

    @abstractmethod
    async def _ready(self, engine: Engine) -> None:
        """Load its weights and run it once."""


class HostedChat(Hosted[Chat]):
    """A language model."""

    def stream(self, task: Task) -> Iterator[Frame]:
        """`messages` and `tools` to the deltas of the reply."""
        return self._loop.drive(task, self._deltas(_messages(task), task.params["tools"]))

    def warm(self, task: Task) -> Iterator[Frame]:
        """Prefill `messages`."""
        return self._loop.drive(task, self._prefilled(_messages(task), task.params["tools"]))

    async def _ready(self, engine: Chat) -> None:
        await engine.warm([Message("user", "Hello.")])

    async def _deltas(self, messages: list[Message], tools: list[Schema]) -> AsyncGenerator[Frame, None]:
        async with aclosing(self._engine.stream(messages, tools=tools)) as deltas:
            async for delta in deltas:
                yield Frame(delta_to_json(delta))

    async def _prefilled(self, messages: list[Message], tools: list[Schema]) -> AsyncGenerator[Frame, None]:
        await self._engine.warm(messages, tools=tools)
        yield Frame()


class HostedTranscriber(Hosted[Transcriber]):
    """Speech to text."""

    def transcribe(self, task: Task) -> Iterator[Frame]:
        """Mono int16 at 16 kHz, with `hot_words`, to the fields of a `Transcript`."""
        return self._loop.drive(task, self._transcript(task.payload, task.params["hot_words"]))

    async def _ready(self, engine: Transcriber) -> None:
        await engine.warm()

    async def _transcript(self, payload: bytes, hot_words: list[str]) -> AsyncGenerator[Frame, None]:
        samples = np.frombuffer(payload, np.int16).copy()
        transcript = await self._engine.transcribe(samples, hot_words=hot_words)
        yield Frame(asdict(transcript))


class HostedSynthesizer(Hosted[Synthesizer]):
    """Text to speech."""

    def synthesize(self, task: Task) -> Iterator[Frame]:
        """`text` to float32 samples and their `sample_rate_hz`."""
        return self._loop.drive(task, self._pieces(task.params["text"]))

    def hear(self, task: Task) -> Iterator[Frame]:
        """`text` of the user and mono int16 at 16 kHz, for an engine that listens."""
        return self._loop.drive(task, self._heard(task.params["text"], task.payload))

    async def _ready(self, engine: Synthesizer) -> None:
        await engine.warm()

    async def _heard(self, text: str, payload: bytes) -> AsyncGenerator[Frame, None]:
        if isinstance(self._engine, Listens):
            await self._engine.hear(text, np.frombuffer(payload, np.int16).copy())
        yield Frame()

    async def _pieces(self, text: str) -> AsyncGenerator[Frame, None]:
        async with aclosing(self._engine.synthesize(text)) as pieces:
            async for samples, sample_rate_hz in pieces:
                for start in range(0, len(samples), PIECE_SAMPLES):
                    part = np.asarray(samples[start : start + PIECE_SAMPLES], np.float32)
                    yield Frame({"sample_rate_hz": sample_rate_hz}, part.tobytes())


class HostedPainter(Hosted[Painter]):
    """Pictures."""

    def paint(self, task: Task) -> Iterator[Frame]:
        """`prompt`, `width`, `height`, `seed` to the fields of each `PaintingStep`, then a PNG."""
        return self._loop.drive(task, self._strokes(task.params))

    async def _ready(self, engine: Painter) -> None:
        await engine.warm()

    async def _strokes(self, params: Mapping[str, Any]) -> AsyncGenerator[Frame, None]:
        async with aclosing(self._engine.paint(**params)) as strokes:
            async for stroke in strokes:
                yield Frame(payload=stroke) if isinstance(stroke, bytes) else Frame(asdict(stroke))


HOSTS: Mapping[str, type[Hosted[Any]]] = MappingProxyType(
    {"chat": HostedChat, "stt": HostedTranscriber, "tts": HostedSynthesizer, "image": HostedPainter}
)


def _messages(task: Task) -> list[Message]:
    return [message_of(fields) for fields in task.params["messages"]]
