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
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.bundled import locate
from voxspark.engines.thread import EngineThread
from voxspark.errors import TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16, Transcript

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES_PER_SECOND = 100
"""Whisper's log-mel hop is 10 ms."""

FITS_SECONDS = 0.5
"""Speech this much shorter than the window counts as fitting into it."""

AFTERMATH_SECONDS = 4
"""Silence encoded after the speech, for which the window grows: with 1 s, speech that repeats words ("… the end of it")
is transcribed again from its beginning; with 4 s it is not, and other speech has no more errors (measured)."""

FULL_SECONDS = 30
"""Whisper's own window."""

TOKENS_PER_SECOND = 10
"""Nobody speaks faster; a decoder that goes on longer is looping."""

DOUBTFUL_CONFIDENCE = -0.4
"""Mean token log-probability below which the greedy transcript is not taken at its word, and beams search for a better
one. Over 172 words of recorded cases this takes the errors of tiny.en from 16 to 11, over 1,645 synthetic words from
249 to 188 (beams for all: 8 and 189). It costs 7 ms at the median of the cases, 10 at the mean; beams for all, 40."""

BEAMS = 5
"""Of that search (openai/whisper's number); 3 leave 13 and 192 errors."""

MAX_COMPRESSION_RATIO = 2.4
"""Text that compresses better than this repeats itself (threshold of openai/whisper)."""

INVENTED = re.compile(
    r"(thank you|thanks)( so much| very much)?( for watching| for listening)?|you|bye( bye)?|so|the end|"
    r"please subscribe.*|subtitles by.*|[\[(]?(music|blank_audio|silence)[\])]?",
    re.IGNORECASE,
)
"""What Whisper writes when it hears nothing (RealtimeSTT#143 and everybody else); kept only when it is sure."""


class WhisperTranscriber:
    """One Whisper model in its own thread."""

    def __init__(self, settings: TranscriberSettings) -> None:
        """Raises TranscriberError when the model's name tells that it does not know the language."""
        if settings.model.endswith(".en") and settings.language not in ("auto", "en"):
            raise _unknown_language(settings)
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
            if len(audio) <= (self._settings.window_seconds - FITS_SECONDS) * SAMPLE_RATE_HZ:
                return self._in_window(audio)
            return self._in_full_windows(audio)
        except (RuntimeError, ValueError) as error:
            raise TranscriberError(
                "transcriber-failed", "I could not make out what you said.", f"Please say it again ({error})."
            ) from error

    def _in_window(self, audio: NDArray[np.float32]) -> Transcript:
        model = self._model
        seconds = len(audio) / SAMPLE_RATE_HZ
        window = min(max(self._settings.window_seconds, seconds + AFTERMATH_SECONDS), FULL_SECONDS)
        frames = int(window * FRAMES_PER_SECOND)
        features = model.feature_extractor(audio)[:, :frames]
        features = np.pad(features, ((0, 0), (0, frames - features.shape[1])), constant_values=features.min())
        encoded = model.encode(features)
        tokenizer = self._tokenizer(self._language(encoded))
        result = self._decode(encoded, tokenizer, seconds)
        text, confidence = tokenizer.decode(result.sequences_ids[0]).strip(), result.scores[0]
        if invented(text, confidence, result.no_speech_prob, self._settings):
            text = ""
        return Transcript(text, tokenizer.language_code, confidence)

    def _decode(self, encoded: Any, tokenizer: Any, seconds: float) -> Any:
        """CTranslate2's result: greedy, and with beams when that is doubtful though something was said."""
        from faster_whisper.transcribe import get_suppressed_tokens

        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]

        def generate(beams: int) -> Any:
            return self._model.model.generate(
                encoded,
                [prompt],
                beam_size=beams,
                max_length=len(prompt) + 16 + int(seconds * TOKENS_PER_SECOND),
                return_scores=True,
                return_no_speech_prob=True,
                suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            )[0]

        result = generate(1)
        if result.scores[0] < DOUBTFUL_CONFIDENCE and result.no_speech_prob <= self._settings.no_speech_threshold:
            return generate(BEAMS)
        return result

    def _in_full_windows(self, audio: NDArray[np.float32]) -> Transcript:
        segments, info = self._model.transcribe(
            audio,
            language=None if self._settings.language == "auto" else self._settings.language,
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
        looping = segment.compression_ratio > MAX_COMPRESSION_RATIO
        return (looping and segment.no_speech_prob > self._settings.no_speech_threshold) or invented(
            segment.text, segment.avg_logprob, segment.no_speech_prob, self._settings
        )

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


# ── guards against invented text ────────────────────────────────────────────────────────────────


def invented(text: str, confidence: float, no_speech: float, settings: TranscriberSettings) -> bool:
    """Nobody said this: it has no words, repeats itself, or comes of doubtful speech.

    `confidence` is the mean token log-probability, `no_speech` Whisper's probability that there is none.
    """
    phrases = [phrase for part in re.split(r"[.!?,]+", text) if (phrase := part.strip())]
    return (
        not re.search(r"\w", text)
        or confidence < settings.min_confidence
        or (no_speech > settings.no_speech_threshold and confidence < -0.5)
        or (all(map(INVENTED.fullmatch, phrases)) and (no_speech > 0.3 or confidence < -0.8))
        or compression_ratio(text) > MAX_COMPRESSION_RATIO
    )


def compression_ratio(text: str) -> float:
    """Bytes of the text per byte of its zlib compression: high when it repeats itself."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


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
    if settings.language not in ("auto", *model.supported_languages):
        raise _unknown_language(settings)
    return model


def _unknown_language(settings: TranscriberSettings) -> TranscriberError:
    return TranscriberError(
        "language-unknown",
        f"The Whisper model {settings.model} does not know the language {settings.language}.",
        "Set transcriber.model to a multilingual one like bundled:base, or transcriber.language to a code like en.",
    )


def _place(name: str) -> str:
    """A directory, or a name for the hub. Raises EngineError when the directory is not there."""
    if name.startswith("bundled:"):
        return str(locate(f"whisper-{name.removeprefix('bundled:')}"))
    place = Path(name).expanduser()
    if not (name.startswith(("/", "~", ".")) or place.is_dir()):
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
