"""A voice on another machine: any server of the Wyoming protocol, like `wyoming-piper`."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from voxspark import language
from voxspark.audio import from_bytes
from voxspark.config_speech import VoiceSettings
from voxspark.engines.wyoming import WARM_SECONDS, Message, Server
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm
from voxspark.voices import shelf

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
"""For a sentence on a slow voice; then the next one takes over."""

LEAST_RATE_HZ, MOST_RATE_HZ = 8_000, 192_000
MOST_CHANNELS = 8


class WyomingSynthesizer:
    """One server, a connection for each piece of text: it may have been started anew between two."""

    def __init__(self, settings: VoiceSettings) -> None:
        """Raises SynthesizerError when the host is no address."""
        self._server = Server(settings.host, "voice")
        self._name = shelf().choose("wyoming", settings.voice).name
        if settings.speed != 1.0:
            log.info("voice.speed is not used: the Wyoming protocol has no speed")

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Pieces as the server sends them. Raises SynthesizerError, `nothing-to-say` when it sends no sound."""
        async with aclosing(self._pieces(text, ANSWER_SECONDS)) as pieces:
            async for piece in pieces:
                yield piece

    async def warm(self) -> None:
        """Have the server load its voice. Raises SynthesizerError when it is none for voices."""
        await self._server.check()
        async with aclosing(self._pieces("Hello.", WARM_SECONDS)) as pieces:
            async for _ in pieces:
                pass

    async def _pieces(self, text: str, seconds: float) -> AsyncGenerator[tuple[Pcm, int], None]:
        heard, rest = False, b""
        async with self._server.connected(seconds=seconds) as connection:
            await connection.send("synthesize", {"text": text, "voice": self._voice()})
            while (message := await connection.until("audio-chunk", "audio-stop")).type != "audio-stop":
                with self._server.told():
                    rate, width, channels = _format(message)
                raw = rest + message.payload
                cut = len(raw) - len(raw) % (width * channels)
                rest = raw[cut:]
                if cut:
                    heard = True
                    yield from_bytes(raw[:cut], width, channels), rate
        if not heard:
            raise SynthesizerError("nothing-to-say", "This voice cannot say that.")

    def _voice(self) -> dict[str, str]:
        """By its name; without one, the server is to choose whoever speaks the language of the turn."""
        return {"name": self._name} if self._name else {"language": language.current()}


def _format(message: Message) -> tuple[int, int, int]:
    """Rate in Hz, bytes of a sample, channels. Raises ValueError, OverflowError, TypeError and KeyError."""
    rate, width, channels = (int(message.data[key]) for key in ("rate", "width", "channels"))
    if not (LEAST_RATE_HZ <= rate <= MOST_RATE_HZ and 1 <= width <= 4 and 1 <= channels <= MOST_CHANNELS):
        raise ValueError("no such sound")
    return rate, width, channels
