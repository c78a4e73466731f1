"""What the speaker plays, as the reference of the canceller: mono, 16 kHz, at the time when it is heard."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxspark.devices.dating import STEP_SECONDS, Steps
from voxspark.types import SAMPLE_RATE_HZ, Pcm

RING_SAMPLES = 1 << 16
"""About 4 s: a driver plays at most one second ahead, and the microphone is at most two seconds late."""

MOST_BLOCKS = 1_000
"""That wait to be read: seconds, whatever the driver's block; the oldest go when nobody reads."""

SETTLING_SECONDS = 0.3
"""After a step, until the canceller has found its way."""

DRIFT_GAIN = 0.01
"""Part of the time error that is followed per block otherwise."""

JUMP_SECONDS = 0.04
"""An error of alignment above this is jumped over; a smaller one is closed by reading slower or faster."""

SLACK_SECONDS = 0.015
"""An error below this is left alone: dates are no truer, and AEC3 follows a drift by itself (its ERLE falls by 1 to
3 dB at 200 ppm, facts/speech.md 6)."""

MOST_DRIFT = 3e-4
"""By which it is read slower or faster: sound cards differ by less than 200 ppm."""

FULL_DRIFT_SECONDS = 0.005
"""The error beyond the slack at which that is reached."""

RINGING_SECONDS = 0.1
"""Silence after which the resampler has nothing left to say, and rests."""

_TAPS = np.arange(-1, 3)


class FarEnd:
    """The played samples of the last seconds. `played` belongs to the audio thread, all else to the loop."""

    def __init__(self, offset: Callable[[], float] = lambda: 0.0) -> None:
        """`offset` turns the speaker's clock into the microphone's."""
        self._offset = offset
        self._blocks: deque[tuple[Pcm, int, float]] = deque(maxlen=MOST_BLOCKS)
        self._ring = np.zeros(RING_SAMPLES, np.float32)
        self._rate = self._frames = self._written = self._sounding = self._ringing = 0
        self._base = self._shift = 0.0
        """When sample 0 of the ring is heard; and by how much what is written now is later than its count says."""
        self._resampler: Any = None
        self._next: float | None = None
        """Where the reader goes on, in samples at 16 kHz."""
        self._ratio_error = 0.0
        self._found = Steps()
        self._settled_at = -math.inf
        self.steps = 0
        """How often the speaker ran dry, or the alignment was lost."""

    def played(self, samples: Pcm, sample_rate_hz: int, heard_at: float) -> None:
        """Audio thread: these are heard from `heard_at` on. They must not change any more."""
        self._blocks.append((samples, sample_rate_hz, heard_at))

    @property
    def drift_ppm(self) -> float:
        """How much faster than the microphone the speaker's samples are read, to stay with it."""
        return self._ratio_error * 1e6

    def unsettled(self, at: float) -> bool:
        """It is not known well enough what is heard at this time: the speaker just ran dry."""
        return at < self._settled_at or self._found.pending

    def read(self, at: float, n: int) -> Pcm:
        """What is heard at the speaker in the `n` samples of the microphone's clock from `at`; zeros where unknown."""
        self._take()
        if not self._rate:
            return np.zeros(n, np.float32)
        wanted = (at - self._base) * SAMPLE_RATE_HZ
        if self._next is None or abs(wanted - self._next) > JUMP_SECONDS * SAMPLE_RATE_HZ:
            self.steps += self._next is not None
            self._next = wanted
        error = (wanted - self._next) / SAMPLE_RATE_HZ
        beyond = math.copysign(max(0.0, abs(error) - SLACK_SECONDS), error)
        self._ratio_error = MOST_DRIFT * min(1.0, max(-1.0, beyond / FULL_DRIFT_SECONDS))
        places = self._next + np.arange(n, dtype=np.float64) * (1.0 + self._ratio_error)
        self._next += n * (1.0 + self._ratio_error)
        return self._between(places) if places[0] < self._sounding + len(_TAPS) else np.zeros(n, np.float32)

    def _between(self, places: NDArray[np.floating[Any]]) -> Pcm:
        """By the cubic through the four samples around each place (Catmull and Rom)."""
        whole = np.floor(places).astype(np.int64)
        f = (places - whole).astype(np.float32)
        around = whole[:, None] + _TAPS
        known = (around >= max(0, self._written - RING_SAMPLES)) & (around < self._written)
        a, b, c, d = np.where(known, self._ring[around % RING_SAMPLES], np.float32(0)).T
        curve = c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a))
        return np.asarray(b + 0.5 * f * curve, np.float32)

    def _take(self) -> None:
        while self._blocks:
            samples, rate, heard_at = self._blocks.popleft()
            self._date(heard_at + self._offset(), rate)
            self._frames += len(samples)
            self._write(samples)

    def _date(self, heard_at: float, rate: int) -> None:
        """Where the next block belongs."""
        if rate != self._rate:
            self._restart(rate, heard_at)
        error = heard_at - (self._base + self._shift + self._frames / rate)
        if abs(error) <= STEP_SECONDS:
            self._base += DRIFT_GAIN * error
        if step := self._found.find(heard_at, error):
            self._step(step, heard_at)

    def _step(self, seconds: float, heard_at: float) -> None:
        """All from here is so much later (or earlier) than it would be without a gap."""
        if abs(seconds) * SAMPLE_RATE_HZ > RING_SAMPLES:
            self._restart(self._rate, heard_at)
            return
        self._shift += seconds
        samples = round(seconds * SAMPLE_RATE_HZ)
        if samples > 0:
            self._append(np.zeros(samples, np.float32))
        else:
            self._written = max(0, self._written + samples)
        self.steps += 1
        self._settled_at = heard_at + SETTLING_SECONDS

    def _restart(self, rate: int, heard_at: float) -> None:
        self._rate, self._base, self._shift = rate, heard_at, 0.0
        self._frames = self._written = self._sounding = 0
        self._next = None
        self._resampler = None
        self._ringing = 0
        self._found.clear()

    def _write(self, samples: Pcm) -> None:
        if samples.any():
            self._ringing = round(RINGING_SECONDS * self._rate)
        else:
            self._ringing = max(0, self._ringing - len(samples))
        if self._ringing:
            self._append(self._resample(samples))
            self._sounding = self._written
        else:
            self._resampler = None
            due = round((self._frames / self._rate + self._shift) * SAMPLE_RATE_HZ) - self._written
            self._append(np.zeros(min(RING_SAMPLES, max(0, due)), np.float32))

    def _resample(self, samples: Pcm) -> Pcm:
        if self._rate == SAMPLE_RATE_HZ:
            return samples
        if self._resampler is None:
            import soxr

            self._resampler = soxr.ResampleStream(self._rate, SAMPLE_RATE_HZ, 1, dtype="float32")
        return np.asarray(self._resampler.resample_chunk(samples), np.float32)

    def _append(self, samples: Pcm) -> None:
        self._ring[np.arange(self._written, self._written + len(samples)) % RING_SAMPLES] = samples
        self._written += len(samples)
