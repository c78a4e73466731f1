"""Pauses between spoken pieces, and the sound before an announcement."""

from __future__ import annotations

from voxspark import audio
from voxspark.types import Pcm

CLAUSE_PAUSE_SECONDS = 0.08
SENTENCE_PAUSE_SECONDS = 0.22


def ends_sentence(text: str) -> bool:
    """The text does not stop in the middle, as it does where a model ran out of tokens."""
    return text.rstrip(" \"')]”’*_").endswith((".", "!", "?", "…", ":", "。", "！", "？"))


def pause_seconds(text: str) -> float:
    """The pause after a spoken piece, by what it ends with."""
    return SENTENCE_PAUSE_SECONDS if ends_sentence(text) else CLAUSE_PAUSE_SECONDS


def chime_samples(sample_rate_hz: int) -> Pcm:
    """Two rising tones before an announcement nobody asked for just now."""
    low, high = (audio.tone(hz, 0.18, sample_rate_hz) for hz in (660.0, 880.0))
    return audio.join(low, high, audio.silence(0.25, sample_rate_hz))
