"""hibari-tts: a small English voice (Apache-2.0, weights in its wheel, no espeak, no torch). 24 kHz."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import numpy as np

from voxspark.config_speech import VoiceSettings
from voxspark.engines.thread import EngineThread
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm
from voxspark.voices import shelf

SAMPLE_RATE_HZ = 24_000

BUNDLED_VOICES = ("heart",)
"""Voices inside the wheel; its others are downloads, which a voice daemon must not start by surprise."""


class HibariSynthesizer:
    """One hibari voice in its own thread."""

    def __init__(self, settings: VoiceSettings) -> None:
        chosen = shelf().choose("hibari", settings.voice)
        self._voice = chosen.name or BUNDLED_VOICES[0]
        if self._voice not in BUNDLED_VOICES:
            raise SynthesizerError(
                "voice-unknown",
                f"hibari has no bundled voice {self._voice}.",
                f"Known: {', '.join(BUNDLED_VOICES)}.",
            )
        self._speed = settings.speed * chosen.speed
        self._thread = EngineThread("hibari")
        self._engine: Any = None

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """One piece per sentence. Raises SynthesizerError `nothing-to-say` for text without English in it."""
        said = False
        async with aclosing(self._thread.each(lambda: self._pieces(text))) as pieces:
            async for piece in pieces:
                if len(piece):
                    said = True
                    yield np.asarray(piece, np.float32), SAMPLE_RATE_HZ
        if not said:
            raise SynthesizerError("nothing-to-say", "This voice cannot say that.")

    async def warm(self) -> None:
        """Load model and pronunciation (the first sentence costs 0.3 s, the second 0.02 s)."""
        await self._thread.call(lambda: list(self._pieces("Hello there, it's ten past nine.")))

    def close(self) -> None:
        """Let its thread end."""
        self._thread.close()

    def _pieces(self, text: str) -> Iterator[Any]:
        """In the engine's thread."""
        try:
            yield from self._load().stream(text, self._speed)
        except Exception as error:  # its weights, its dictionaries and ONNX each fail in their own way
            raise SynthesizerError("voice-failed", "My voice failed.", f"Reinstall hibari-tts ({error}).") from error

    def _load(self) -> Any:
        if self._engine is None:
            from hibari import Hibari

            self._engine = Hibari(voice=self._voice, threads=1)
        return self._engine
