"""Whisper on CTranslate2, through the `faster-whisper` package.

Whisper pads every clip to 30 s. Encoding a 12 to 15 s window instead is 2.5 to 3 times faster with equal or better
word error rate, and below 8 s it begins to invent text (measured, bench/README.md). So speech that fits the window is
encoded in it, in one pass, and longer speech goes the ordinary way through 30 s windows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxspark.audio import to_float
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.bundled import locate
from voxspark.engines.stt.guards import (
    MAX_COMPRESSION_RATIO,
    Reading,
    hint,
    invented,
    most_tokens,
    require_languages,
    understood,
    window_seconds,
)
from voxspark.engines.thread import EngineThread
from voxspark.errors import TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16, Transcript

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES_PER_SECOND = 100
"""Whisper's log-mel hop is 10 ms."""

FITS_SECONDS = 0.5
"""Speech this much shorter than the window counts as fitting into it."""


class WhisperTranscriber:
    """One Whisper model in its own thread."""

    def __init__(self, settings: TranscriberSettings) -> None:
        """Raises TranscriberError when the model's name tells that it does not know the language."""
        if settings.model.endswith(".en"):
            require_languages(settings, ("en",), is_multilingual=False)
        self._settings = settings
        self._thread = EngineThread("whisper")
        self._model: Any = None

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """Mono 16 kHz, any length; empty text when nothing was said. Raises TranscriberError."""
        return await self._thread.call(lambda: self._transcribe(samples, hot_words))

    async def warm(self) -> None:
        """Load the weights and run once, so that the first utterance is as quick as the second."""
        await self._thread.call(lambda: self._transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16), ()))

    def _transcribe(self, samples: Pcm16, hot_words: Sequence[str]) -> Transcript:
        if self._model is None:
            self._model = _load(self._settings)
        audio = to_float(samples)
        try:
            if len(audio) <= (self._settings.window_seconds - FITS_SECONDS) * SAMPLE_RATE_HZ:
                return self._in_window(audio, hot_words)
            return self._in_full_windows(audio)
        except (RuntimeError, ValueError) as error:
            raise TranscriberError(
                "transcriber-failed", "I could not make out what you said.", f"Please say it again ({error})."
            ) from error

    def _in_window(self, audio: NDArray[np.float32], hot_words: Sequence[str]) -> Transcript:
        seconds = len(audio) / SAMPLE_RATE_HZ
        encoded = self._encoded(audio, window_seconds(seconds, self._settings))
        tokenizer = self._tokenizer(self._language(encoded))
        said = understood(partial(self._read, encoded, tokenizer, seconds), hot_words, self._settings)
        return Transcript(said.text, tokenizer.language_code, said.confidence)

    def _encoded(self, audio: NDArray[np.float32], window: float) -> Any:
        """The beginning of the audio, or all of it and silence."""
        frames = int(window * FRAMES_PER_SECOND)
        features = self._model.feature_extractor(audio)[:, :frames]
        features = np.pad(features, ((0, 0), (0, frames - features.shape[1])), constant_values=features.min())
        return self._model.encode(features)

    def _read(self, encoded: Any, tokenizer: Any, seconds: float, hot_words: Sequence[str], beams: int) -> Reading:
        from faster_whisper.transcribe import get_suppressed_tokens

        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if hot_words:
            prompt = [tokenizer.sot_prev, *tokenizer.encode(hint(hot_words)), *prompt]

        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=beams,
            max_length=len(prompt) + most_tokens(seconds),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        )[0]
        text = tokenizer.decode(result.sequences_ids[0]).strip()
        return Reading(text, result.scores[0], result.no_speech_prob)

    def _in_full_windows(self, audio: NDArray[np.float32]) -> Transcript:
        """Without hot words: who speaks for long gives Whisper words enough to go by."""
        language = self._settings.language
        if language == "auto":
            language = self._language(self._encoded(audio, self._settings.window_seconds))
        segments, info = self._model.transcribe(
            audio,
            language=language,
            beam_size=1,
            temperature=0.0,  # its other five attempts take 10 s for 30 s of speech, and find nothing better
            condition_on_previous_text=False,
            no_speech_threshold=self._settings.no_speech_threshold,
        )
        kept = [segment for segment in segments if not self._invented(segment)]
        confidence = float(np.mean([segment.avg_logprob for segment in kept])) if kept else 0.0
        return Transcript(" ".join(segment.text.strip() for segment in kept), info.language, confidence)

    def _invented(self, segment: Any) -> bool:
        """One segment of a window; the compression ratio it carries is that of the whole window."""
        reading = Reading(segment.text, segment.avg_logprob, segment.no_speech_prob)
        looping = segment.compression_ratio > MAX_COMPRESSION_RATIO
        return (looping and reading.no_speech > self._settings.no_speech_threshold) or invented(reading, self._settings)

    def _language(self, encoded: Any) -> str:
        """The likeliest of those that may be spoken: of all 99, a short utterance is often Welsh or Nynorsk."""
        if not self._model.model.is_multilingual:
            return "en"
        if self._settings.language != "auto":
            return self._settings.language
        found = (str(token).strip("<|>") for token, _ in self._model.model.detect_language(encoded)[0])
        return next(language for language in found if language in self._settings.languages)

    def _tokenizer(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        multilingual = self._model.model.is_multilingual
        return Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=language)


# ── loading ─────────────────────────────────────────────────────────────────────────────────────


def _load(settings: TranscriberSettings) -> Any:
    """The model the settings name. Raises EngineError with what to do."""
    from faster_whisper import WhisperModel

    place = _place(settings.model)
    device, compute = settings.device, settings.compute_type
    if device == "auto":
        device = "cuda" if _cuda_devices() else "cpu"
    if compute == "auto":
        compute = "float16" if device == "cuda" else "int8"
    threads = settings.threads or min(os.cpu_count() or 1, 4)
    try:
        model = WhisperModel(place, device=device, compute_type=compute, cpu_threads=threads)
    except Exception as error:  # CTranslate2, tokenizers and the hub each have their own kinds
        raise TranscriberError(
            "whisper-load-failed",
            f"The Whisper model {settings.model} could not be loaded.",
            f"Check transcriber.model, transcriber.device and transcriber.compute_type ({error}).",
        ) from error
    require_languages(settings, model.supported_languages, is_multilingual=model.model.is_multilingual)
    return model


def _place(name: str) -> str:
    """A directory; a name for the hub only where nothing of that name is here: what was fetched once is not asked for
    again. Raises EngineError when the directory is not there."""
    if name.startswith("bundled:"):
        return str(locate(f"whisper-{name.removeprefix('bundled:')}"))
    place = Path(name).expanduser()
    if not (name.startswith(("/", "~", ".")) or place.is_dir()):
        from faster_whisper import download_model

        try:
            return str(download_model(name, local_files_only=True))
        except (OSError, ValueError):  # not here; no such name, which the loading tells
            return name
    # without its tokenizer, faster-whisper would fetch one
    if missing := [file for file in ("model.bin", "tokenizer.json") if not (place / file).is_file()]:
        raise TranscriberError(
            "whisper-model-missing",
            f"There is no Whisper model in {place}.",
            f"It needs {' and '.join(missing)}; ct2-transformers-converter makes such a directory.",
        )
    return str(place)


def _cuda_devices() -> int:
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())
