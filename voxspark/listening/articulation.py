"""Does a sound move like speech? A talking mouth changes the shape of the spectrum all the time; a hum hardly does."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from voxspark.types import SAMPLE_RATE_HZ, Pcm16

FRAME_SAMPLES = 400
HOP_SAMPLES = 160
SPECTRUM_SAMPLES = 512
BANDS = 18
LOWEST_HZ, HIGHEST_HZ = 80.0, 7_000.0

LOUD_DB = 25.0
"""Frames this far below the loudest say nothing of the mouth."""

FLOOR_DB = 45.0
"""Bands this far below the loudest count as silent, so that the noise of the room does not move."""


def articulation_db(samples: Pcm16) -> float:
    """How much the shape of the spectrum varies, as its standard deviation over the loud frames in dB; 0 for none."""
    if len(samples) < FRAME_SAMPLES:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), FRAME_SAMPLES)[::HOP_SAMPLES]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME_SAMPLES), SPECTRUM_SAMPLES)) ** 2
    loudness, bands = power.sum(axis=1), power @ _mel_bands().T
    if not loudness.max():
        return 0.0
    bands = bands[loudness >= loudness.max() * 10 ** (-LOUD_DB / 10)]
    shapes = 10 * np.log10(bands + bands.max() * 10 ** (-FLOOR_DB / 10))
    shapes -= shapes.mean(axis=1, keepdims=True)
    return float(np.sqrt(shapes.var(axis=0).mean()))


@cache
def _mel_bands() -> NDArray[np.float64]:
    """Triangles over the bins of the spectrum, shape (bands, bins)."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(SPECTRUM_SAMPLES, 1 / SAMPLE_RATE_HZ)
    lower, middle, upper = (edges[start : start + BANDS, np.newaxis] for start in range(3))
    rising, falling = (bins - lower) / (middle - lower), (upper - bins) / (upper - middle)
    return np.clip(np.minimum(rising, falling), 0.0, None)
