"""What every speaker has in common: a short queue, a gain without clicks, and the count of what was heard."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import anyio
import numpy as np
from anyio.lowlevel import checkpoint

from voxspark.errors import DeviceError
from voxspark.protocols import Clock
from voxspark.types import Clip, Pcm

GAIN_RAMP_SECONDS = 0.01
"""Time for a change of gain from 0 to 1; shorter clicks, longer is heard as a delay."""

STOP_FADE_SECONDS = 0.005
"""Of what is dropped, and of a sound that breaks off because its voice is late."""

AUDIBLE_AMPLITUDE = 10 ** (-60 / 20)
"""-60 dBFS: below the noise of a quiet room."""

Tap = Callable[[Pcm, int, float], None]
"""Gets what is played: the samples, their rate, and when the first is heard. Called from the audio thread."""

_SHORTEST_WAIT_SECONDS = 0.001
_NOTHING: Pcm = np.zeros(0, np.float32)


class Playback:
    """A bounded queue of samples between `play()` and whoever pulls them; safe between two threads.

    All times are seconds on one monotonic clock, chosen by the caller. The lock is held for microseconds. `tap` gets
    all that is pulled, silence too.
    """

    def __init__(self, sample_rate_hz: int, queue_seconds: float, tap: Tap | None = None) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.tap = tap
        self._ring = np.zeros(max(1, round(queue_seconds * sample_rate_hz)), np.float32)
        self._start = self._filled = 0
        self._tail: Pcm = np.zeros(0, np.float32)
        self._last = 0.0
        """The last sample that was pulled from the queue."""
        self._gain = self._target_gain = 1.0
        self._pulled = 0
        self._heard_until = -math.inf
        self._audible_at: float | None = None
        self._lock = threading.Lock()

    @property
    def capacity(self) -> int:
        """Samples that fit."""
        return len(self._ring)

    @property
    def pending(self) -> int:
        """Samples that the next pulls will give: the queue and the fade-out where it breaks off, or that of a stop."""
        with self._lock:
            breaks_off = self._filled or abs(self._last) > AUDIBLE_AMPLITUDE
            return max(self._filled + (self._fade_samples if breaks_off else 0), len(self._tail))

    @property
    def audible_at(self) -> float | None:
        """When the first audible sample of this reply is heard."""
        return self._audible_at

    def begin(self) -> None:
        """Start a new reply: nothing heard yet, gain 1."""
        with self._lock:
            self._pulled, self._heard_until, self._audible_at = 0, -math.inf, None
            self._gain = self._target_gain = 1.0

    def push(self, samples: Pcm) -> int:
        """Queue as many of these samples as fit; returns how many. Not-a-number becomes silence."""
        with self._lock:
            n = min(len(samples), len(self._ring) - self._filled)
            self._ring[self._places(self._filled, n)] = np.nan_to_num(samples[:n], posinf=1.0, neginf=-1.0)
            self._filled += n
            return n

    def pull(self, n: int, heard_at: float) -> Pcm:
        """The next `n` samples, the first of which is heard at `heard_at`; silence where the queue is empty."""
        out = np.zeros(n, np.float32)
        with self._lock:
            taken = min(n, self._filled)
            out[:taken] = self._ring[self._places(0, taken)] * self._gains(taken)
            self._start = (self._start + taken) % len(self._ring)
            self._filled -= taken
            if taken:
                self._last = float(out[taken - 1])
                self._count(out[:taken], heard_at)
            self._give_tail(out, 0)
            if taken < n:
                self._break_off(out, taken)
        if self.tap is not None:
            self.tap(out, self.sample_rate_hz, heard_at)
        return out

    def _break_off(self, out: Pcm, taken: int) -> None:
        """The queue is empty: what it ended with fades away, and what follows fades in."""
        self._gain = self._target_gain
        if abs(self._last) > AUDIBLE_AMPLITUDE:
            self._gain = 0.0
            self._fade_away(np.full(self._fade_samples, self._last, np.float32))
            self._give_tail(out, taken)
        self._last = 0.0

    def _fade_away(self, samples: Pcm, gain: float = 1.0) -> None:
        """Add these to what fades away already."""
        tail = np.zeros(max(len(samples), len(self._tail)), np.float32)
        tail[: len(self._tail)] = self._tail
        tail[: len(samples)] += samples * np.linspace(gain, 0.0, len(samples), dtype=np.float32)
        self._tail = tail

    def _give_tail(self, out: Pcm, start: int) -> None:
        n = min(len(out) - start, len(self._tail))
        out[start : start + n] += self._tail[:n]
        self._tail = self._tail[n:]

    @property
    def _fade_samples(self) -> int:
        return round(STOP_FADE_SECONDS * self.sample_rate_hz)

    def stop(self, now: float) -> float:
        """Drop the queue but for a short fade-out; the seconds of this reply heard by `now`."""
        with self._lock:
            if fading := min(self._filled, self._fade_samples):
                self._fade_away(self._ring[self._places(0, fading)], self._gain)
                self._last = 0.0
            self._filled = 0
            return max(0.0, self._pulled / self.sample_rate_hz - max(0.0, self._heard_until - now))

    def duck(self, gain: float) -> None:
        """Move to this gain, 0..1."""
        self._target_gain = min(1.0, max(0.0, gain))

    def remaining_seconds(self, now: float) -> float:
        """Until everything queued is heard; at least what is known now."""
        with self._lock:
            return self._filled / self.sample_rate_hz + max(0.0, self._heard_until - now)

    def _places(self, offset: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.arange(self._start + offset, self._start + offset + n, dtype=np.int64) % len(self._ring)

    def _gains(self, n: int) -> Pcm | np.float32:
        change = self._target_gain - self._gain
        if not change or not n:
            return np.float32(self._gain)
        steps = np.arange(1, n + 1, dtype=np.float32) / np.float32(GAIN_RAMP_SECONDS * self.sample_rate_hz)
        gains = np.float32(self._gain) + np.sign(np.float32(change)) * np.minimum(steps, np.float32(abs(change)))
        self._gain = self._target_gain if steps[-1] >= abs(change) else float(gains[-1])
        return np.asarray(gains, dtype=np.float32)

    def _count(self, samples: Pcm, heard_at: float) -> None:
        self._pulled += len(samples)
        self._heard_until = heard_at + len(samples) / self.sample_rate_hz
        if self._audible_at is None:
            audible = np.flatnonzero(np.abs(samples) > AUDIBLE_AMPLITUDE)
            if len(audible):
                self._audible_at = heard_at + int(audible[0]) / self.sample_rate_hz


class QueuedSpeaker:
    """A Speaker over a Playback; a subclass says what pulls it, by which clock, and when the device is gone."""

    description = "speaker"
    """For a person: which device this is."""

    def __init__(self, clock: Clock, playback: Playback) -> None:
        self._clock = clock
        self._playback = playback
        self._reply = 0
        self._closed = False
        self._resampler: Any = None
        self._resampled_hz = 0

    def begin(self) -> None:
        """A new reply; what is left of the one before is dropped."""
        self.stop()
        self._playback.begin()

    async def play(self, clip: Clip) -> None:
        """Queue one clip, waiting for space; ends early when `stop()` drops the reply. Raises DeviceError."""
        await checkpoint()
        reply = self._reply
        samples = np.ascontiguousarray(clip.samples, dtype=np.float32)
        step = max(1, clip.sample_rate_hz // 10)  # 100 ms at a time, so that resampling never holds the loop up
        for start in range(0, len(samples), step):
            await self._queue(self._at_own_rate(samples[start : start + step], clip.sample_rate_hz), reply)

    async def drain(self) -> None:
        """Return when everything queued has been heard. Raises DeviceError."""
        await self._queue(self._end_resampling(), self._reply)
        while True:
            self._check()
            self._advance()
            remaining = self._playback.remaining_seconds(self._now())
            if remaining <= 0:
                return
            await anyio.sleep(max(_SHORTEST_WAIT_SECONDS, remaining))

    def stop(self) -> float:
        """Drop what is queued, at once; the seconds of this reply that were heard."""
        self._reply += 1
        self._resampler, self._resampled_hz = None, 0
        self._advance()
        return self._playback.stop(self._now())

    def duck(self, gain: float) -> None:
        """Play on at this gain, 0..1, after a ramp of 10 ms."""
        self._advance()
        self._playback.duck(gain)

    @property
    def audible_since(self) -> float | None:
        """Audio clock of the first sample of this reply above -60 dBFS, or None while there is none."""
        self._advance()
        at = self._playback.audible_at
        return None if at is None else self._clock() - (self._now() - at)

    async def lost(self) -> DeviceError:
        """Return when the device goes away, with the reason; most never do."""
        await anyio.sleep_forever()
        raise AssertionError

    def close(self) -> None:
        """Let the device go, without waiting. A closed speaker does not play."""
        self._advance()
        self._closed = True

    async def _queue(self, samples: Pcm, reply: int) -> None:
        while self._reply == reply:
            self._check()
            self._advance()
            samples = samples[self._playback.push(samples) :]
            if not len(samples):
                return
            wait = min(len(samples), self._playback.capacity // 4) / self._playback.sample_rate_hz
            await anyio.sleep(max(_SHORTEST_WAIT_SECONDS, wait))

    def _at_own_rate(self, samples: Pcm, from_hz: int) -> Pcm:
        """As one stream over all clips of a rate, so that they join without a seam."""
        rest = _NOTHING
        if from_hz != self._resampled_hz:
            rest, self._resampled_hz = self._end_resampling(), from_hz
        if from_hz == self._playback.sample_rate_hz:
            return np.concatenate((rest, samples))
        if self._resampler is None:
            import soxr

            self._resampler = soxr.ResampleStream(from_hz, self._playback.sample_rate_hz, 1, dtype="float32")
        return np.concatenate((rest, self._resampler.resample_chunk(samples)))

    def _end_resampling(self) -> Pcm:
        """What the resampler still holds."""
        stream, self._resampler, self._resampled_hz = self._resampler, None, 0
        return _NOTHING if stream is None else np.asarray(stream.resample_chunk(_NOTHING, last=True), np.float32)

    def _now(self) -> float:
        return self._clock()

    def _advance(self) -> None:
        """Catch up with the clock, where no thread does."""

    def _check(self) -> None:
        """Raise DeviceError when the device cannot play."""
        if self._closed:
            raise DeviceError("speaker-closed", "The speaker is closed.")
