"""What is common to every engine that runs Whisper: what it is asked, and when its answer is not believed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from voxspark.config_speech import TranscriberSettings
from voxspark.errors import TranscriberError

FULL_SECONDS = 30
"""Whisper's own window."""

AFTERMATH_SECONDS = 4
"""Silence encoded after the speech, for which the window grows: with 1 s, speech that repeats words ("… the end of it")
is transcribed again from its beginning; with 4 s it is not, and other speech has no more errors (measured)."""

TOKENS_PER_SECOND = 10
"""Nobody speaks faster; a decoder that goes on longer is looping."""

UNSURE_CONFIDENCE = -0.25
"""Mean token log-probability below which hot words are tried. Of 32 sentences with odd names all that they help are
below it, of the 20 recorded cases four."""

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


def window_seconds(speech_seconds: float, settings: TranscriberSettings) -> float:
    """How much to encode for speech of this length."""
    return min(max(settings.window_seconds, speech_seconds + AFTERMATH_SECONDS), FULL_SECONDS)


def most_tokens(speech_seconds: float) -> int:
    """The longest transcript that speech of this length can have."""
    return 16 + int(speech_seconds * TOKENS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class Reading:
    """What Whisper wrote, and how sure it was."""

    text: str
    confidence: float
    """Mean token log-probability."""
    no_speech: float
    """Its probability that nobody spoke."""


Read = Callable[[Sequence[str], int], Reading]
"""With these hot words and so many beams."""


def understood(read: Read, hot_words: Sequence[str], settings: TranscriberSettings) -> Reading:
    """What was said; without text where nobody said it."""
    told: Sequence[str] = ()
    reading = read(told, 1)
    if hot_words and reading.confidence < UNSURE_CONFIDENCE:
        other = read(hot_words, 1)
        if _is_better(other, reading, hot_words, settings):
            told, reading = hot_words, other
    if reading.confidence < DOUBTFUL_CONFIDENCE and reading.no_speech <= settings.no_speech_threshold:
        reading = read(told, BEAMS)
    return replace(reading, text="") if invented(reading, settings) else reading


def _is_better(other: Reading, plain: Reading, hot_words: Sequence[str], settings: TranscriberSettings) -> bool:
    """Whether the hot words have been of use: they also change what has nothing to do with them, mostly for the worse,
    and where nobody speaks Whisper reads them out."""
    if other.confidence <= plain.confidence or (is_echo(other.text, hot_words) and invented(plain, settings)):
        return False
    said, said_before = f" {' '.join(_words(other.text))} ", f" {' '.join(_words(plain.text))} "
    phrases = (f" {' '.join(_words(each))} " for each in hot_words)
    return any(phrase in said and phrase not in said_before for phrase in phrases)


def invented(reading: Reading, settings: TranscriberSettings) -> bool:
    """Nobody said this: it has no words, repeats itself, or comes of doubtful speech."""
    text, confidence, no_speech = reading.text, reading.confidence, reading.no_speech
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


# ── hot words ───────────────────────────────────────────────────────────────────────────────────


def hint(hot_words: Sequence[str]) -> str:
    """What Whisper reads as what was said before; it spells words the way they were spelled there."""
    return f" {', '.join(hot_words)}." if hot_words else ""


def is_echo(text: str, hot_words: Sequence[str]) -> bool:
    """Whether the text is nothing but hot words: on silence and noise Whisper reads them out."""
    words = _words(text)
    return bool(words) and set(words) <= set(_words(" ".join(hot_words)))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


# ── languages ───────────────────────────────────────────────────────────────────────────────────


def require_languages(settings: TranscriberSettings, known: Collection[str], *, is_multilingual: bool) -> None:
    """Raises TranscriberError when the model does not know what it is to hear."""
    wanted = (settings.language,) if settings.language != "auto" else settings.languages * is_multilingual
    for code in wanted:
        if code not in known:
            raise TranscriberError(
                "language-unknown",
                f"The Whisper model {settings.model} does not know the language {code}.",
                "Set transcriber.model to a multilingual one like bundled:base, or transcriber.language to a code"
                " like en.",
            )
