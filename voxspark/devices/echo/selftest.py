"""A short sound, and what the microphone gets of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from voxspark.audio import fade, to_float
from voxspark.devices.echo.canceller import HELD_SAMPLES, Heard
from voxspark.devices.echo.delay import find_delay
from voxspark.devices.playback import AUDIBLE_AMPLITUDE
from voxspark.types import SAMPLE_RATE_HZ, Clip, Pcm16

CHIME_HZ = 24_000
NOTE_SECONDS = 0.16
NOTES_HZ = (523.25, 659.26, 783.99)
"""A major chord, rising."""
CHIME_DBFS = -14.0
"""Its peak: about as loud as speech."""
BREATH = 2.0
"""Share of noise in each note, like a shaker with the stroke on a wooden bar: from tones AEC3 learns nothing, while
after this the first word is weakened by 50 dB already (simulated, 20 to 400 ms of delay)."""

AUDIBLE_DB = 6.0
"""Above the room: a weaker echo is none."""

LOUDEST_FLOOR_DBFS = -45.0
"""In a louder room a chime that is not found may still be there."""

GOOD_LOSS_DB = 12.0
"""By which the canceller must weaken it in this half second, when it has learnt little yet; or else"""

GOOD_RESIDUE_DB = 8.0
"""so near the room what is left must be."""

TAIL_SECONDS = 0.1
LEAST_FLOOR_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of the chime."""

    verdict: Literal["no echo", "cancelled", "heard"]
    echo_db: float
    """The chime at the microphone, above the room."""
    residue_db: float
    """What was left of it, above the room."""
    delay_seconds: float | None = None
    """Behind the reference."""


@cache
def chime() -> Clip:
    """About half a second, like a marimba."""
    rng = np.random.default_rng(5)
    t = np.arange(round(NOTE_SECONDS * CHIME_HZ)) / CHIME_HZ
    notes = []
    for hertz in NOTES_HZ:
        bars = sum(np.sin(2 * np.pi * hertz * k * t) * np.exp(-t * 12 * k) / k for k in (1, 2, 4, 6))
        stroke = rng.standard_normal(len(t)) * np.exp(-t * 12)
        notes.append(fade((bars + BREATH * stroke).astype(np.float32), CHIME_HZ, 0.008))
    sound = np.concatenate(notes)
    return Clip(sound * np.float32(10 ** (CHIME_DBFS / 20) / np.max(np.abs(sound))), CHIME_HZ, "")


def judge(recent: Sequence[Heard]) -> Measured | None:
    """What these last seconds tell, in which the chime was played once; None when something else was as loud."""
    raw, reference, clean = (_joined([getattr(each, name) for each in recent]) for name in Heard.__slots__)
    playing = np.flatnonzero(np.abs(reference) > AUDIBLE_AMPLITUDE)
    if not len(playing) or playing[0] < LEAST_FLOOR_SECONDS * SAMPLE_RATE_HZ:
        return None
    found = find_delay(raw, reference)
    seconds = None if found is None else found.seconds
    late = round((seconds or 0.0) * SAMPLE_RATE_HZ)
    place = slice(playing[0] + late, playing[-1] + late + round(TAIL_SECONDS * SAMPLE_RATE_HZ))
    behind = slice(place.start + HELD_SAMPLES, place.stop + HELD_SAMPLES)
    floor = _level_db(raw[: playing[0]])
    echo, residue = _level_db(raw[place]) - floor, _level_db(clean[behind]) - floor
    if seconds is None and floor > LOUDEST_FLOOR_DBFS:
        return None
    if echo < AUDIBLE_DB:
        return Measured("no echo", echo, residue, seconds)
    if seconds is None:
        return None
    good = residue <= GOOD_RESIDUE_DB or echo - residue >= GOOD_LOSS_DB
    return Measured("cancelled" if good else "heard", echo, residue, seconds)


def _joined(pieces: list[Pcm16]) -> NDArray[np.float32]:
    return to_float(np.concatenate(pieces))


def _level_db(samples: NDArray[np.float32]) -> float:
    """RMS in dBFS, at least -90."""
    return 10 * math.log10(float(np.mean(samples**2)) + 1e-9) if len(samples) else -90.0
