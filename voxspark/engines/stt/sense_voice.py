"""SenseVoice through sherpa-onnx: text, language, emotion and sounds in one pass. Chinese, English, Japanese, Korean.

In a worker: sherpa-onnx ends its whole process when a model is of another kind. Weights come from a folder or from what
`hf download` has left on this machine; nothing is ever fetched here. They are FunAudioLLM's, under the FunASR Model
License, which asks that their name and source be told.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voxspark.audio import to_float
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.hub import folder_of
from voxspark.engines.thread import EngineThread
from voxspark.errors import TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16, Transcript

HUB_NAME = "csukuangfj/sherpa-onnx-sense-voice-zh-en-ja-ko-yue-2024-07-17"
"""Its weights as ONNX: 239 MB in 8 bits, 894 MB in 32."""

MODELS = ("model.int8.onnx", "model.onnx")
TOKENS = "tokens.txt"

LANGUAGES = ("auto", "zh", "en", "ja", "ko", "yue")

UNREMARKABLE = frozenset({"", "emo_unknown", "event_unk", "speech", "nospeech"})
"""What it says where there is nothing to say."""


class SenseVoiceTranscriber:
    """One model in its own thread."""

    def __init__(self, settings: TranscriberSettings) -> None:
        """Raises TranscriberError when it does not know the language."""
        if settings.language not in LANGUAGES:
            raise TranscriberError(
                "language-unknown",
                f"SenseVoice does not know the language {settings.language}.",
                f"Set transcriber.language to one of {', '.join(LANGUAGES)}, or transcriber.engine to another.",
            )
        self._settings = settings
        self._thread = EngineThread("sense-voice")
        self._recognizer: Any = None

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """Mono 16 kHz, any length; how sure it is, it does not tell. Hot words it cannot take. Raises
        TranscriberError."""
        return await self._thread.call(lambda: self._transcribe(samples))

    async def warm(self) -> None:
        """Load the weights and run once."""
        await self._thread.call(lambda: self._transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16)))

    def close(self) -> None:
        """Let its thread end."""
        self._thread.close()

    def _transcribe(self, samples: Pcm16) -> Transcript:
        if self._recognizer is None:
            self._recognizer = _load(self._settings)
        stream = self._recognizer.create_stream()
        stream.accept_waveform(SAMPLE_RATE_HZ, to_float(samples))
        try:
            self._recognizer.decode_stream(stream)
        except (RuntimeError, LookupError) as error:  # ONNX, or a tokens.txt of another model
            raise TranscriberError(
                "transcriber-failed", "I could not make out what you said.", f"Please say it again ({error})."
            ) from error
        heard = stream.result
        named = {"emotion": _plain(heard.emotion), "event": _plain(heard.event)}
        tags = tuple(f"{kind}:{tag}" for kind, tag in named.items() if tag not in UNREMARKABLE)
        text, language = heard.text.strip(), _plain(heard.lang)
        if language not in LANGUAGES:
            language = "en" if self._settings.language == "auto" else self._settings.language
        return Transcript(text if re.search(r"\w", text) else "", language, tags=tags)


def _plain(token: str) -> str:
    """`<|HAPPY|>` as `happy`."""
    return token.strip("<|>").lower()


def _load(settings: TranscriberSettings) -> Any:
    """The recognizer of the model the settings name. Raises TranscriberError."""
    from sherpa_onnx import OfflineRecognizer

    folder = weights_folder(settings)
    try:
        return OfflineRecognizer.from_sense_voice(
            model=str(next(folder / name for name in MODELS if (folder / name).is_file())),
            tokens=str(folder / TOKENS),
            num_threads=settings.threads or min(os.cpu_count() or 1, 4),
            language="" if settings.language == "auto" else settings.language,
            use_itn=True,
            provider="cuda" if settings.device == "cuda" else "cpu",
        )
    except (RuntimeError, LookupError) as error:
        raise TranscriberError(
            "sense-voice-load-failed", "The SenseVoice model could not be loaded.", f"Is it whole? {folder}: {error}"
        ) from error


def weights_folder(settings: TranscriberSettings) -> Path:
    """Where the model is on this machine. Raises TranscriberError `sense-voice-missing`."""
    for name in MODELS:
        folder = folder_of(settings.model or HUB_NAME, name)
        if folder is not None and (folder / TOKENS).is_file():
            return folder
    raise TranscriberError(
        "sense-voice-missing",
        "The SenseVoice model is not on this machine.",
        f"It is a folder with {MODELS[0]} or {MODELS[1]}, and {TOKENS}. "
        f"Run: hf download {HUB_NAME} {MODELS[0]} {TOKENS}, or set transcriber.model to such a folder.",
    )
