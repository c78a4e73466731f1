"""From the blocks of an audio callback to chunks: a bounded queue, and a cutter that keeps the time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import anyio
import numpy as np
from numpy.typing import NDArray

from voxspark.audio import mono, to_pcm16
from voxspark.devices.dating import Steps
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, Pcm

GAP_SECONDS = 0.5
"""A block this much later than its sample count follows a gap; jitter of callbacks stays far below."""

DRIFT_GAIN = 0.001
"""Part of the time error corrected per block: settles in about 10 s, so jitter averages out and the drift of a sound
card (some 100 ppm, seconds a day) does not add up."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What one callback delivered."""

    frames: NDArray[np.float32]
    """Shape (n, channels)."""
    captured_at: float
    """`time.monotonic()` of the first frame."""
    after_gap: bool = False
    """Audio before this block was lost."""


class CaptureQueue:
    """Blocks from the audio thread to the loop, bounded in frames; when it is full the oldest go."""

    def __init__(self, max_frames: int, loop: asyncio.AbstractEventLoop) -> None:
        self._max_frames = max_frames
        self._blocks: deque[Block] = deque()
        self._frames = 0
        self._lock = threading.Lock()
        self._loop = loop
        self._wake = asyncio.Event()
        self._woken = self._finished = False

    def put(self, block: Block) -> None:
        """Audio thread: append, never wait."""
        with self._lock:
            self._blocks.append(block)
            self._frames += len(block.frames)
            while self._frames > self._max_frames and len(self._blocks) > 1:
                self._frames -= len(self._blocks.popleft().frames)
                self._blocks[0] = replace(self._blocks[0], after_gap=True)
        self._notify()

    def finish(self) -> None:
        """Any thread: there will be no more blocks."""
        self._finished = True
        self._notify()

    @property
    def finished(self) -> bool:
        """There will be no more blocks."""
        return self._finished

    async def take(self, patience_seconds: float) -> list[Block]:
        """All blocks there are, waiting for the first; empty when none came in time or the stream has finished."""
        with anyio.move_on_after(patience_seconds):
            while True:
                self._wake.clear()
                self._woken = False
                if self._blocks or self._finished:
                    break
                await self._wake.wait()
        with self._lock:
            blocks = list(self._blocks)
            self._blocks.clear()
            self._frames = 0
        return blocks

    def _notify(self) -> None:
        if not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to wake
                self._loop.call_soon_threadsafe(self._wake.set)


class ChunkCutter:
    """Downmixes, resamples to 16 kHz and cuts into chunks, which it dates by counting samples.

    The count starts again from the block's own time after a gap, and follows the clock's drift slowly otherwise.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._resampler: Any = None
        self._rest: Pcm = np.zeros(0, np.float32)
        self._origin: float | None = None
        self._frames = self._cut = 0
        self._end = 0.0
        self._steps = Steps()
        self.lost_seconds = 0.0
        """Audio missing so far, by the times of the blocks around each gap."""

    def feed(self, block: Block, offset: float) -> Iterator[Chunk]:
        """Chunks that this block completes; `offset` turns the block's time into the audio clock's."""
        captured_at = block.captured_at + offset
        if self._origin is None:
            self._restart(captured_at)
        else:
            error = captured_at - (self._origin + self._frames / self._rate)
            if block.after_gap or error > GAP_SECONDS:
                self.lost_seconds += max(0.0, error)
                self._restart(captured_at)
            else:
                self._origin += self._steps.find(captured_at, error) or DRIFT_GAIN * error
        self._frames += len(block.frames)
        self._rest = np.concatenate((self._rest, self._resample(mono(block.frames))))
        while len(self._rest) >= CHUNK_SAMPLES:
            at = self._at_cut()
            samples, self._rest = self._rest[:CHUNK_SAMPLES], self._rest[CHUNK_SAMPLES:]
            self._cut += CHUNK_SAMPLES
            self._end = at + CHUNK_SECONDS
            yield Chunk(to_pcm16(samples), at)

    def _at_cut(self) -> float:
        assert self._origin is not None
        return self._origin + self._cut / SAMPLE_RATE_HZ

    def _restart(self, captured_at: float) -> None:
        self._origin = max(captured_at, self._end) if self._origin is not None else captured_at
        self._frames = self._cut = 0
        self._steps.clear()
        self._rest = self._rest[:0]
        self._resampler = None

    def _resample(self, samples: Pcm) -> Pcm:
        if self._rate == SAMPLE_RATE_HZ:
            return samples
        if self._resampler is None:
            import soxr

            self._resampler = soxr.ResampleStream(self._rate, SAMPLE_RATE_HZ, 1, dtype="float32")
        return np.asarray(self._resampler.resample_chunk(np.ascontiguousarray(samples)), dtype=np.float32)
