"""Scenarios on a jumping clock: a timeline of what people and models do, and the events that follow.

    result = Scenario().user(0.5, 2.5, "what is the capital of France").model("Paris.").run()

Everything but the outermost parts is real: listener, endpointer, judges, turn, assistant, agent, intents, timers. The
outermost are written by hand below and record what they received. Voiced chunks are filled with the number of the
speech segment they belong to, so that the fake transcriber knows by content what it was given.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import anyio
import numpy as np

from tests.virtual_time import run_virtual
from voxspark.agent.agent import LocalFirstAgent
from voxspark.agent.intents import Intents
from voxspark.agent.prompt import Prompt
from voxspark.assistant import Assistant
from voxspark.bus import EventBus
from voxspark.compose import make_toolbox
from voxspark.config import Config, load_config
from voxspark.errors import DeviceError, SynthesizerError, TranscriberError, VoxSparkError
from voxspark.events import Event, TurnEnded
from voxspark.listening.listener import Listener
from voxspark.memory.history import History
from voxspark.parts import AssistantParts
from voxspark.tools.timers import Timers
from voxspark.types import (
    CHUNK_SAMPLES,
    CHUNK_SECONDS,
    Asked,
    Chunk,
    Clip,
    Message,
    Pcm,
    Pcm16,
    Pressed,
    Released,
    SayRequested,
    ShutdownRequested,
    StopRequested,
    Transcript,
)

E = TypeVar("E", bound=Event)

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


@dataclass
class FakeMicrophone:
    """Chunks in virtual time, filled with the 1-based number of the segment that is being spoken."""

    segments: Sequence[Segment]
    seconds: float
    dropped_seconds: float = 0.0

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        begun = anyio.current_time()
        for position in range(int(self.seconds / CHUNK_SECONDS)):
            at = position * CHUNK_SECONDS
            await anyio.sleep_until(begun + at + CHUNK_SECONDS)
            speaking = (n for n, s in enumerate(self.segments, 1) if s.start <= at + CHUNK_SECONDS / 2 < s.end)
            yield Chunk(np.full(CHUNK_SAMPLES, next(speaking, 0), np.int16), at)


class FakeGate:
    def open(self, samples: Pcm16) -> bool:
        return bool(samples[0])


class FakeActivity:
    def probability(self, samples: Pcm16) -> float:
        return 1.0 if samples[0] else 0.0

    def reset(self) -> None:
        return None


@dataclass
class FakeTranscriber:
    """Says which words of which segments it was given; a part of a segment gives a part of its words."""

    segments: Sequence[Segment]
    fails: int = 0
    received: list[str] = field(default_factory=list)

    async def warm(self) -> None:
        return None

    async def transcribe(self, samples: Pcm16) -> Transcript:
        await anyio.sleep(TRANSCRIBE_SECONDS)
        if self.fails:
            self.fails -= 1
            raise TranscriberError("transcriber-failed", "I could not make out what you said.")
        words: list[str] = []
        for number, segment in enumerate(self.segments, 1):
            share = np.count_nonzero(samples == number) / 16_000 / (segment.end - segment.start)
            parts = segment.text.split()
            words += parts if share > 0.9 else parts[: math.floor(share * len(parts))]
        self.received.append(" ".join(words))
        return Transcript(self.received[-1])


@dataclass
class FakeChat:
    """Streams scripted replies word by word; an exception in the script is raised instead."""

    replies: list[str | VoxSparkError]
    seconds_per_word: float = 0.02
    received: list[list[Message]] = field(default_factory=list)
    cancelled: int = 0

    async def warm(self, messages: Sequence[Message]) -> None:
        return None

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        self.received.append(list(messages))
        reply = self.replies[min(len(self.received), len(self.replies)) - 1]
        finished = False
        try:
            await anyio.sleep(FIRST_TOKEN_SECONDS)
            if isinstance(reply, VoxSparkError):
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
    received: list[str] = field(default_factory=list)

    async def warm(self) -> None:
        return None

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        self.received.append(text)
        await anyio.sleep(self.seconds)
        if self.fails_on(text):
            raise SynthesizerError("voice-broke", "My voice broke.")
        yield np.full(int(len(text) * SECONDS_PER_CHARACTER * RATE_HZ), 0.1, np.float32), RATE_HZ


@dataclass
class FakeSpeaker:
    """Plays on the virtual clock, with the queue and the latency of a real one."""

    broken: bool = False
    played: list[str] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    stopped_at: list[float] = field(default_factory=list)
    _spans: list[tuple[float, float]] = field(default_factory=list)

    def begin(self) -> None:
        self._spans = []

    async def play(self, clip: Clip) -> None:
        if self.broken:
            raise DeviceError("speaker-lost", "The speaker is gone.")
        now = anyio.current_time()
        start = max(self._spans[-1][1] if self._spans else 0.0, now + SPEAKER_LATENCY_SECONDS)
        self._spans.append((start, start + clip.seconds))
        self.played.append(clip.text)
        await anyio.sleep(max(0.0, self._spans[-1][1] - SPEAKER_QUEUE_SECONDS - now))

    async def drain(self) -> None:
        await anyio.sleep(max(0.0, self._spans[-1][1] - anyio.current_time()) if self._spans else 0.0)

    def stop(self) -> float:
        now = anyio.current_time()
        self.stopped_at.append(now)
        heard = sum(max(0.0, min(end, now) - start) for start, end in self._spans)
        self._spans = []
        return heard

    def duck(self, gain: float) -> None:
        self.gains.append(gain)

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
class Result:
    """What a scenario led to."""

    events: list[Event]
    history: History
    chat: FakeChat
    speaker: FakeSpeaker
    synthesizer: FakeSynthesizer
    transcriber: FakeTranscriber
    timers: Timers

    def of(self, kind: type[E]) -> list[E]:
        """The events of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ended(self) -> list[TurnEnded]:
        return self.of(TurnEnded)

    @property
    def heard_turns(self) -> list[TurnEnded]:
        """Turns that were not thrown away unheard."""
        return [event for event in self.ended if event.outcome not in ("withdrawn", "empty")]


class Scenario:
    """A timeline, built by chaining; times are seconds on the audio clock."""

    def __init__(self, **settings: Any) -> None:
        self._config: Config = load_config(environ={}, overrides={"profile": "embedded", **settings})
        self._segments: list[Segment] = []
        self._signals: list[tuple[float, Any]] = []
        self._replies: list[str | VoxSparkError] = []
        self._completeness = 0.95
        self._probes: list[tuple[float, Callable[[Assistant], None]]] = []
        self.transcriber_fails = 0
        self.synthesizer = FakeSynthesizer()
        self.speaker = FakeSpeaker()

    def user(self, start: float, end: float, text: str) -> Scenario:
        """Somebody speaks."""
        self._segments.append(Segment(start, end, text))
        return self

    def model(self, *replies: str | VoxSparkError) -> Scenario:
        """What the language model answers, turn by turn; the last one again and again."""
        self._replies += replies
        return self

    def sounds(self, completeness: float) -> Scenario:
        """What the end-of-turn model says."""
        self._completeness = completeness
        return self

    def press(self, at: float) -> Scenario:
        """Push-to-talk goes down."""
        return self._signal(at, Pressed(at))

    def release(self, at: float) -> Scenario:
        """Push-to-talk comes up."""
        return self._signal(at, Released(at))

    def ask(self, at: float, text: str, aloud: bool = True) -> Scenario:
        """A question from the socket."""
        return self._signal(at, Asked(f"r{at}", text, aloud))

    def say(self, at: float, text: str) -> Scenario:
        """A text to be spoken."""
        return self._signal(at, SayRequested(f"r{at}", text))

    def stop(self, at: float) -> Scenario:
        """Stop, from the socket or the hotkey."""
        return self._signal(at, StopRequested())

    def probe(self, at: float, look: Callable[[Assistant], None]) -> Scenario:
        """Look at the assistant at some moment."""
        self._probes.append((at, look))
        return self

    def _signal(self, at: float, signal: Any) -> Scenario:
        self._signals.append((at, signal))
        return self

    def run(self, seconds: float = 20.0) -> Result:
        """Play the timeline to its end."""
        result: Result = run_virtual(self._run, seconds)
        return result

    async def _run(self, seconds: float) -> Result:
        begun = anyio.current_time()

        def clock() -> float:
            return anyio.current_time() - begun

        bus, history, timers = EventBus(), History(2_000), Timers(clock)
        chat = FakeChat(self._replies or ["I do not know."])
        transcriber = FakeTranscriber(self._segments, self.transcriber_fails)
        toolbox = make_toolbox(timers, lambda: datetime(2026, 11, 24, 10, 5, tzinfo=UTC))
        agent = LocalFirstAgent(
            Intents(toolbox), toolbox, chat, Prompt("You are brief.", None), history, lambda: _dismiss(timers)
        )
        parts = AssistantParts(
            config=self._config,
            clock=clock,
            bus=bus,
            microphone=FakeMicrophone(self._segments, seconds),
            speaker=self.speaker,
            listener=Listener(self._config.listening, FakeGate(), FakeActivity()),
            transcriber=transcriber,
            synthesizer=self.synthesizer,
            end_of_turn=FakeEndOfTurn(self._completeness),
            agent=agent,
            history=history,
            timers=timers,
        )
        assistant = Assistant(parts)
        seen: list[Event] = []
        async with anyio.create_task_group() as group, bus.subscribe(100_000) as events:
            group.start_soon(_collect, events, seen)
            group.start_soon(self._play, assistant, begun)
            group.start_soon(_end, assistant, begun + seconds)
            await assistant.run()
            await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        return Result(seen, history, chat, self.speaker, self.synthesizer, transcriber, timers)

    async def _play(self, assistant: Assistant, begun: float) -> None:
        timeline = [(at, partial(assistant.post, signal)) for at, signal in self._signals]
        timeline += [(at, partial(look, assistant)) for at, look in self._probes]
        for at, do in sorted(timeline, key=lambda entry: entry[0]):
            await anyio.sleep_until(begun + at)
            do()


def _dismiss(timers: Timers) -> None:
    timers.dismiss()


async def _collect(events: Any, seen: list[Event]) -> None:
    async for event in events:
        seen.append(event)  # noqa: PERF401 - what was seen must be there when this is cancelled


async def _end(assistant: Assistant, at: float) -> None:
    await anyio.sleep_until(at)
    assistant.post(ShutdownRequested("the scenario is over"))
