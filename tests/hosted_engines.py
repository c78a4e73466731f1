"""Engines for the tests of `hosted` and `remote`; `host` is the worker's target that has them in its registry."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import numpy as np
import pytest

from voxspark.config import ChatSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings
from voxspark.engines import registry
from voxspark.engines.registry import EngineSpec
from voxspark.engines.worker import hosted
from voxspark.errors import ChatError
from voxspark.protocols import Schema
from voxspark.types import Delta, Message, PaintingStep, Pcm, Pcm16, Stroke, Transcript


class FakeChat:
    """Does what its model's name says: `echo`, `refuse`, `cold`, `break`, `wrong`, `wait`, `work` or `stuck`."""

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self.read: list[Message] = []
        self.tools: list[Schema] = []
        self.more: list[Delta] = []
        """Said after the messages."""
        self.log: list[str] = []
        self.busy = threading.Event()
        self.left = threading.Event()
        self.release = threading.Event()
        if settings.model == "refuse":
            raise ChatError("chat-model-missing", "There is no such model.", "Pull it.")

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """The messages back; then its habit."""
        self.read, self.tools = list(messages), list(tools)
        try:
            for message in messages:
                yield message.content
            for delta in self.more:
                yield delta
            await self._habit()
        finally:
            self.log.append("closed")
            self.left.set()

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """Noted like a question."""
        if self.settings.model == "cold":
            raise ChatError("chat-load-failed", "It could not be loaded.", "Is there memory for it?")
        self.read, self.tools = list(messages), list(tools)

    async def _habit(self) -> None:
        match self.settings.model:
            case "break":
                raise ChatError("chat-failed", "It failed: \ud800?", "Try again.")
            case "wrong":
                raise ValueError("what somebody said")
            case "wait":
                self.busy.set()
                await anyio.sleep_forever()
            case "work" | "stuck":
                await asyncio.get_running_loop().run_in_executor(None, self._work)

    def _work(self) -> None:
        self.busy.set()
        self.release.wait()
        self.log.append("worked")


class FakeTranscriber:
    """Keeps what it hears, turned down in place."""

    def __init__(self, settings: TranscriberSettings) -> None:
        self.settings = settings
        self.heard = np.zeros(0, np.int16)
        self.hot_words: Sequence[str] = ()

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """How much it was."""
        self.heard, self.hot_words = samples.copy(), hot_words
        samples[:] = 0
        return Transcript(f"{len(samples)} Stück", "de", -0.25)

    async def warm(self) -> None:
        """Nothing to load."""


class FakeVoice:
    """Says what it is given to say."""

    def __init__(self, settings: VoiceSettings) -> None:
        self.settings = settings
        self.pieces: list[tuple[Pcm, int]] = []
        self.asked = ""

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Its pieces."""
        self.asked = text
        for piece in self.pieces:
            await anyio.lowlevel.checkpoint()
            yield piece

    async def warm(self) -> None:
        """Nothing to load."""


class FakePainter:
    """As many steps as its settings say, then the prompt as its picture."""

    def __init__(self, settings: ImageSettings) -> None:
        self.settings = settings
        self.asked: tuple[object, ...] = ()
        self.log: list[str] = []

    async def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """Its steps, its picture."""
        self.asked = (prompt, width, height, seed)
        try:
            for number in range(self.settings.steps):
                await anyio.lowlevel.checkpoint()
                yield PaintingStep(number + 1, self.settings.steps)
            yield b"PNG " + prompt.encode()
        finally:
            self.log.append("closed")

    async def warm(self) -> None:
        """Nothing to load."""


@dataclass(frozen=True)
class FakeEntryPoint:
    """What `importlib.metadata` gives for a package that registers engines."""

    def load(self) -> tuple[EngineSpec, ...]:
        """Those above, all named `fake`."""
        return (
            EngineSpec(name="fake", kind="chat", target="tests.hosted_engines:FakeChat"),
            EngineSpec(name="fake", kind="stt", target="tests.hosted_engines:FakeTranscriber"),
            EngineSpec(name="fake", kind="tts", target="tests.hosted_engines:FakeVoice"),
            EngineSpec(name="fake", kind="image", target="tests.hosted_engines:FakePainter"),
        )


def register(patch: pytest.MonkeyPatch) -> None:
    """Have them in the registry of this process; clear its cache afterwards."""
    patch.setattr(registry, "entry_points", lambda group: [FakeEntryPoint()])
    registry.registry.cache_clear()


def host(config: dict[str, Any]) -> Any:
    """See `hosted.host`."""
    register(pytest.MonkeyPatch())
    return hosted.host(config)
