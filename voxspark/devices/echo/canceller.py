"""An echo canceller on its clock of 10 ms, chunk by chunk; and what is known of the echo."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from voxspark.audio import to_float, to_pcm16
from voxspark.devices.echo.delay import Delay, find_delay
from voxspark.devices.echo.far_end import FarEnd
from voxspark.devices.playback import AUDIBLE_AMPLITUDE
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, Pcm16

FRAME_SAMPLES = SAMPLE_RATE_HZ // 100

HELD_SAMPLES = 128
"""Every chunk leaves this much late (8 ms), so that each completes the frames that the next one out needs."""

LEAD_SECONDS = 0.05
"""How far the reference is ahead of the microphone: a driver that says that it plays later than it does would put the
echo before its cause, which no filter can follow. AEC3 finds the delay."""

RING_OUT_SECONDS = 0.3
"""After playback stops, the room and a driver's buffers may still be heard; then the transcriber gets the raw
microphone, because AEC3 garbles who speaks at the same time (facts/speech.md 6)."""

REST_SECONDS = 1.0
"""After playback stops, the canceller rests; its filter keeps what it has learnt."""

GAP_SECONDS = 0.1
"""A chunk this far from where it is due follows a gap."""

SMOOTHING_SECONDS = 2.0
"""Over which levels are averaged."""

KEPT_SECONDS = 3.0
"""Of sound before and after, for those who measure."""

MEASURE_SECONDS = 4.0
"""Of playback between two looks for the delay."""

_FLOOR = 1e-9
"""Power of -90 dBFS."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One chunk before and after."""

    raw: Pcm16
    reference: Pcm16
    clean: Pcm16
    """8 ms later than the others."""


class Filter(Protocol):
    """What does the work, in whole frames of 160 samples at 16 kHz."""

    def process(self, near: Pcm16, far: Pcm16) -> tuple[Pcm16, Pcm16]:
        """`near` without the echo of `far`: for a transcriber, and for voice detection."""
        ...

    def expect(self, delay_seconds: float) -> None:
        """The echo comes so much later than the reference."""
        ...


class Canceller:
    """Takes what the speaker plays out of the microphone's chunks; without a filter it only watches."""

    def __init__(self, far_end: FarEnd, filter: Filter | None) -> None:
        self.filter = filter
        self._far_end = far_end
        self.recent: deque[Heard] = deque(maxlen=round(KEPT_SECONDS / CHUNK_SECONDS))
        """The last seconds, oldest first."""
        self.chunks = 0
        """How many there were."""
        self.delay: Delay | None = None
        """Of the echo behind what is played, by the dates of both drivers; None while none was found."""
        self.idle = False
        """No echo was found: the filter, which would also take from who speaks, waits until one is."""
        self._quiet_seconds = math.inf
        self._unmeasured_seconds = 0.0
        self._raw_power = self._clean_power = 0.0
        self._due = 0.0
        self._echoless: Pcm16 = np.zeros(CHUNK_SAMPLES, np.int16)
        self._restart(0.0)

    @property
    def audible(self) -> bool:
        """Something is played, or was so lately that it may still be heard."""
        return self._quiet_seconds <= RING_OUT_SECONDS + LEAD_SECONDS

    @property
    def unsettled(self) -> bool:
        """The speaker just ran dry: for some tenths of a second nobody knows what of it is heard."""
        return self._works and self.audible and self._far_end.unsettled(self._due)

    @property
    def loss_db(self) -> float | None:
        """How much weaker the sound became lately while something was played; None when nothing was."""
        if not self._raw_power:
            return None
        return 10 * math.log10((self._raw_power + _FLOOR) / (self._clean_power + _FLOOR))

    @property
    def drift_ppm(self) -> float:
        """How much faster the speaker's clock runs than the microphone's."""
        return self._far_end.drift_ppm

    def clean(self, chunk: Chunk) -> Chunk:
        """The chunk without the echo, 8 ms late; `heard` is what a transcriber should get."""
        if abs(chunk.at - self._due) > GAP_SECONDS:
            self._restart(chunk.at)
        self._due = chunk.at + CHUNK_SECONDS
        far = self._far_end.read(chunk.at + LEAD_SECONDS, CHUNK_SAMPLES)
        audible = bool(np.max(np.abs(far)) > AUDIBLE_AMPLITUDE)
        self._quiet_seconds = 0.0 if audible else self._quiet_seconds + CHUNK_SECONDS
        raw = self._work(chunk.samples, to_pcm16(far))
        at = chunk.at - HELD_SAMPLES / SAMPLE_RATE_HZ
        if not self._works:
            return Chunk(raw, at)
        return Chunk(self.recent[-1].clean, at, heard=self._echoless if self.audible else raw)

    def forget(self) -> None:
        """Other devices: what was measured is theirs no more."""
        self.delay, self.idle = None, False
        self._raw_power = self._clean_power = 0.0

    @property
    def _works(self) -> bool:
        return self.filter is not None and not self.idle and self._quiet_seconds <= REST_SECONDS

    def _restart(self, at: float) -> None:
        """Begin again after a gap."""
        self._due = at
        silence = np.zeros(HELD_SAMPLES, np.int16)
        self._near = self._far = np.zeros(0, np.int16)
        self._rests = [silence] * 3

    def _work(self, near: Pcm16, far: Pcm16) -> Pcm16:
        self._near, self._far = np.concatenate((self._near, near)), np.concatenate((self._far, far))
        whole = len(self._near) // FRAME_SAMPLES * FRAME_SAMPLES
        frames, reference = self._near[:whole], self._far[:whole]
        self._near, self._far = self._near[whole:], self._far[whole:]
        echoless, calm = self.filter.process(frames, reference) if self.filter and self._works else (frames, frames)
        joined = [np.concatenate(pair) for pair in zip(self._rests, (frames, echoless, calm), strict=True)]
        self._rests = [each[CHUNK_SAMPLES:] for each in joined]
        raw, self._echoless, clean = (each[:CHUNK_SAMPLES] for each in joined)
        self._note(Heard(near, far, clean))
        return raw

    def _note(self, heard: Heard) -> None:
        self.recent.append(heard)
        self.chunks += 1
        if self._quiet_seconds > 0:
            return
        share = CHUNK_SECONDS / SMOOTHING_SECONDS
        self._raw_power += share * (_power(heard.raw) - self._raw_power)
        self._clean_power += share * (_power(heard.clean) - self._clean_power)
        self._unmeasured_seconds += CHUNK_SECONDS
        if self._unmeasured_seconds >= MEASURE_SECONDS:
            self.measure()

    def measure(self) -> Delay | None:
        """Look for the echo in the last seconds, and tell the filter where it is; None when there is none."""
        self._unmeasured_seconds = 0.0
        heard = to_float(np.concatenate([each.raw for each in self.recent]))
        found = find_delay(heard, to_float(np.concatenate([each.reference for each in self.recent])))
        if found is None:
            return None
        self.idle = False
        self.delay = replace(found, seconds=found.seconds - LEAD_SECONDS)
        if self.filter is not None:
            self.filter.expect(found.seconds)
        return self.delay


def _power(samples: Pcm16) -> float:
    return float(np.mean(to_float(samples) ** 2))
