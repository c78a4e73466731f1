"""Devices that are not there: silence in, nothing out, both in real time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from itertools import repeat

import numpy as np
from anyio.lowlevel import checkpoint

from voxspark.devices.clocked import ClockedSpeaker, paced
from voxspark.protocols import Clock
from voxspark.types import CHUNK_SAMPLES, Chunk


class NullMicrophone:
    """Endless silence."""

    description = "null"
    dropped_seconds = 0.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def chunks(self) -> AsyncGenerator[Chunk, None]:
        """A chunk of zeros every 32 ms."""
        return paced(repeat(np.zeros(CHUNK_SAMPLES, np.int16)), self._clock)

    async def aclose(self) -> None:
        """See `retry.OpenMicrophone`."""
        await checkpoint()


class NullSpeaker(ClockedSpeaker):
    """Paces like a real one and throws everything away."""

    description = "null"

    def __init__(self, clock: Clock, queue_seconds: float = 0.2) -> None:
        super().__init__(clock, 24_000, queue_seconds)
