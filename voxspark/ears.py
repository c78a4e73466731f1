"""The microphone's way into the inbox: chunks become signals, and nothing here waits for a turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from voxspark.events import AudioDropped
from voxspark.listening.listener import Listener
from voxspark.protocols import Clock, Emit, Microphone
from voxspark.types import ListeningSignal


class Ears:
    """Reads the microphone through the listener."""

    def __init__(self, microphone: Microphone, listener: Listener, emit: Emit, clock: Clock) -> None:
        self._microphone = microphone
        self._listener = listener
        self._emit = emit
        self._clock = clock
        self._dropped_seconds = 0.0

    async def signals(self, deaf: Callable[[], bool]) -> AsyncGenerator[ListeningSignal, None]:
        """Signals as they come, until the microphone's source ends; `deaf` says when not to hear."""
        async with aclosing(self._microphone.chunks()) as chunks:
            async for chunk in chunks:
                self._note_dropped()
                self._listener.deaf = deaf()
                for signal in self._listener.feed(chunk):
                    yield signal
        for signal in self._listener.flush(self._clock()):
            yield signal

    def _note_dropped(self) -> None:
        dropped = self._microphone.dropped_seconds
        if dropped > self._dropped_seconds:
            self._emit(AudioDropped(self._clock(), dropped - self._dropped_seconds))
            self._dropped_seconds = dropped
