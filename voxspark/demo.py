"""The demo: recorded questions into the real pipeline in real time, answers out of it aloud and into a WAV.

Everything between the devices is what the daemon runs every day.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from importlib.resources import files
from pathlib import Path

import anyio
import click
import numpy as np

from voxspark import audio
from voxspark.config import Config
from voxspark.config_tools import MemorySettings
from voxspark.console import describe
from voxspark.daemon import error_of, run_daemon
from voxspark.devices.file import FileSpeaker
from voxspark.devices.open import open_speaker
from voxspark.devices.retry import OpenSpeaker
from voxspark.devices.tee import TeeSpeaker
from voxspark.errors import DeviceError, VoxSparkError
from voxspark.events import Event, Failed, TurnEnded
from voxspark.protocols import Clock, Microphone, Speaker
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Pcm16

PAUSE_SECONDS = 0.8
"""Quiet between an answer and the next question."""

PATIENCE_SECONDS = 30.0
"""A question that is not answered by then has failed."""

ROOM_LEVEL = 10
"""Noise under the questions, in 16-bit steps (about -70 dBFS): a real microphone never gives zeros."""


class Questions:
    """A microphone that asks one question after the other, each when the one before has been answered."""

    def __init__(self, questions: list[Pcm16], clock: Clock) -> None:
        self._questions = questions
        self._clock = clock
        self._answered = anyio.Event()
        self.dropped_seconds = 0.0

    def answered(self) -> None:
        """The current question has its answer."""
        self._answered.set()

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """See `protocols.Microphone`."""
        begun, sent = self._clock(), 0
        room = np.random.default_rng(1)
        for question in self._questions:
            self._answered = anyio.Event()
            waited, quiet, position = 0.0, 0.0, 0
            while quiet < PAUSE_SECONDS:
                piece = question[position : position + CHUNK_SAMPLES]
                position += CHUNK_SAMPLES
                samples = room.integers(-ROOM_LEVEL, ROOM_LEVEL, CHUNK_SAMPLES, np.int16, endpoint=True)
                samples[: len(piece)] += piece
                at = begun + sent * CHUNK_SECONDS
                sent += 1
                await anyio.sleep(max(0.0, begun + sent * CHUNK_SECONDS - self._clock()))
                yield Chunk(samples, at)
                if not len(piece):
                    waited += CHUNK_SECONDS
                    quiet += CHUNK_SECONDS if self._answered.is_set() else 0.0
                if waited > PATIENCE_SECONDS:
                    raise VoxSparkError("demo-unanswered", "A question got no answer.", "Run: voxspark run --json")


async def run_demo(config: Config, output: Path, tell: Callable[[str], None]) -> None:
    """Ask all questions; the answers go to the speaker, where there is one, and to `output`.

    Raises VoxSparkError when a question was not answered.
    """
    folder = files("voxspark") / "demo_questions"
    questions = [audio.read_speech(wav.read_bytes()) for wav in sorted(folder.iterdir(), key=lambda f: f.name)]
    source: Questions | None = None
    speakers: list[OpenSpeaker] = []
    answered = 0

    async def devices(clock: Clock) -> tuple[Microphone, Speaker]:
        nonlocal source
        source = Questions(questions, clock)
        speakers.extend(await _open_speakers(config, output, clock))
        return source, TeeSpeaker(*speakers) if len(speakers) > 1 else speakers[0]

    def watch(event: Event) -> None:
        nonlocal answered
        if isinstance(event, TurnEnded) and (text := describe(event, with_waterfall=True)):
            click.echo(f"\n{text}")
        if isinstance(event, TurnEnded) and event.outcome == "answered" and source is not None:
            answered += 1
            source.answered()
        elif isinstance(event, Failed):
            raise error_of(event)

    devices_of_demo = config.devices.model_copy(update={"microphone": "file:demo"})
    quiet = config.model_copy(update={"devices": devices_of_demo, "memory": MemorySettings(conversation_days=0)})
    try:
        await run_daemon(quiet, once=True, serve=False, tell=tell, watch=watch, devices=devices)
    finally:
        for speaker in speakers:
            speaker.close()
    if answered < len(questions):
        raise VoxSparkError("demo-unanswered", f"{answered} of {len(questions)} questions were answered.", "")
    click.echo(f"\n{answered} questions answered. Listen to it: {output}")


async def _open_speakers(config: Config, output: Path, clock: Clock) -> list[OpenSpeaker]:
    """The default speaker, where there is one, and the file."""
    file = FileSpeaker(output, clock)
    try:
        return [await open_speaker(config.devices, clock), file]
    except DeviceError as error:
        click.echo(f"({error.message} The answers go to {output}.)")
        return [file]
