"""How loud a microphone is, and whether it can be a microphone at all that gives this."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from voxspark.audio import FULL_SCALE
from voxspark.errors import DeviceError
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, Pcm16

SILENCE_DBFS = -120.0
"""Shown for digital silence; one step of 16 bits is -90."""

AVERAGE_SECONDS = 0.3
"""Integration time of a VU meter (IEC 60268-17)."""

PEAK_SECONDS = 1.5
"""A peak is held so long (a peak programme meter falls by 20 dB in 1.7 s, IEC 60268-10)."""

FLOOR_SECONDS = 10
"""The noise floor is the quietest average of so long: nobody speaks ten seconds without a breath."""

CLIP_LEVEL = 32_700
"""Full scale but for what resampling of a clipped wave takes away."""

CLIP_SECONDS = 5.0
CLIP_SHARE = 0.01
"""More samples at full scale in so long: speech of a sane level has none, and with one in a hundred Whisper hears
worse."""

ZERO_SECONDS = 5.0
"""Zeros alone since it was opened: a converter has noise in its last bit, so this is a mute switch or no microphone."""

GATED_SECONDS = 60.0
"""Zeros alone after there was sound: noise gates give that in a quiet room, but people make sounds within a minute."""

PAUSE_DB = 6.0
"""Noise of a room stays within this of its quietest (speech is 15 dB and more above it)."""

LONGEST_ZERO_SECONDS = 300.0
"""Between two tries to open a silent microphone anew."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a meter shows."""

    level_dbfs: float
    """Root mean square, averaged over 0.3 s."""
    peak_dbfs: float
    """The highest sample of the last 1.5 s."""
    floor_dbfs: float
    """The quietest second of the last ten."""
    clipped: float
    """Share of samples at full scale in the last 5 s, 0..1."""

    def to_json(self) -> dict[str, float]:
        """Decibels to a tenth."""
        return {key: round(value, 4 if key == "clipped" else 1) for key, value in asdict(self).items()}


class LevelMeter:
    """Takes chunks of 512 samples at 16 kHz; some 15 µs each."""

    def __init__(self) -> None:
        self._power = self._seconds = 0.0
        self._second = math.inf
        self._peaks: deque[int] = deque(maxlen=round(PEAK_SECONDS / CHUNK_SECONDS))
        self._floors: deque[float] = deque(maxlen=FLOOR_SECONDS)
        self._clips: deque[int] = deque(maxlen=round(CLIP_SECONDS / CHUNK_SECONDS))

    def feed(self, samples: Pcm16) -> None:
        """Take one chunk."""
        wide = samples.astype(np.float32)
        peak = int(max(wide.max(), -wide.min()))
        self._peaks.append(peak)
        self._clips.append(0 if peak < CLIP_LEVEL else int(np.count_nonzero(np.abs(wide) >= CLIP_LEVEL)))
        power = float(np.dot(wide, wide)) / len(wide)
        share = min(1.0, CHUNK_SECONDS / AVERAGE_SECONDS)
        self._power += share * (power - self._power) if self._seconds else power
        self._second = min(self._second, self._power)
        self._seconds += CHUNK_SECONDS
        if self._seconds >= 1.0:
            self._floors.append(self._second)
            self._second, self._seconds = math.inf, CHUNK_SECONDS

    @property
    def level(self) -> Level:
        """Now."""
        return Level(
            _db(math.sqrt(self._power)),
            _db(max(self._peaks, default=0)),
            _db(math.sqrt(min([*self._floors, min(self._second, self._power)]))),
            sum(self._clips) / (CHUNK_SAMPLES * len(self._clips)) if self._clips else 0.0,
        )

    @property
    def clipping(self) -> bool:
        """Too much of the last five seconds is at full scale."""
        return len(self._clips) == self._clips.maxlen and self.level.clipped > CLIP_SHARE


def _db(amplitude: float) -> float:
    return max(SILENCE_DBFS, 20 * math.log10(amplitude / FULL_SCALE)) if amplitude > 0 else SILENCE_DBFS


class Doubts:
    """Listens whether the chunks of a microphone are what a microphone gives."""

    def __init__(self) -> None:
        self.meter = LevelMeter()
        self.silent = self.clipping = False
        self._zero_seconds = 0.0
        self._patience_seconds = ZERO_SECONDS

    def opened(self, patience_seconds: float | None = None) -> None:
        """A device was opened; another one, if it is to give sound within so long."""
        self.meter, self._zero_seconds = LevelMeter(), 0.0
        self._patience_seconds = patience_seconds or self._patience_seconds

    def feed(self, samples: Pcm16) -> DeviceError | None:
        """Take one chunk; what is newly wrong with the microphone."""
        self.meter.feed(samples)
        if samples.any():
            self.silent, self._zero_seconds, self._patience_seconds = False, 0.0, GATED_SECONDS
        else:
            self._zero_seconds += CHUNK_SECONDS
        if (clipping := self.meter.clipping) != self.clipping:
            self.clipping = clipping
            return cut_off() if clipping else None
        if self.open_anew and not self.silent:
            self.silent = True
            return only_silence()
        return None

    @property
    def sounds(self) -> bool:
        """The last chunk was not zeros alone."""
        return self._zero_seconds == 0

    @property
    def open_anew(self) -> bool:
        """It gave zeros alone for so long that opening it again may help; the next time after twice as long."""
        return self._zero_seconds >= self._patience_seconds

    @property
    def pause(self) -> bool:
        """Nobody speaks now: it is about as quiet as in the quietest of the last seconds."""
        level = self.meter.level
        return level.level_dbfs <= level.floor_dbfs + PAUSE_DB

    def opens_anew(self) -> None:
        """It is done."""
        self._patience_seconds = min(2 * self._patience_seconds, LONGEST_ZERO_SECONDS)


def in_words(report: Mapping[str, Any]) -> str:
    """What `status` has of a microphone or speaker, in one line."""
    parts = [report["device"] or report["state"]]
    if report.get("silent"):
        parts.append("only silence comes: is it muted?")
    elif report.get("level_dbfs") is not None:
        parts.append(
            f"{report['level_dbfs']:.0f} dBFS, peak {report['peak_dbfs']:.0f}, floor {report['floor_dbfs']:.0f}"
        )
        parts += [f"{report['clipped']:.0%} cut off: too loud"] * (report["clipped"] > CLIP_SHARE)
    return ", ".join(parts)


def only_silence() -> DeviceError:
    """What a microphone is told of that gives zeros."""
    return DeviceError(
        "microphone-silent",
        "The microphone gives only silence.",
        "Is it muted, by a switch on it or in the desktop's sound settings? See its level: voxspark mic",
    )


def cut_off() -> DeviceError:
    """What a microphone is told of that clips."""
    return DeviceError(
        "microphone-clipped",
        "The microphone is too loud: what it hears is cut off.",
        "Lower its input level in the desktop's sound settings. See it: voxspark mic",
    )
