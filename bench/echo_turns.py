"""The real Assistant on a loudspeaker in a simulated room: does it interrupt itself, and how soon does somebody?

Used by `bench/echo.py` and `tests/test_echo_real.py`. Gate, Silero, tiny.en, canceller, policy and the embedded voice
are the real ones; the clock jumps, and a transcript takes what it takes on two quiet cores.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import anyio
import numpy as np

from bench.overlaps import PacedTranscriber, clock_from_now, in_no_time, parts_of
from tests.echo_room import SPEAKER_HZ, Cards, Microphone, Room
from voxspark.assistant import Assistant
from voxspark.audio import to_float, to_pcm16
from voxspark.config_listening import EchoSettings
from voxspark.devices.echo.duplex import Duplex
from voxspark.devices.echo.far_end import FarEnd
from voxspark.devices.playback import Playback, QueuedSpeaker
from voxspark.events import Event, SpeechStarted, TurnEnded, TurnStarted, VolumeDucked
from voxspark.protocols import Synthesizer
from voxspark.types import (
    CHUNK_SAMPLES,
    CHUNK_SECONDS,
    SAMPLE_RATE_HZ,
    Chunk,
    Pcm,
    SayRequested,
    ShutdownRequested,
    StopRequested,
)

QUEUE_SECONDS = 0.2
"""As `devices.queue_seconds`."""

AHEAD_SECONDS = 2.5
"""It speaks for about that long before somebody interrupts."""

WITHIN_SECONDS = 4.0
"""After that nobody was noticed."""


class RoomMicrophone:
    """What the room makes of the speaker, and somebody in it."""

    dropped_seconds = 0.0

    def __init__(self, cards: Cards, air: Microphone, near: Pcm) -> None:
        self._cards = cards
        self._air = air
        self._near = near

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """See `protocols.Microphone`."""
        begun = anyio.current_time()
        chunks = self._cards.chunks(None, self._near)
        for number in range(len(self._near) // CHUNK_SAMPLES):
            await anyio.sleep_until(begun + (number + 1) * CHUNK_SECONDS)
            chunk = next(chunks)
            yield Chunk(to_pcm16(to_float(chunk.samples) + self._air.hear(CHUNK_SAMPLES)), chunk.at)


class ReadyVoice:
    """A synthesizer that takes no time on the jumping clock, and says the same text the same way."""

    def __init__(self, voice: Synthesizer) -> None:
        self._voice = voice
        self._said: dict[str, list[tuple[Pcm, int]]] = {}

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """See `protocols.Synthesizer`."""
        if text not in self._said:
            self._said[text] = await in_no_time(lambda: self._all(text))
        for piece in self._said[text]:
            yield piece

    async def warm(self) -> None:
        """See `protocols.Synthesizer`."""
        await in_no_time(self._voice.warm)

    async def _all(self, text: str) -> list[tuple[Pcm, int]]:
        async with aclosing(self._voice.synthesize(text)) as pieces:
            return [piece async for piece in pieces]


@dataclass
class Scene:
    """A room, and what happened in it."""

    room: Room
    voice: Synthesizer
    ears: PacedTranscriber
    events: list[Event] = field(default_factory=list)

    async def run(self, near: Pcm, script: Callable[[Assistant], Awaitable[None]]) -> None:
        """Live through `near` (16 kHz) and what else the room does; the script says what is to be said."""
        far_end, air = FarEnd(), Microphone(self.room)

        def played(samples: Pcm, rate: int, heard_at: float) -> None:
            far_end.played(samples, rate, heard_at)
            air.played(samples, rate, heard_at)

        cards, clock = Cards(played), clock_from_now()
        cards.playback = Playback(SPEAKER_HZ, QUEUE_SECONDS, played)
        speaker = QueuedSpeaker(clock, cards.playback)
        parts = parts_of(RoomMicrophone(cards, air, near), speaker, self.voice, self.ears, clock)

        async def yielding(_work: object) -> None:
            return None

        echo = Duplex(
            EchoSettings(mode="full"),
            far_end,
            speaker,
            lambda _event: None,
            clock,
            subscribe=lambda: parts.bus.subscribe(1_000),
            yielding=yielding,
        )
        async with anyio.create_task_group() as group, parts.bus.subscribe(100_000) as events:
            assistant = Assistant(replace(parts, echo=echo))
            group.start_soon(assistant.run)

            async def note() -> None:
                async for event in events:
                    self.events.append(event)

            group.start_soon(note)
            with anyio.move_on_after(len(near) / SAMPLE_RATE_HZ - CHUNK_SECONDS):
                await script(assistant)
                await anyio.sleep_forever()
            assistant.post(ShutdownRequested("the scene is over"))
            await anyio.sleep(1)
            group.cancel_scope.cancel()


@dataclass(frozen=True, slots=True)
class OwnSpeech:
    """What became of what it said while nobody was there."""

    said: int
    interrupted: int
    """Apart from what the end of the measurement cut off."""
    turns: int
    """More than said: it has answered itself."""
    heard: int
    """How often something counted as speech."""
    ducked: int


async def alone(scene: Scene, sentences: Sequence[str], seconds: float) -> OwnSpeech:
    """It says all of these, again and again."""
    said = 0

    async def speak(assistant: Assistant) -> None:
        nonlocal said
        while True:
            assistant.post(SayRequested(f"say{said}", sentences[said % len(sentences)]))
            said += 1
            await anyio.sleep(0.5)
            while assistant.live is not None or assistant.waiting:
                await anyio.sleep(0.1)

    await scene.run(scene.room.noise(round(seconds * SAMPLE_RATE_HZ)), speak)
    end = seconds - 2 * CHUNK_SECONDS
    cut = [event for event in scene.events if isinstance(event, TurnEnded) and event.outcome == "interrupted"]
    ducks = [event for event in scene.events if isinstance(event, VolumeDucked) and event.gain < 1]
    return OwnSpeech(
        said,
        sum(event.at < end for event in cut),
        sum(isinstance(event, TurnStarted) for event in scene.events),
        sum(isinstance(event, SpeechStarted) for event in scene.events),
        len(ducks),
    )


async def interrupted(scene: Scene, sentences: Sequence[str], words: Sequence[Pcm], every: float = 9.0) -> list[float]:
    """Seconds from the first sample of each of these words (16 kHz) to the end of the reply; infinite where nobody was
    noticed. Before each it has begun to say something long."""
    starts = [(n + 0.5) * every for n in range(len(words))]
    near = scene.room.noise(round((len(words) * every + 1) * SAMPLE_RATE_HZ))
    for start, sound in zip(starts, words, strict=True):
        near[(place := round(start * SAMPLE_RATE_HZ)) : place + len(sound)] += sound

    async def speak(assistant: Assistant) -> None:
        begun = anyio.current_time()
        for n, start in enumerate(starts):
            await anyio.sleep_until(begun + start - AHEAD_SECONDS)
            text = " ".join(np.roll(sentences, -3 * n)[:4])
            assistant.post(SayRequested(f"say{n}", text))
            await anyio.sleep_until(begun + start + WITHIN_SECONDS)
            assistant.post(StopRequested("enough"))

    await scene.run(near, speak)
    cuts = [event.at for event in scene.events if isinstance(event, TurnEnded) and event.outcome == "interrupted"]
    return [
        min((cut - start for cut in cuts if 0 <= cut - start < WITHIN_SECONDS - CHUNK_SECONDS), default=math.inf)
        for start in starts
    ]
