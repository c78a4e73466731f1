"""A voice with a second one behind it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from voxspark.errors import EngineError
from voxspark.protocols import Synthesizer
from voxspark.types import Pcm

log = logging.getLogger(__name__)


class FallbackSynthesizer:
    """Tries voices in order; a voice that fails before its first piece hands the text to the next."""

    def __init__(self, voices: Sequence[Synthesizer]) -> None:
        self._voices = list(voices)

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Pieces of the first voice that can say it. Raises the last voice's EngineError."""
        for position, voice in enumerate(self._voices):
            started = False
            try:
                async with aclosing(voice.synthesize(text)) as pieces:
                    async for piece in pieces:
                        started = True
                        yield piece
                return
            except EngineError as error:
                if started or position == len(self._voices) - 1:
                    raise
                log.info("voice %d cannot say this (%s), the next one tries", position, error.code)

    async def warm(self) -> None:
        """Warm all of them."""
        for voice in self._voices:
            await voice.warm()
