"""What a click is, measured: a jump from sample to sample, and a sudden burst above the frequencies of the voice."""

from __future__ import annotations

import numpy as np

from voxspark.types import Pcm

HOP_SECONDS = 0.0025


def voiced(seconds: float, rate_hz: int, pitch_hz: float = 120.0, peak: float = 0.5) -> Pcm:
    """A vowel that glides and swells, with nothing above 3 kHz."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * pitch_hz * (t + 0.05 * np.sin(2 * np.pi * 0.7 * t))
    wave = sum(np.sin(n * phase) / n for n in range(1, int(2_400 / pitch_hz) + 1))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * t)
    return np.asarray(peak * swell * wave / np.max(np.abs(wave)), np.float32)


def jump(samples: Pcm) -> float:
    """The largest step between neighbours."""
    return float(np.max(np.abs(np.diff(samples)))) if len(samples) > 1 else 0.0


def flux(samples: Pcm, rate_hz: int, above_hz: float = 0.0) -> float:
    """The largest spectral flux: by how much the magnitudes above a frequency rise within 2.5 ms."""
    size = round(4 * HOP_SECONDS * rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, size), size)[:: size // 4]
    bins = np.fft.rfftfreq(size, 1 / rate_hz) >= above_hz
    magnitudes = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))[:, bins]
    return float(np.max(np.sum(np.maximum(0.0, np.diff(magnitudes, axis=0)), axis=1)))
