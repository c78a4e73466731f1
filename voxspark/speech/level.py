"""One loudness for every voice: measured over its last seconds, set anew in the pauses between sentences."""

from __future__ import annotations

import math
from collections import deque

from voxspark.loudness import SPEECH_LUFS, bounded_gain, decibels, integrated_lufs
from voxspark.types import Pcm

WINDOW_SECONDS = 10.0
"""Of its last sentences: one alone is up to 2.5 LU from the voice's mean (measured, hibari and espeak-ng)."""

STEP = decibels(1.0)
"""From a sentence to the next, which nobody notices."""


class Level:
    """The gain of one voice. Constant within a sentence, so that it never pumps."""

    def __init__(self) -> None:
        self.gain = 1.0
        """For the sentence that is next."""
        self._recent: deque[tuple[float, float]] = deque()
        """Loudness and seconds."""

    def hear(self, samples: Pcm, sample_rate_hz: int) -> None:
        """Take a whole sentence as the voice spoke it, before any gain; the first sets the level at once.

        What has no loudness (silence, less than 0.4 s) changes nothing. Blocks for about 2 ms per second of it.
        """
        if (measured := integrated_lufs(samples, sample_rate_hz)) is None:
            return
        known = bool(self._recent)
        self._recent.append((measured, len(samples) / sample_rate_hz))
        while sum(seconds for _, seconds in self._recent) - self._recent[0][1] >= WINDOW_SECONDS:
            self._recent.popleft()
        wanted = bounded_gain(SPEECH_LUFS - self._mean_lufs())
        self.gain = min(self.gain * STEP, max(self.gain / STEP, wanted)) if known else wanted

    def _mean_lufs(self) -> float:
        """By power, as loudness is."""
        power = sum(seconds * 10 ** (measured / 10) for measured, seconds in self._recent)
        return 10 * math.log10(power / sum(seconds for _, seconds in self._recent))
