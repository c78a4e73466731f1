"""Sesame CSM: a voice that is reminded of how it and the user have spoken, through transformers. English, 24 kHz.

Weights come from a folder or from what `hf download` has left on this machine; nothing is ever fetched here.
"""

from __future__ import annotations

import textwrap
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from voxspark.config_speech import VoiceSettings
from voxspark.engines.hub import require_folder
from voxspark.engines.on_torch import told_of_voice
from voxspark.engines.thread import EngineThread
from voxspark.engines.tts.csm_stream import SAMPLE_RATE_HZ
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm, Pcm16
from voxspark.voices import shelf

if TYPE_CHECKING:
    from voxspark.engines.tts.csm_model import CsmModel

WEIGHTS = "sesame/csm-1b"

INDEX = "config.json"
"""The file that makes a folder its weights."""

PART_CHARACTERS = 300
"""Longer texts are said in parts, each within the model's 2,048 positions whatever its letters are."""


class CsmSynthesizer:
    """CSM in its own thread."""

    def __init__(self, settings: VoiceSettings) -> None:
        library = shelf()
        chosen = library.choose("csm", settings.voice)
        if chosen.name and chosen.voice is None:
            raise SynthesizerError(
                "voice-unknown",
                f"There is no voice {chosen.name}.",
                f"Known: {', '.join(sorted(library.voices))}.",
            )
        self._voice = chosen.voice
        self._settings = settings
        self._thread = EngineThread("csm")
        self._model: CsmModel | None = None

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Groups of frames of 80 ms; closing it stops the model at the next frame.

        Raises SynthesizerError `nothing-to-say` for text without English in it.
        """
        parts = spoken_parts(text)

        def work(put: Callable[[Pcm], None]) -> None:
            with told_of_voice("Sesame CSM"):
                model = self._loaded()
                for part in parts:
                    model.say(part, put)

        said = False
        if parts:
            async with aclosing(self._thread.stream(work)) as pieces:
                async for samples in pieces:
                    if len(samples):
                        said = True
                        yield samples, SAMPLE_RATE_HZ
        if not said:
            raise SynthesizerError("nothing-to-say", "This voice cannot say that.")

    async def warm(self) -> None:
        """Load the weights and say a sentence to nobody."""
        await self._thread.call(self._first)

    async def hear(self, text: str, samples: Pcm16) -> None:
        """See `protocols.Listens`. A text that it could not say in one part it does not hear either."""
        parts = spoken_parts(text)
        await self._thread.call(lambda: self._hear(parts[0] if len(parts) == 1 else "", samples))

    def close(self) -> None:
        """Let its thread end."""
        self._thread.close()

    def _first(self) -> None:
        with told_of_voice("Sesame CSM"):
            self._loaded()

    def _hear(self, text: str, samples: Pcm16) -> None:
        if self._model is not None:
            with told_of_voice("Sesame CSM"):
                self._model.hear(text, samples)

    def _loaded(self) -> CsmModel:
        if self._model is None:
            folder = weights_folder(self._settings)  # told before the seconds that the imports take

            from voxspark.engines.tts.csm_model import CsmModel

            model = CsmModel(folder, self._settings, self._voice)
            model.warm()
            self._model = model
        return self._model


def weights_folder(settings: VoiceSettings) -> Path:
    """Where the weights are. Raises SynthesizerError `voice-weights-missing`."""
    return require_folder(
        settings.model or WEIGHTS,
        INDEX,
        SynthesizerError,
        "voice-weights-missing",
        setting="voice.model",
        example=WEIGHTS,
        gated=True,
    )


def spoken_parts(text: str) -> list[str]:
    """In one line each; none where there is no English to say."""
    plain = text.encode(errors="replace").decode()  # half a surrogate pair has no tokens
    if not any(letter.isascii() and letter.isalnum() for letter in plain):
        return []
    return textwrap.wrap(" ".join(plain.split()), PART_CHARACTERS, break_on_hyphens=False)
