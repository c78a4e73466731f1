"""A simulated acoustic path: loudspeaker, room, microphone, and two sound cards whose clocks are not the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import soxr

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

    def response(self) -> Pcm:
        """Of loudspeaker, air and walls to a click, 16 kHz."""
        rng = np.random.default_rng(self.seed)
        n = max(1, round(self.reverberation_seconds * SAMPLE_RATE_HZ))
        walls = 0.15 * rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
        walls[0] = 1.0
        late = np.zeros(round(self.delay_seconds * SAMPLE_RATE_HZ))
        return np.asarray(np.concatenate((late, walls * 10 ** (self.echo_db / 20))), np.float32)

    def driven(self, played: Pcm) -> Pcm:
        """What the loudspeaker makes of it."""
        return np.asarray(np.tanh(2 * played) / 2 if self.loudspeaker else played, np.float32)

    def echo(self, played: Pcm) -> Pcm:
        """What the microphone gets of this, 16 kHz; as long as it is."""
        sound, response = self.driven(played), self.response()
        size = len(sound) + len(response) - 1
        echo = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: len(sound)]
        return np.asarray(echo, np.float32)

    def noise(self, n: int) -> Pcm:
        """The room by itself."""
        rng = np.random.default_rng(self.seed + 1)
        return np.asarray(rng.standard_normal(n) * 10 ** (self.noise_dbfs / 20), np.float32)


class Microphone:
    """Hears a room while it is played into; nothing is known beforehand."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._response = room.response()
        self._sound: Pcm = np.zeros(len(self._response), np.float32)
        self._heard = 0
        self._down = soxr.ResampleStream(SPEAKER_HZ, SAMPLE_RATE_HZ, 1, dtype="float32")

    def played(self, samples: Pcm, _rate: int, _heard_at: float) -> None:
        """The speaker plays this next."""
        self._sound = np.concatenate((self._sound, self._room.driven(self._down.resample_chunk(samples))))

    def hear(self, n: int) -> Pcm:
        """The next samples of the echo."""
        self._heard += n
        end = self._heard + len(self._response)
        return np.convolve(self._sound[end - n - len(self._response) + 1 : end], self._response, "valid")


@dataclass
class Cards:
    """A speaker and a microphone in step, but for drift and jitter of their clocks."""

    played: Callable[[Pcm, int, float], None]
    drift_ppm: float = 0.0
    """By which the speaker's clock is faster than the microphone's."""
    jitter_seconds: float = 0.003
    """Of the dates of speaker blocks."""
    playback: Playback = field(default_factory=lambda: Playback(SPEAKER_HZ, 0.1))
    """What is played, while `chunks` is read."""
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def chunks(self, far: Pcm | None, near: Pcm) -> Iterator[Chunk]:
        """Play `far` (48 kHz, from 0 s) while the microphone gets `near` (16 kHz): its chunks, each when it is due.

        Without `far`, what is put into `playback` meanwhile is played."""
        if far is not None:
            self.playback = Playback(SPEAKER_HZ, len(far) / SPEAKER_HZ + 1, self.played)
            self.playback.push(far)
        rate = SPEAKER_HZ * (1 + self.drift_ppm * 1e-6)
        pulled = 0
        for k in range(len(near) // CHUNK_SAMPLES):
            at = k * CHUNK_SECONDS
            while pulled / rate < at + CHUNK_SECONDS + LATENCY_SECONDS:
                self.playback.pull(BLOCK, pulled / rate + self._rng.uniform(-1, 1) * self.jitter_seconds)
                pulled += BLOCK
            yield Chunk(to_pcm16(near[k * CHUNK_SAMPLES : (k + 1) * CHUNK_SAMPLES]), at)


def faster(samples: Pcm, ppm: float) -> Pcm:
    """These 16 kHz samples as they arrive when the clock that plays them is faster by so much."""
    places = np.arange(len(samples)) * (1 + ppm * 1e-6)
    return np.asarray(np.interp(places, np.arange(len(samples)), samples), np.float32)
