"""One speaker to hear, one to keep."""

from __future__ import annotations

import anyio

from voxspark.errors import DeviceError, root_cause
from voxspark.protocols import Speaker
from voxspark.types import Clip


class TeeSpeaker:
    """Plays on the first speaker and copies to the second; what was heard is what the first says."""

    def __init__(self, first: Speaker, copy: Speaker) -> None:
        self._first = first
        self._copy = copy

    def begin(self) -> None:
        """See `protocols.Speaker`."""
        self._first.begin()
        self._copy.begin()

    async def play(self, clip: Clip) -> None:
        """See `protocols.Speaker`."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._copy.play, clip)
                await self._first.play(clip)
        except* DeviceError as group:
            raise root_cause(group) from None

    async def drain(self) -> None:
        """See `protocols.Speaker`."""
        await self._first.drain()

    def stop(self) -> float:
        """See `protocols.Speaker`."""
        self._copy.stop()
        return self._first.stop()

    def duck(self, gain: float) -> None:
        """See `protocols.Speaker`."""
        self._first.duck(gain)
        self._copy.duck(gain)

    @property
    def audible_since(self) -> float | None:
        """See `protocols.Speaker`."""
        return self._first.audible_since
