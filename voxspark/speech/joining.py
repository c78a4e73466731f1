"""Joins the pieces that a voice yields into one sound: one rate, no seams, quiet edges, no peak above the ceiling."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxspark.errors import SynthesizerError
from voxspark.types import Pcm

SPOKEN_RATE_HZ = 24_000
"""Of everything that is spoken: what hibari, Kokoro, F5-TTS, CSM and CosyVoice yield."""

FRAME = SPOKEN_RATE_HZ // 200
"""Samples of 5 ms: a fade, and the grid on which loudness and gain are looked at. Whatever the pieces, it begins with
the sound, so that the result does not depend on how the voice cuts it."""

EDGE_FRAMES = 4
"""Quiet kept before the first sound and after the last: soft consonants begin below the threshold."""

QUIET_DBFS = -50.0
"""Below it a frame is silence, for speech of about -18 LUFS."""

CEILING = 10 ** (-1 / 20)
"""-1 dBFS: room for what resampling to the rate of a sound card adds between samples (EBU R 128)."""

RELEASE = 0.005
"""Gain that comes back per frame: 1 in a second, so slow that a voice's pitch is not modulated."""

LARGEST = 8.0
"""18 dB above full scale: the largest gain on a full-scale voice, and some more. Beyond it samples are broken."""

CUTOFF_HZ = 20.0
"""What is below is no voice: an offset, or a drift."""

_RISING: Pcm = np.arange(1, FRAME + 1, dtype=np.float32) / np.float32(FRAME)
_NOTHING: Pcm = np.zeros(0, np.float32)
_NO_FRAMES: Pcm = np.zeros((0, FRAME), np.float32)

SEAM: tuple[Pcm, int] = (_NOTHING, SPOKEN_RATE_HZ)
"""A piece without samples: what follows is another voice's, which fades in where the one before has faded out."""


def checked(samples: Pcm) -> Pcm:
    """The samples, if they can be sound. Raises SynthesizerError, so that another voice can say it."""
    if len(samples) and not np.max(np.abs(samples)) <= LARGEST:  # false for not-a-number, too
        raise SynthesizerError("voice-unsound", "My voice makes noise instead of speech.", "Choose another voice.")
    return samples


async def joined(sounds: AsyncGenerator[tuple[Pcm, int], None], pause_seconds: float) -> AsyncGenerator[Pcm, None]:
    """The pieces of one sentence as they become certain, at 24 kHz, and the pause after it; closes `sounds`.

    Nothing comes of silence. Raises SynthesizerError.
    """
    joiner = Joiner(pause_seconds)
    async with aclosing(sounds):
        async for samples, sample_rate_hz in sounds:
            if len(certain := joiner.feed(samples, sample_rate_hz)):
                yield certain
    if len(rest := joiner.finish()):
        yield rest


class Joiner:
    """One sentence. Holds back 10 ms, and what is quiet for longer than the pause until more follows."""

    def __init__(self, pause_seconds: float) -> None:
        """`pause_seconds` of quiet follow its last sound, be they the voice's own or added."""
        self._pause_frames = EDGE_FRAMES + round(pause_seconds * SPOKEN_RATE_HZ / FRAME)
        self._source: _Source | None = None
        self._limiter = _Limiter()
        self._rest = _NOTHING
        self._held = _NO_FRAMES
        self._begun = False
        self._quiet_frames = 0
        """Handed over since the last sound."""

    def feed(self, samples: Pcm, sample_rate_hz: int) -> Pcm:
        """What is certain after this piece. Raises SynthesizerError for broken samples.

        Where the rate changes, and at a `SEAM`, another voice has taken over in mid-sound.
        """
        if not len(samples):
            self._end_source()
        elif self._source is None or self._source.sample_rate_hz != sample_rate_hz:
            self._end_source()
            self._source = _Source(sample_rate_hz)
        if self._source is not None:
            self._hold(self._frames(self._source.feed(checked(samples))))
        return self._hand_over(self._pause_frames - 1)

    def finish(self) -> Pcm:
        """What was held back, faded out, and the pause; empty when there was no sound at all."""
        self._end_source()
        self._hold(self._frames(np.zeros(-len(self._rest) % FRAME, np.float32)))
        self._hold(self._limiter.flush())
        if not self._begun:
            return _NOTHING
        sound = self._hand_over(self._pause_frames)
        sound[-FRAME:] *= 1 - _RISING
        return np.concatenate((sound, np.zeros((self._pause_frames - self._quiet_frames) * FRAME, np.float32)))

    def _end_source(self) -> None:
        if self._source is not None:
            self._hold(self._frames(self._source.finish()))
            self._source = None

    def _frames(self, samples: Pcm) -> Pcm:
        """The whole frames of this, shape (n, FRAME), one frame late."""
        samples = np.concatenate((self._rest, samples))
        whole = len(samples) // FRAME * FRAME
        self._rest = samples[whole:]
        return self._limiter.feed(samples[:whole].reshape(-1, FRAME))

    def _hold(self, frames: Pcm) -> None:
        self._held = np.concatenate((self._held, frames))
        if not self._begun and len(self._held):
            loud = np.flatnonzero(_loud(self._held))
            self._begun = bool(len(loud))
            first = int(loud[0]) if self._begun else len(self._held)
            self._held = self._held[max(0, first - EDGE_FRAMES) :]
            if self._begun:
                self._held[0] *= _RISING

    def _hand_over(self, most_quiet: int) -> Pcm:
        """What is held, but of what is quiet after the last sound no more than so many frames."""
        if not self._begun:
            return _NOTHING
        loud = np.flatnonzero(_loud(self._held))
        sounding, before = (int(loud[-1]) + 1, 0) if len(loud) else (0, self._quiet_frames)
        n = min(len(self._held), sounding + most_quiet - before)
        self._quiet_frames = before + n - sounding
        sound, self._held = self._held[:n].reshape(-1), self._held[n:]
        return sound


def _loud(frames: Pcm) -> NDArray[np.bool_]:
    power: NDArray[np.float32] = np.mean(np.square(frames), axis=1)
    return power > 10 ** (QUIET_DBFS / 10)


class _Source:
    """One voice at its own rate, as sound at 24 kHz without an offset; fades in and, wherever it breaks off, out."""

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._high_pass = _HighPass(sample_rate_hz)
        self._fade = self._rise = np.linspace(0, 1, sample_rate_hz // 200, dtype=np.float32)
        self._held = _NOTHING
        self._stream: Any = None
        if sample_rate_hz != SPOKEN_RATE_HZ:
            import soxr

            self._stream = soxr.ResampleStream(sample_rate_hz, SPOKEN_RATE_HZ, 1, dtype="float32")

    def feed(self, samples: Pcm) -> Pcm:
        """All but the last 5 ms."""
        samples = self._risen(self._high_pass.feed(samples))
        certain = max(0, len(samples) - len(self._fade))
        self._held = samples[certain:]
        return self._resampled(samples[:certain])

    def finish(self) -> Pcm:
        rest = self._risen(self._high_pass.finish())
        n = min(len(rest), len(self._fade))
        rest[len(rest) - n :] *= self._fade[:n][::-1]
        return self._resampled(rest, last=True)

    def _risen(self, samples: Pcm) -> Pcm:
        n = min(len(samples), len(self._rise))
        samples[:n] *= self._rise[:n]
        self._rise = self._rise[n:]
        return np.concatenate((self._held, samples))

    def _resampled(self, samples: Pcm, *, last: bool = False) -> Pcm:
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples, last=last), np.float32)


class _HighPass:
    """Takes away an offset (first order, 20 Hz); a sound that begins with one begins at zero.

    y[n] = k * y[n - 1] + (1 + k) / 2 * (x[n] - x[n - 1]), as a sum inside each of its frames.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._k = math.exp(-2 * math.pi * CUTOFF_HZ / sample_rate_hz)
        self._frame = max(1, sample_rate_hz // 1_000)
        self._rest = _NOTHING
        self._before: float | None = None
        self._level = 0.0

    def feed(self, samples: Pcm) -> Pcm:
        samples = np.concatenate((self._rest, samples))
        whole = len(samples) // self._frame * self._frame
        self._rest = samples[whole:]
        return self._passed(samples[:whole].reshape(-1, self._frame))

    def finish(self) -> Pcm:
        return self._passed(self._rest[None])

    def _passed(self, frames: Pcm) -> Pcm:
        if not frames.size:
            return _NOTHING
        flat = frames.reshape(-1).astype(np.float64)
        steps = np.diff(flat, prepend=flat[0] if self._before is None else self._before) * (1 + self._k) / 2
        self._before = float(flat[-1])
        decay = self._k ** np.arange(frames.shape[1])
        own = np.cumsum(steps.reshape(frames.shape) / decay, axis=1) * decay
        levels = np.empty((len(own), 1))
        for position, end in enumerate(own[:, -1].tolist()):
            levels[position] = self._level
            self._level = end + self._level * self._k ** frames.shape[1]
        return np.asarray(own + levels * decay * self._k, np.float32).reshape(-1)


class _Limiter:
    """Turns down before a peak, in 5 to 10 ms, and slowly up again; what stays below the ceiling passes untouched."""

    def __init__(self) -> None:
        self._waiting = _NO_FRAMES
        self._gain = 1.0

    def feed(self, frames: Pcm) -> Pcm:
        """The frames whose gain is certain: all but the last, which depends on the next."""
        frames = np.concatenate((self._waiting, frames))
        if not len(frames):
            return frames
        peaks = np.max(np.abs(frames), axis=1).astype(np.float64)
        most = np.minimum(1.0, CEILING / np.maximum(peaks, CEILING)).tolist()
        gains = [min(self._gain, most[0])]
        for this, following in pairwise(most):
            gains.append(min(this, following, gains[-1] + RELEASE))
        self._waiting, self._gain = frames[-1:], gains[-1]
        if min(gains) == 1.0:
            return frames[:-1]
        edges = np.asarray(gains)[:, None]
        return (frames[:-1] * (edges[:-1] + np.diff(edges, axis=0) * _RISING)).astype(np.float32)

    def flush(self) -> Pcm:
        """The frame that waits."""
        last = self.feed(np.zeros((1, FRAME), np.float32)) if len(self._waiting) else _NO_FRAMES
        self._waiting = _NO_FRAMES
        return last
