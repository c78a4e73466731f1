"""Whisper on CTranslate2, through the `faster-whisper` package.

Whisper pads every clip to 30 s. Encoding a 12 to 15 s window instead is 2.5 to 3 times faster with equal or better
word error rate, and below 8 s it begins to invent text (measured, bench/README.md). So speech that fits the window is
encoded in it, in one pass, and longer speech goes the ordinary way through 30 s windows.
"""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxspark.audio import to_float
from voxspark.config import TranscriberSettings
from voxspark.engines.bundled import locate
from voxspark.engines.thread import EngineThread
from voxspark.errors import TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16, Transcript

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES_PER_SECOND = 100
"""Whisper's log-mel hop is 10 ms."""

TOKENS_PER_SECOND = 10
"""Nobody speaks faster; a decoder that goes on longer is looping."""

MAX_COMPRESSION_RATIO = 2.4
"""Text that compresses better than this repeats itself (threshold of openai/whisper)."""

INVENTED = re.compile(
    r"(thank you|thanks)( so much| very much)?( for watching| for listening)?|you|bye( bye)?|so|the end|"
    r"please subscribe.*|subtitles by.*|\[?(music|blank_audio|silence)\]?",
    re.IGNORECASE,
)
"""What Whisper writes when it hears nothing (RealtimeSTT#143 and everybody else); kept only when it is sure."""


class WhisperTranscriber:
    """One Whisper model in its own thread."""

    def __init__(self, settings: TranscriberSettings) -> None:
        self._settings = settings
        self._thread = EngineThread("whisper")
        self._model: Any = None

    async def transcribe(self, samples: Pcm16) -> Transcript:
        """Mono 16 kHz, any length; empty text when nothing was said. Raises TranscriberError."""
        return await self._thread.call(lambda: self._transcribe(samples))

    async def warm(self) -> None:
        """Load the weights and run once, so that the first utterance is as quick as the second."""
        await self._thread.call(lambda: self._transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16)))

    def _transcribe(self, samples: Pcm16) -> Transcript:
        if self._model is None:
            self._model = _load(self._settings)
        audio = to_float(samples)
        try:
            if len(audio) <= (self._settings.window_seconds - 0.5) * SAMPLE_RATE_HZ:
                return self._in_window(audio)
            return self._in_full_windows(audio)
        except (RuntimeError, ValueError) as error:
            raise TranscriberError("transcriber-failed", "I could not make out what you said.") from error

    def _in_window(self, audio: NDArray[np.float32]) -> Transcript:
        from faster_whisper.transcribe import get_suppressed_tokens

        model = self._model
        frames = int(self._settings.window_seconds * FRAMES_PER_SECOND)
        features = model.feature_extractor(audio)[:, :frames]
        features = np.pad(features, ((0, 0), (0, frames - features.shape[1])), constant_values=features.min())
        encoded = model.encode(features)
        tokenizer = self._tokenizer(self._language(encoded))
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        result = model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + 16 + int(len(audio) / SAMPLE_RATE_HZ * TOKENS_PER_SECOND),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        )[0]
        text = tokenizer.decode(result.sequences_ids[0]).strip()
        return self._checked(text, tokenizer.language_code, result.scores[0], result.no_speech_prob)

    def _in_full_windows(self, audio: NDArray[np.float32]) -> Transcript:
        segments, info = self._model.transcribe(
            audio,
            language=None if self._settings.language == "auto" else self._settings.language,
            beam_size=1,
            without_timestamps=False,
            condition_on_previous_text=False,
            no_speech_threshold=self._settings.no_speech_threshold,
        )
        parts = [(s.text.strip(), s.avg_logprob, s.no_speech_prob) for s in segments]
        if not parts:
            return Transcript("", info.language, 0.0)
        kept = [t for text, confidence, silent in parts if (t := self._checked(text, "", confidence, silent).text)]
        return Transcript(" ".join(kept), info.language, float(np.mean([p[1] for p in parts])))

    def _language(self, encoded: Any) -> str:
        if not self._model.model.is_multilingual:
            return "en"
        if self._settings.language != "auto":
            return self._settings.language
        token, _ = self._model.model.detect_language(encoded)[0][0]
        return str(token).strip("<|>")

    def _tokenizer(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        multilingual = self._model.model.is_multilingual
        return Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=language)

    def _checked(self, text: str, language: str, confidence: float, no_speech: float) -> Transcript:
        """The transcript, emptied when it looks invented."""
        bare = text.strip(" .!?,")
        invented = (
            confidence < self._settings.min_confidence
            or (no_speech > self._settings.no_speech_threshold and confidence < -0.5)
            or (INVENTED.fullmatch(bare) is not None and (no_speech > 0.3 or confidence < -0.8))
            or not re.search(r"\w", text)
            or compression_ratio(text) > MAX_COMPRESSION_RATIO
        )
        return Transcript("" if invented else text, language, confidence)


def compression_ratio(text: str) -> float:
    """Bytes of the text per byte of its zlib compression: high when it repeats itself."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def _load(settings: TranscriberSettings) -> Any:
    """The model the settings name. Raises TranscriberError with what to do."""
    from faster_whisper import WhisperModel

    name = settings.model
    if name.startswith("bundled:"):
        place = str(locate(f"whisper-{name.removeprefix('bundled:')}"))
    elif name.startswith(("/", "~", ".")):
        place = str(Path(name).expanduser())
        if not (Path(place) / "model.bin").is_file():
            raise TranscriberError(
                "whisper-model-missing", f"There is no Whisper model in {place}.", "It needs a model.bin (CTranslate2)."
            )
    else:
        place = name
    device = settings.device
    compute = settings.compute_type
    if device == "auto":
        device = "cuda" if _cuda_devices() else "cpu"
    if compute == "auto":
        compute = "float16" if device == "cuda" else "int8"
    threads = settings.threads or min(os.cpu_count() or 1, 4)
    try:
        return WhisperModel(place, device=device, compute_type=compute, cpu_threads=threads)
    except (RuntimeError, ValueError, OSError) as error:
        raise TranscriberError(
            "whisper-load-failed", f"The Whisper model {name} could not be loaded.", f"({error})"
        ) from error


def _cuda_devices() -> int:
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())
