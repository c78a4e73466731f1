"""The daemon of the soak: the real one on the embedded engines, in a world that runs faster than life.

    python -m bench.soak_daemon SPEED

Its event loop's clock runs at SPEED times the machine's, so that everything that waits (silence after a question, the
reply as it is spoken, timers, retries) is that much shorter, while everything that computes takes as long as ever.
Lines on standard input: `speed N`, or the name of a recorded question, which is then spoken into the microphone.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from importlib.resources import files

import anyio
import numpy as np

from voxspark import audio
from voxspark.config import load_config
from voxspark.console import start_log
from voxspark.daemon import run_daemon
from voxspark.devices.clocked import paced
from voxspark.devices.null import NullSpeaker
from voxspark.protocols import Clock, Microphone, Speaker
from voxspark.types import CHUNK_SAMPLES, Chunk, Pcm16

ROOM_LEVEL = 10
"""Noise of the room in 16-bit steps, about -70 dBFS."""


class _SwiftSelector(selectors.DefaultSelector):
    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self.speed)


class SwiftLoop(asyncio.SelectorEventLoop):
    """Its seconds are `speed` to a second of the machine."""

    def __init__(self, speed: float) -> None:
        self._swift = _SwiftSelector()
        self._since = self._until = time.monotonic()
        super().__init__(self._swift)
        self.hurry(speed)

    def time(self) -> float:
        return self._until + (time.monotonic() - self._since) * self._swift.speed

    def hurry(self, speed: float) -> None:
        """Another speed from now on; the clock does not jump."""
        self._until, self._since = self.time(), time.monotonic()
        self._swift.speed = speed


class Room:
    """A microphone in a quiet room, in which standard input has questions spoken."""

    dropped_seconds = 0.0

    def __init__(self, clock: Clock, loop: SwiftLoop) -> None:
        self._clock = clock
        self._loop = loop
        folder = files("voxspark") / "demo_questions"
        self._questions = {wav.name: audio.read_speech(wav.read_bytes()) for wav in folder.iterdir()}
        self._noise = np.random.default_rng(1).integers(-ROOM_LEVEL, ROOM_LEVEL, 31 * CHUNK_SAMPLES, np.int16)
        self._spoken: deque[Pcm16] = deque()
        os.set_blocking(sys.stdin.fileno(), False)

    def chunks(self) -> AsyncGenerator[Chunk, None]:
        """See `protocols.Microphone`."""
        return paced(self._pieces(), self._clock)

    def _pieces(self) -> Iterator[Pcm16]:
        number = 0
        while True:
            number = (number + 1) % 31
            room = self._noise[number * CHUNK_SAMPLES : (number + 1) * CHUNK_SAMPLES]
            self._obey()
            yield room + self._spoken.popleft() if self._spoken else room.copy()

    def _obey(self) -> None:
        try:
            lines = os.read(sys.stdin.fileno(), 4096).decode().split("\n")
        except BlockingIOError:
            return
        for line in filter(None, lines):
            if line.startswith("speed "):
                self._loop.hurry(float(line.removeprefix("speed ")))
                continue
            samples = self._questions[line]
            padded = np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))
            self._spoken.extend(padded.reshape(-1, CHUNK_SAMPLES))


def main() -> None:
    """Until it is shut down through its socket."""
    speed = float(sys.argv[1])
    loops: list[SwiftLoop] = []

    def make_loop() -> SwiftLoop:
        loops.append(SwiftLoop(speed))
        return loops[-1]

    async def devices(clock: Clock) -> tuple[Microphone, Speaker]:
        return Room(clock, loops[-1]), NullSpeaker(clock)

    async def work() -> None:
        await run_daemon(load_config(), tell=lambda message: print(message, file=sys.stderr), devices=devices)

    start_log("info", as_json=False)
    anyio.run(work, backend_options={"loop_factory": make_loop})


if __name__ == "__main__":
    main()
