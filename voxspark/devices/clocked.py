"""Devices without a sound card: the audio clock says when a sample is heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

import anyio
from anyio.lowlevel import checkpoint

from voxspark.devices.playback import Playback, QueuedSpeaker
from voxspark.protocols import Clock
from voxspark.types import CHUNK_SECONDS, Chunk, Pcm, Pcm16


async def paced(pieces: Iterable[Pcm16], clock: Clock) -> AsyncGenerator[Chunk, None]:
    """Each piece of 512 samples as a chunk, delivered when its last sample would have been captured."""
    start = clock()
    for n, samples in enumerate(pieces):
        wait = start + (n + 1) * CHUNK_SECONDS - clock()
        await (anyio.sleep(wait) if wait > 0 else checkpoint())
        yield Chunk(samples, start + n * CHUNK_SECONDS)


class ClockedSpeaker(QueuedSpeaker):
    """A speaker whose sample k is heard at clock second k / rate.

    Nothing runs in the background: every call first plays what the clock says has been heard by now.
    """

    def __init__(self, clock: Clock, sample_rate_hz: int, queue_seconds: float = 0.2) -> None:
        super().__init__(clock, Playback(sample_rate_hz, queue_seconds))
        self._position = 0

    def _write(self, position: int, samples: Pcm) -> None:
        """Take samples that were heard, the first of which is sample `position` of the clock."""

    def _advance(self) -> None:
        if self._closed:
            return
        rate = self._playback.sample_rate_hz
        now = int(self._clock() * rate)
        heard = min(now - self._position, self._playback.pending)
        if heard > 0:
            self._write(self._position, self._playback.pull(heard, self._position / rate))
        self._position = max(self._position, now)
