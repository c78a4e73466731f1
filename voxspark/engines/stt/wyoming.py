"""Ears on another machine: any server of the Wyoming protocol, like `wyoming-faster-whisper`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from voxspark import language
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.wyoming import WARM_SECONDS, Server
from voxspark.types import SAMPLE_RATE_HZ, Pcm16, Transcript

ANSWER_SECONDS = 30.0
"""For long speech in slow ears: there are no others."""

FORMAT = MappingProxyType({"rate": SAMPLE_RATE_HZ, "width": 2, "channels": 1})

PIECE_SAMPLES = SAMPLE_RATE_HZ // 4
"""Of one message."""


class WyomingTranscriber:
    """One server, a connection for each utterance: it may have been started anew between two."""

    def __init__(self, settings: TranscriberSettings) -> None:
        """Raises TranscriberError when the host is no address."""
        self._server = Server(settings.host, "ears")
        self._language = "" if settings.language == "auto" else settings.language
        bundled = settings.model.startswith("bundled:")  # ours, of which no server knows
        wanted = {"language": self._language, "name": "" if bundled else settings.model}
        self._request = {key: value for key, value in wanted.items() if value}

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """Mono 16 kHz, any length; how sure the server is, it does not tell. Hot words it cannot take. Raises
        TranscriberError."""
        return await self._transcribe(samples, ANSWER_SECONDS)

    async def warm(self) -> None:
        """Have the server load its model. Raises TranscriberError when it is none for ears."""
        await self._server.check()
        await self._transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16), WARM_SECONDS)

    async def _transcribe(self, samples: Pcm16, seconds: float) -> Transcript:
        expected = self._language or language.current()
        if not len(samples):
            return Transcript("", expected)
        async with self._server.connected(seconds=seconds) as connection:
            await connection.send("transcribe", self._request)
            await connection.send("audio-start", FORMAT)
            for start in range(0, len(samples), PIECE_SAMPLES):
                piece = samples[start : start + PIECE_SAMPLES]
                await connection.send("audio-chunk", FORMAT, piece.astype("<i2").tobytes())
            await connection.send("audio-stop")
            told = (await connection.until("transcript")).data
        with self._server.told():
            text, code = told["text"].strip(), told.get("language") or expected
            return Transcript(text if re.search(r"\w", text) else "", re.split("[-_]", code.lower())[0])
