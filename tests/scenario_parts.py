"""The outermost parts of a scenario, written by hand: they live on the virtual clock and record what they received."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any

import anyio
import numpy as np

from voxspark.audio import tone
from voxspark.errors import DeviceError, SynthesizerError, TranscriberError
from voxspark.events import ModelPulled
from voxspark.protocols import Agent, Schema, TurnScope
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Clip, Delta, Message, Pcm, Pcm16, Transcript
from voxspark.vram.leases import Leased

SECONDS_PER_CHARACTER = 0.06
TRANSCRIBE_SECONDS = 0.15
FIRST_TOKEN_SECONDS = 0.08
SYNTHESIZE_SECONDS = 0.03
SPEAKER_LATENCY_SECONDS = 0.02
SPEAKER_QUEUE_SECONDS = 0.2
RATE_HZ = 1_000


@dataclass(frozen=True, slots=True)
class Segment:
    """Somebody speaks from `start` to `end` (seconds)."""

    start: float
    end: float
    text: str
    wake: bool = False
    """It is the wake word."""


@dataclass
class FakeMicrophone:
    """Chunks in virtual time, filled with the 1-based number of the segment that is being spoken."""

    segments: Sequence[Segment]
    seconds: float
    gaps: Sequence[tuple[float, float]] = ()
    """When the device is away (from, to)."""
    dropped_seconds: float = 0.0
    closed: bool = False
    state: str = "open"
    starved_seconds: float = 0.0

    def mute(self, on: bool) -> None:
        self.closed = on

    def report(self) -> dict[str, Any]:
        return {"device": "", "state": self.state}

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        begun = anyio.current_time()
        for position in range(int(self.seconds / CHUNK_SECONDS)):
            at = position * CHUNK_SECONDS
            await anyio.sleep_until(begun + at + CHUNK_SECONDS)
            if self.closed or any(start <= at < end for start, end in self.gaps):
                continue
            speaking = (n for n, s in enumerate(self.segments, 1) if s.start <= at + CHUNK_SECONDS / 2 < s.end)
            yield Chunk(np.full(CHUNK_SAMPLES, next(speaking, 0), np.int16), at)


class FakeGate:
    def open(self, samples: Pcm16) -> bool:
        return bool(samples[0])


@dataclass
class FakeActivity:
    broken: bool = False

    def probability(self, samples: Pcm16) -> float:
        if self.broken:
            raise RuntimeError("the judge broke")
        return 1.0 if samples[0] else 0.0

    def reset(self) -> None:
        return None


@dataclass
class FakeWake:
    """Hears the wake word at the end of its segment."""

    segments: Sequence[Segment]
    _heard: int = 0

    def detect(self, samples: Pcm16) -> str | None:
        number = int(samples[0])
        before, self._heard = self._heard, number
        ended = before and number != before and self.segments[before - 1].wake
        return "hey_jarvis" if ended else None


@dataclass
class FakeTranscriber:
    """Says which words of which segments it was given; a part of a segment gives a part of its words."""

    segments: Sequence[Segment]
    fails: int = 0
    seconds: float = TRANSCRIBE_SECONDS
    error: Exception = field(
        default_factory=lambda: TranscriberError("transcriber-failed", "I could not make out what you said.")
    )
    received: list[str] = field(default_factory=list)
    language: str = "en"

    async def warm(self) -> None:
        return None

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        await anyio.sleep(self.seconds)
        if self.fails:
            self.fails -= 1
            raise self.error
        words: list[str] = []
        for number, segment in enumerate(self.segments, 1):
            share = np.count_nonzero(samples == number) / 16_000 / (segment.end - segment.start)
            parts = segment.text.split()
            words += parts if share > 0.9 else parts[: math.floor(share * len(parts))]
        self.received.append(" ".join(words))
        return Transcript(self.received[-1], self.language)


@dataclass
class FakeChat:
    """Streams scripted replies word by word; an exception in the script is raised instead."""

    replies: list[str | Exception]
    seconds_per_word: float = 0.02
    received: list[list[Message]] = field(default_factory=list)
    cancelled: int = 0

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        return None

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        self.received.append(list(messages))
        reply = self.replies[min(len(self.received), len(self.replies)) - 1]
        finished = False
        try:
            await anyio.sleep(FIRST_TOKEN_SECONDS)
            if isinstance(reply, Exception):
                raise reply
            for word in reply.split(" "):
                yield f"{word} "
                await anyio.sleep(self.seconds_per_word)
            finished = True
        finally:
            self.cancelled += not finished


@dataclass
class FakeSynthesizer:
    """Speech of a length that fits the text; fails on texts that `fails_on` likes."""

    fails_on: Callable[[str], bool] = lambda _: False
    seconds: float = SYNTHESIZE_SECONDS
    piece_seconds: float = 0.0
    """It streams in pieces of this length; 0 is a sentence in one."""
    error: Exception = field(default_factory=lambda: SynthesizerError("voice-broke", "My voice broke."))
    received: list[str] = field(default_factory=list)

    async def warm(self) -> None:
        return None

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        self.received.append(text)
        await anyio.sleep(self.seconds)
        if self.fails_on(text):
            raise self.error
        sound = tone(200, len(text) * SECONDS_PER_CHARACTER, RATE_HZ)
        step = round(self.piece_seconds * RATE_HZ) or len(sound)
        for start in range(0, len(sound), step):
            await anyio.lowlevel.checkpoint()
            yield sound[start : start + step], RATE_HZ


@dataclass
class FakeSpeaker:
    """Plays on the virtual clock, with the queue and the latency of a real one."""

    broken_calls: set[str] = field(default_factory=set)
    """Which of `begin`, `play`, `drain`, `stop` and `duck` fail."""
    error: Exception = field(default_factory=lambda: DeviceError("speaker-lost", "The speaker is gone."))
    talked_over: int = 0
    """Replies that began while another was audible."""
    played: list[str] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    stopped_at: list[float] = field(default_factory=list)
    _spans: list[tuple[float, float]] = field(default_factory=list)

    def _call(self, name: str) -> None:
        if name in self.broken_calls:
            raise self.error

    def begin(self) -> None:
        self._call("begin")
        self.talked_over += bool(self._spans) and self._spans[-1][1] > anyio.current_time() + 1e-6
        self._spans = []

    async def play(self, clip: Clip) -> None:
        self._call("play")
        now = anyio.current_time()
        start = max(self._spans[-1][1] if self._spans else 0.0, now + SPEAKER_LATENCY_SECONDS)
        self._spans.append((start, start + clip.seconds))
        self.played.append(clip.text)
        await anyio.sleep(max(0.0, self._spans[-1][1] - SPEAKER_QUEUE_SECONDS - now))

    async def drain(self) -> None:
        self._call("drain")
        await anyio.sleep(max(0.0, self._spans[-1][1] - anyio.current_time()) if self._spans else 0.0)

    def stop(self) -> float:
        now = anyio.current_time()
        self.stopped_at.append(now)
        heard = sum(max(0.0, min(end, now) - start) for start, end in self._spans)
        self._spans = []
        self._call("stop")
        return heard

    def duck(self, gain: float) -> None:
        self._call("duck")
        self.gains.append(gain)

    @property
    def quiet(self) -> bool:
        """Nothing can be heard, or will be."""
        return not self._spans or self._spans[-1][1] <= anyio.current_time() + 1e-6

    @property
    def audible_since(self) -> float | None:
        return self._spans[0][0] if self._spans and self._spans[0][0] <= anyio.current_time() else None


@dataclass
class FakeEndOfTurn:
    probability: float

    async def warm(self) -> None:
        return None

    async def completeness(self, samples: Pcm16) -> float:
        await anyio.sleep(0.05)
        return self.probability


@dataclass
class LampAgent:
    """Switches a lamp, slowly, when asked for it; leaves all else to another agent."""

    other: Agent
    seconds: float = 0.0
    error: Exception | None = None
    filler: str = ""
    switched: int = 0

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        if "lamp" in text:
            turn.begun(self.filler)
            yield await turn.act("switch_lamp", {}, self._switch)
            return
        async with aclosing(self.other.reply(text, turn)) as deltas:
            async for delta in deltas:
                yield delta

    async def _switch(self) -> str:
        await anyio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        self.switched += 1
        return "The lamp is on."


class FakeModels:
    """A memory plan without models; scenarios have no use for more."""

    def snapshot(self) -> dict[str, Any]:
        return {}

    async def load(self, name: str) -> dict[str, Any]:
        raise AssertionError(name)

    async def unload(self, name: str) -> dict[str, Any]:
        raise AssertionError(name)

    async def pull(self, name: str) -> AsyncGenerator[ModelPulled, None]:
        yield ModelPulled(0.0, name, "success", 0, 0)

    async def list(self) -> list[dict[str, Any]]:
        return []


class NobodyLends:
    """A ledger that nobody asks."""

    def lease(self, role: str, *, priority: int, patience_seconds: float) -> AbstractAsyncContextManager[Leased]:
        raise AssertionError(role)
