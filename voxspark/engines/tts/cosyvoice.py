"""CosyVoice 3 on a vLLM-Omni server: a voice cloned from a recording, streamed as it is made. 24 kHz.

Server: `vllm serve FunAudioLLM/Fun-CosyVoice3-0.5B-2512 --omni --port 8091 --trust-remote-code`.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from voxspark.audio import from_bytes
from voxspark.config_speech import VoiceSettings
from voxspark.engines.http import beginning, connect, patience, reason_in, shown
from voxspark.engines.tts.cloning import recorded_voice
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm

log = logging.getLogger(__name__)

SAMPLE_RATE_HZ = 24_000

PIECE_BYTES = 4_800
"""A tenth of a second; the server's own pieces end anywhere, in the middle of a sample too."""

READ_SECONDS = 10.0
"""Between two parts of an answer: somebody waits for it."""

WARM_SECONDS = 120.0
"""For the first sentence, at which the server compiles and reads the recording."""

REASON_CHARACTERS = 300
"""Of what the server says, in a remedy."""

SOUND = ("audio/pcm", "audio/l16", "application/octet-stream")
"""What raw samples may be called."""


class CosyVoiceSynthesizer:
    """One voice of the library on one server."""

    def __init__(self, settings: VoiceSettings, *, read_seconds: float = READ_SECONDS) -> None:
        """Raises SynthesizerError when the voice has no recording."""
        self._host = settings.host
        self._read_seconds = read_seconds
        self._client: Any = None
        self._request = {**_reference(settings.voice), **({"model": settings.model} if settings.model else {})}
        if settings.speed != 1.0:
            log.info("voice.speed is not used: CosyVoice cannot change it while it streams")

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Pieces as they are made; closing the generator stops the server. Raises SynthesizerError."""
        async with aclosing(self._pieces(text, self._read_seconds)) as pieces:
            async for piece in pieces:
                yield piece, SAMPLE_RATE_HZ

    async def warm(self) -> None:
        """Say a word, with patience: it shows that the server is there and takes the recording."""
        async with aclosing(self._pieces("Hello.", WARM_SECONDS)) as pieces:
            async for _ in pieces:
                pass

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _pieces(self, text: str, read_seconds: float) -> AsyncGenerator[Pcm, None]:
        """From the first one that is not silent."""
        if not text.strip():
            raise SynthesizerError("nothing-to-say", "There is nothing in this that can be said.")
        heard = False
        async with aclosing(self._bytes(text, read_seconds)) as parts:
            async for part in parts:
                piece = from_bytes(part, 2)
                heard = heard or bool(piece.any())
                if heard and len(piece):
                    yield piece
        if not heard:
            raise SynthesizerError(
                "cosyvoice-silent", "My voice made no sound.", f"Look at the server at {self._place}."
            )

    async def _bytes(self, text: str, read_seconds: float) -> AsyncGenerator[bytes, None]:
        """16-bit samples, `PIECE_BYTES` at a time; the last piece is shorter."""
        with self._told():
            if self._client is None:
                self._client = connect(self._host, read_seconds=self._read_seconds)
            request = self._client.stream(
                "POST",
                "/v1/audio/speech",
                json={
                    **self._request,
                    "input": text.encode(errors="replace").decode(),
                    "response_format": "pcm",
                    "stream": True,
                    "stream_format": "audio",  # as bytes; without it, newer servers send events
                },
                timeout=patience(read_seconds),
            )
            async with request as response:
                if response.is_error:
                    raise self._refusal(response.status_code, reason_in(await beginning(response)))
                if not response.headers.get("content-type", "").lower().startswith(SOUND):
                    raise self._garbled()
                async for part in response.aiter_bytes(PIECE_BYTES):
                    yield part

    # ── errors ──────────────────────────────────────────────────────────────────────────────────

    @property
    def _place(self) -> str:
        return shown(self._host)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What httpx raises, as SynthesizerError."""
        import httpx

        try:
            yield
        except httpx.ReadTimeout as error:
            raise SynthesizerError(
                "cosyvoice-timeout", "The server of my voice takes too long.", f"Look at the server at {self._place}."
            ) from error
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
            raise SynthesizerError(
                "cosyvoice-interrupted",
                "The server of my voice broke off.",
                f"Look at the log of the server at {self._place}.",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise SynthesizerError(
                "cosyvoice-unreachable",
                "The server of my voice does not answer.",
                f"Is it running, and is voice.host its address ({self._place or 'not set'})?",
            ) from error

    def _garbled(self) -> SynthesizerError:
        return SynthesizerError(
            "cosyvoice-garbled",
            "The server of my voice sent something that is no sound.",
            f"Is there a vLLM-Omni server at {self._place}?",
        )

    def _refusal(self, status: int, reason: str) -> SynthesizerError:
        said = f"The server at {self._place} says: {reason[:REASON_CHARACTERS]}"
        match status:
            case 404 | 405:
                return SynthesizerError("cosyvoice-missing", "That server has no such voice.", said)
            case 429 | 503:
                return SynthesizerError("cosyvoice-busy", "The server of my voice has too much to do.", said)
            case _ if status < 500:
                return SynthesizerError("cosyvoice-refused", "The server of my voice does not take this.", said)
            case _:
                return SynthesizerError("cosyvoice-failed", "The server of my voice failed.", said)


def _reference(name: str) -> dict[str, str]:
    """The recording to clone and its words, as the request has them. Raises SynthesizerError."""
    voice = recorded_voice("cosyvoice", name)
    assert voice.reference is not None
    assert voice.recording is not None
    try:
        sound = base64.b64encode(voice.recording.read_bytes()).decode()
    except OSError as error:
        raise SynthesizerError(
            "voice-no-recording", f"The recording of {name} cannot be read.", f"Look at {voice.recording}."
        ) from error
    return {"ref_audio": f"data:audio/wav;base64,{sound}", "ref_text": voice.reference.text}
