"""A simulated acoustic path: loudspeaker, room, microphone, and two sound cards whose clocks are not the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from voxspark.audio import to_pcm16
from voxspark.devices.playback import Playback
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, Pcm

SPEAKER_HZ = 48_000
BLOCK = 960
"""Samples of one speaker callback: 20 ms."""
LATENCY_SECONDS = 0.08
"""How long before it is heard a block is pulled."""


@dataclass
class Room:
    """The path from speaker to microphone: delay, then a direct sound and a decaying reverberation, then noise."""

    delay_seconds: float = 0.08
    echo_db: float = -6.0
    """At the microphone, by what is played."""
    reverberation_seconds: float = 0.25
    noise_dbfs: float = -65.0
    loudspeaker: bool = True
    """It is overdriven: tanh."""
    seed: int = 1

    def echo(self, played: Pcm) -> Pcm:
        """What the microphone gets of this, 16 kHz; as long as it is."""
        rng = np.random.default_rng(self.seed)
        n = max(1, round(self.reverberation_seconds * SAMPLE_RATE_HZ))
        response = 0.15 * rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
        response[0] = 1.0
        sound = np.tanh(2 * played) / 2 if self.loudspeaker else played
        size = len(sound) + n - 1
        echo = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: len(sound)]
        late = round(self.delay_seconds * SAMPLE_RATE_HZ)
        heard = np.concatenate((np.zeros(late), echo * 10 ** (self.echo_db / 20)))[: len(sound)]
        return np.asarray(heard, np.float32)

    def noise(self, n: int) -> Pcm:
        """The room by itself."""
        rng = np.random.default_rng(self.seed + 1)
        return np.asarray(rng.standard_normal(n) * 10 ** (self.noise_dbfs / 20), np.float32)


@dataclass
class Cards:
    """A speaker and a microphone in step, but for drift and jitter of their clocks."""

    played: Callable[[Pcm, int, float], None]
    drift_ppm: float = 0.0
    """By which the speaker's clock is faster than the microphone's."""
    jitter_seconds: float = 0.003
    """Of the dates of speaker blocks."""
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def chunks(self, far: Pcm, near: Pcm) -> Iterator[Chunk]:
        """Play `far` (48 kHz, from 0 s) while the microphone gets `near` (16 kHz): its chunks, each when it is due."""
        playback = Playback(SPEAKER_HZ, len(far) / SPEAKER_HZ + 1)
        playback.tap = self.played
        playback.push(far)
        rate = SPEAKER_HZ * (1 + self.drift_ppm * 1e-6)
        pulled = 0
        for k in range(len(near) // CHUNK_SAMPLES):
            at = k * CHUNK_SECONDS
            while pulled / rate < at + CHUNK_SECONDS + LATENCY_SECONDS:
                playback.pull(BLOCK, pulled / rate + self._rng.uniform(-1, 1) * self.jitter_seconds)
                pulled += BLOCK
            yield Chunk(to_pcm16(near[k * CHUNK_SAMPLES : (k + 1) * CHUNK_SAMPLES]), at)


def faster(samples: Pcm, ppm: float) -> Pcm:
    """These 16 kHz samples as they arrive when the clock that plays them is faster by so much."""
    places = np.arange(len(samples)) * (1 + ppm * 1e-6)
    return np.asarray(np.interp(places, np.arange(len(samples)), samples), np.float32)
