"""The sound card, through PortAudio. Its callbacks copy samples and wake the loop, and do nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Any

import anyio

from voxspark.devices.capture import Block, CaptureQueue, ChunkCutter
from voxspark.devices.playback import Playback, QueuedSpeaker
from voxspark.devices.sound_host import Kind, OpenStream, SoundHost
from voxspark.errors import DeviceError
from voxspark.protocols import Clock
from voxspark.types import Chunk, Clip

CAPTURE_SECONDS = 2.0
"""Audio kept for a reader that is late."""

SILENT_SECONDS = 2.0
"""A device whose callback was not called for this long is gone, whatever PortAudio says."""

PLAUSIBLE_SECONDS = 1.0
"""Latencies above this are a driver's mistake."""


class PortAudioMicrophone:
    """A microphone at its own rate and channels, heard as mono 16 kHz."""

    def __init__(self, name: str, clock: Clock, host: SoundHost) -> None:
        self.description = name
        self._name = name
        self._clock = clock
        self._host = host
        self._stream: OpenStream | None = None
        self._queue: CaptureQueue
        self._cutter: ChunkCutter
        self.dropped_seconds = 0.0

    async def open(self) -> None:
        """Start capturing. Raises DeviceError."""
        loop = asyncio.get_running_loop()

        def prepare(sample_rate_hz: int) -> Any:
            self._cutter = ChunkCutter(sample_rate_hz)
            self._queue = CaptureQueue(round(CAPTURE_SECONDS * sample_rate_hz), loop)
            self._sample_rate_hz = sample_rate_hz
            return self._callback

        self._stream = await self._host.open("microphone", self._name, prepare, lambda: self._queue.finish())
        self.description = f"{self._stream.name}, {self._stream.sample_rate_hz} Hz"

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Every chunk, from when the device was opened. Raises DeviceError when it goes away."""
        if self._stream is None:
            await self.open()
        try:
            while blocks := await self._queue.take(SILENT_SECONDS):
                offset = self._clock() - time.monotonic()
                for block in blocks:
                    for chunk in self._cutter.feed(block, offset):
                        self.dropped_seconds = self._cutter.lost_seconds
                        yield chunk
        finally:
            self.close()
        raise _lost("microphone", self._name)

    async def aclose(self) -> None:
        """Stop capturing; returns when the device has really gone."""
        self.close()
        await self._host.settled()

    def close(self) -> None:
        """Stop capturing, without waiting."""
        if self._stream is not None:
            self._host.close(self._stream)
            self._stream = None

    def _callback(self, data: Any, frames: int, time_info: Any, status: Any) -> None:
        age = time_info.currentTime - time_info.inputBufferAdcTime
        shortest = frames / self._sample_rate_hz
        captured_at = time.monotonic() - (age if shortest <= age <= PLAUSIBLE_SECONDS else shortest)
        self._queue.put(Block(data.copy(), captured_at, bool(status.input_overflow)))


class PortAudioSpeaker(QueuedSpeaker):
    """A speaker at its own rate, mono on every channel, kept open between replies."""

    def __init__(self, name: str, clock: Clock, queue_seconds: float, host: SoundHost) -> None:
        super().__init__(clock, Playback(48_000, queue_seconds))
        self.description = name
        self._name = name
        self._queue_seconds = queue_seconds
        self._host = host
        self._stream: OpenStream | None = None
        self._opening = anyio.Lock()
        self._gone = anyio.Event()
        self._latency_seconds = 0.0
        self._called_at = 0.0

    async def open(self) -> None:
        """Start the device; it plays silence until there is something to say. Raises DeviceError."""
        loop = asyncio.get_running_loop()

        def prepare(sample_rate_hz: int) -> Any:
            if sample_rate_hz != self._playback.sample_rate_hz:
                self._playback = Playback(sample_rate_hz, self._queue_seconds)
            self._called_at = time.monotonic()
            return self._callback

        def finished() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                loop.call_soon_threadsafe(self._gone.set)

        async with self._opening:
            if self._stream is None:
                self._stream = await self._host.open("speaker", self._name, prepare, finished)
                self._latency_seconds = self._stream.latency_seconds
                self.description = f"{self._stream.name}, {self._stream.sample_rate_hz} Hz"
                self._host.releases.add(self._release_if_idle)

    async def play(self, clip: Clip) -> None:
        """Queue one clip, waiting for space; ends early when `stop()` drops the reply. Raises DeviceError."""
        if self._stream is None and not self._closed:
            try:
                await self.open()
            except DeviceError:
                self._gone.set()
                raise
        await super().play(clip)

    async def lost(self) -> DeviceError:
        """Return when the device goes away, with the reason."""
        while not self._is_gone():
            with anyio.move_on_after(SILENT_SECONDS / 4):
                await self._gone.wait()
        return _lost("speaker", self._name)

    def close(self) -> None:
        """Let the device go, without waiting."""
        super().close()
        self._host.releases.discard(self._release_if_idle)
        self._release()

    def _release(self) -> None:
        if self._stream is not None:
            self._host.close(self._stream)
            self._stream = None

    def _release_if_idle(self) -> None:
        if self._playback.remaining_seconds(self._now()) <= 0:
            self._release()

    def _now(self) -> float:
        return time.monotonic()

    def _check(self) -> None:
        if self._is_gone():
            raise _lost("speaker", self._name)
        super()._check()

    def _is_gone(self) -> bool:
        silent = self._stream is not None and time.monotonic() - self._called_at > SILENT_SECONDS
        return silent or self._gone.is_set()

    def _callback(self, data: Any, frames: int, time_info: Any, status: Any) -> None:
        self._called_at = time.monotonic()
        latency = time_info.outputBufferDacTime - time_info.currentTime
        if not 0 < latency <= PLAUSIBLE_SECONDS:
            latency = self._latency_seconds
        data[:] = self._playback.pull(frames, self._called_at + latency)[:, None]


def _lost(kind: Kind, name: str) -> DeviceError:
    return DeviceError(
        f"{kind}-lost",
        f"The default {kind} has gone." if name == "default" else f"The {kind} {name} has gone.",
        "Check its cable and the sound server; VoxSpark goes on when it is back.",
    )
