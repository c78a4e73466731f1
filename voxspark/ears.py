"""The microphone's way into the inbox: chunks become signals, and nothing here waits for a turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from voxspark.bus import failed, known
from voxspark.errors import EngineError
from voxspark.events import AudioDropped
from voxspark.language import speak
from voxspark.listening.listener import Listener
from voxspark.protocols import Clock, Emit, Microphone, Transcriber
from voxspark.types import CHUNK_SECONDS, Chunk, ListeningSignal, Pcm16, Transcript, Utterance

MOST_BROKEN_SECONDS = 5.0
"""Sound in a row that may fail to be listened to. Then the daemon ends: deaf, it must not look alive."""


class Linguist:
    """A transcriber whose finding decides the language of the turn that asked it."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber

    async def transcribe(self, samples: Pcm16) -> Transcript:
        """See `protocols.Transcriber`."""
        transcript = await self._transcriber.transcribe(samples)
        speak(transcript.language)
        return transcript

    async def warm(self) -> None:
        """See `protocols.Transcriber`."""
        await self._transcriber.warm()


class Ears:
    """Reads the microphone through the listener."""

    def __init__(
        self, microphone: Microphone, listener: Listener, transcriber: Transcriber, emit: Emit, clock: Clock
    ) -> None:
        self._microphone = microphone
        self._listener = listener
        self._transcriber = transcriber
        self._emit = emit
        self._clock = clock
        self._dropped_seconds = 0.0
        self._broken_seconds = 0.0

    async def signals(self, deaf: Callable[[], bool]) -> AsyncGenerator[ListeningSignal, None]:
        """Signals as they come, until the microphone's source ends; `deaf` says when not to hear.

        Raises EngineError when the listener stays broken.
        """
        async with aclosing(self._microphone.chunks()) as chunks:
            async for chunk in chunks:
                self._note_dropped()
                for signal in self._hear(chunk, deaf):
                    yield signal
        for signal in self._listener.flush(self._clock()):
            yield signal

    async def overhear(self, utterance: Utterance) -> str:
        """What a short utterance during a reply says; empty when that cannot be known."""
        assert utterance.samples is not None
        try:
            return (await self._transcriber.transcribe(utterance.samples)).text
        except Exception as error:  # an engine's boundary: the reply goes on
            self._emit(failed(known(error, "overhearing"), self._clock()))
            return ""

    def _hear(self, chunk: Chunk, deaf: Callable[[], bool]) -> list[ListeningSignal]:
        try:
            self._listener.deaf = deaf()
            signals = self._listener.feed(chunk)
        except Exception as error:  # the listening engines' boundary: one bad chunk is no reason to be deaf
            if not self._broken_seconds:
                self._emit(failed(known(error, "listening"), self._clock()))
            self._broken_seconds += CHUNK_SECONDS
            if self._broken_seconds >= MOST_BROKEN_SECONDS:
                raise EngineError("ears-broke", "I cannot hear any more.", "See the log.") from error
            return []
        self._broken_seconds = 0.0
        return signals

    def _note_dropped(self) -> None:
        dropped = self._microphone.dropped_seconds
        if dropped > self._dropped_seconds:
            self._emit(AudioDropped(self._clock(), dropped - self._dropped_seconds))
            self._dropped_seconds = dropped
