"""How much later than its reference an echo is heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxspark.types import SAMPLE_RATE_HZ, Pcm

LONGEST_SECONDS = 0.6
"""Wireless speakers take up to 300 ms, and drivers know nothing of it."""

LEAST_SHARPNESS = 7.0
"""Peak over the root mean square of the correlation. Measured in simulated rooms: unrelated sound of three seconds
stays below 4.3, a chime 10 dB above the noise gives 8.4 or more, speech 20."""

AUDIBLE_SHARE = 1e-3
"""Of the strongest bin of the reference: weaker ones (-30 dB) carry noise."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Where the echo is."""

    seconds: float
    sharpness: float
    """How far it stands out of the rest."""


def find_delay(heard: Pcm, reference: Pcm) -> Delay | None:
    """The delay of the reference in what was heard, both 16 kHz and of one length; None when it is not in there.

    Generalised cross-correlation with phase transform (Knapp and Carter, 1976), over the bins that the reference has.
    """
    n = 1 << (2 * len(reference) - 1).bit_length()
    far, near = np.fft.rfft(reference, n), np.fft.rfft(heard, n)
    power = np.abs(far) ** 2
    if not power.any() or not np.any(heard):
        return None
    cross = near * np.conj(far)
    whitened = np.where(power > AUDIBLE_SHARE * power.max(), cross / (np.abs(cross) + 1e-12), 0)
    correlation = np.abs(np.fft.irfft(whitened, n)[: round(LONGEST_SECONDS * SAMPLE_RATE_HZ)])
    peak = int(np.argmax(correlation))
    sharpness = float(correlation[peak] / (np.sqrt(np.mean(correlation**2)) + 1e-12))
    return Delay(peak / SAMPLE_RATE_HZ, sharpness) if sharpness >= LEAST_SHARPNESS else None
