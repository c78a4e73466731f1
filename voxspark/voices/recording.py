"""Whether a recording is fit to be cloned from, and what is made of it before it is. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voxspark.audio import fade
from voxspark.types import Pcm

SHORTEST_SECONDS, LONGEST_SECONDS = 3.0, 12.0
"""Of speech. F5-TTS itself cuts a reference at 12 s; below 3 s a clone is of nobody in particular (facts/speech.md)."""

CUT_SECONDS = 60.0
"""A longer recording is not cut to a piece: nobody has said which."""

LEAST_RATE_HZ = 16_000
"""What is recorded with fewer samples lacks the consonants of a voice."""

FRAME_SECONDS = 0.02

KEPT_SECONDS = 0.1
"""Of the quiet around the speech."""

SILENT_DBFS = -50.0
"""Speech below it is not taken for any."""

LEAST_SNR_DB = 20.0
"""Loudest against quietest frames. Eight LibriVox recordings have 24 dB and more, synthetic voices 50 (measured)."""

CLIPPED_SHARE = 6e-3
"""Of samples within a tenth of what one in a thousand exceeds: at most 4 ‰ where nothing is clipped; what was
12 dB too loud and then resampled has more than 16, nine times in ten."""

FLAT_SHARE = 1e-4
"""Of samples at the peak that equal the one before: none where it is not clipped; 3 dB too loud, 0.05 to 5 ‰."""

PAUSE_SECONDS = 0.8
"""A longer one is no part of reading."""

GAP_SECONDS = 0.2
"""Quiet this long is between words, so that a recording can be cut there."""

SPEECH_DBFS, PEAK_DBFS = -20.0, -1.0
"""What a recording is levelled to: root mean square of its speech, and never above that peak."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a recording is not to be cloned from."""

    code: str
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a recording."""

    seconds: float
    speech_dbfs: float
    """Of its loudest frames."""
    noise_dbfs: float
    """Of its quietest."""
    problems: tuple[Problem, ...]
    """None: it can be cloned from."""


def examine(samples: Pcm, sample_rate_hz: int) -> Report:
    """Look at a recording as it would be cloned from: mono, any rate."""
    seconds = len(samples) / sample_rate_hz
    if not np.isfinite(samples).all():
        return Report(seconds, SILENT_DBFS, SILENT_DBFS, (_BROKEN,))
    if sample_rate_hz < LEAST_RATE_HZ:
        return Report(seconds, SILENT_DBFS, SILENT_DBFS, (_coarse(sample_rate_hz),))
    levels = _levels(samples, sample_rate_hz)
    speech, noise = _speech_and_noise(levels)
    if speech < SILENT_DBFS:
        return Report(seconds, speech, noise, (_SILENT, *_of_length(seconds, seconds)))
    spoken, noisy = _spoken(levels), speech - noise < LEAST_SNR_DB and seconds >= SHORTEST_SECONDS
    problems = [*_of_length(seconds, seconds if noisy else _span_seconds(spoken))]
    if _is_clipped(samples, seconds):
        problems.append(_CLIPPED)
    if noisy:
        problems.append(_noisy(speech - noise))
    elif sum(end - start > PAUSE_SECONDS for start, end in _gaps(spoken)) > 1:
        problems.append(_PAUSES)
    return Report(seconds, speech, noise, tuple(problems))


def excerpt(samples: Pcm, sample_rate_hz: int) -> Pcm:
    """The speech without the quiet around it; of more than 12 s, what is before the best pause, where there is one.

    What cannot be shortened, and what is nothing but noise, comes back whole.
    """
    if not np.isfinite(samples).all() or sample_rate_hz < LEAST_RATE_HZ:
        return samples
    spoken = _spoken(_levels(samples, sample_rate_hz))
    if not spoken.any() or len(samples) > CUT_SECONDS * sample_rate_hz:
        return samples
    first = float(np.argmax(spoken)) * FRAME_SECONDS
    start, end = max(0.0, first - KEPT_SECONDS), first + _span_seconds(spoken) + KEPT_SECONDS
    if end - start > LONGEST_SECONDS:
        ends = [
            gap for gap in _gaps(spoken) if SHORTEST_SECONDS <= gap[0] - first <= LONGEST_SECONDS - 2 * KEPT_SECONDS
        ]
        if ends:
            pause = max(ends, key=lambda gap: (gap[0] - first >= LONGEST_SECONDS / 2, gap[1] - gap[0]))
            end = pause[0] + KEPT_SECONDS
    return fade(samples[int(start * sample_rate_hz) : int(end * sample_rate_hz)], sample_rate_hz)


def level(samples: Pcm, sample_rate_hz: int) -> Pcm:
    """The same, as loud as every other recording."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    speech = _speech(samples, sample_rate_hz)
    if not peak or not len(speech):
        return samples
    rms = float(np.sqrt(np.mean(np.square(speech))))
    gain = min(10 ** (SPEECH_DBFS / 20) / rms, 10 ** (PEAK_DBFS / 20) / peak)
    return samples * np.float32(gain)


# ── problems ────────────────────────────────────────────────────────────────────────────────────

_BROKEN = Problem("recording-broken", "It has samples that are no numbers.", "Export it again, as 16-bit PCM.")

_SILENT = Problem(
    "recording-silent",
    "There is no sound in it, or hardly any.",
    "Check the microphone (voxspark devices) and its level.",
)

_CLIPPED = Problem(
    "recording-clipped",
    "It is clipped: the loudest parts are cut off.",
    "Record again with the microphone turned down, or from further away.",
)

_PAUSES = Problem(
    "recording-pauses",
    f"It has more than one pause of over {PAUSE_SECONDS:.1f} s.",
    "Read one or two sentences without stopping, or cut the pauses out.",
)


def _of_length(seconds: float, speech_seconds: float) -> Iterator[Problem]:
    wanted = f"{SHORTEST_SECONDS:.0f} to {LONGEST_SECONDS:.0f} s of speech"
    if speech_seconds < SHORTEST_SECONDS:
        yield Problem(
            "recording-short",
            f"There are {math.floor(10 * speech_seconds) / 10} s of speech in it, and it takes {wanted}.",
            "Read a whole sentence or two.",
        )
    elif seconds > LONGEST_SECONDS:
        yield too_long(seconds)


def too_long(seconds: float) -> Problem:
    """Of a recording that is not cut, or cannot be."""
    return Problem(
        "recording-long",
        f"It is {seconds:.1f} s long, and it takes {SHORTEST_SECONDS:.0f} to {LONGEST_SECONDS:.0f} s of speech.",
        "Cut out one or two sentences: sox FILE.wav NEW.wav trim 0 10",
    )


def _coarse(sample_rate_hz: int) -> Problem:
    return Problem(
        "recording-coarse",
        f"It has {sample_rate_hz:,} samples a second, as a telephone, and it takes {LEAST_RATE_HZ:,}.",
        "Record it again with a microphone; more cannot be made of what there is.",
    )


def _noisy(snr_db: float) -> Problem:
    return Problem(
        "recording-noisy",
        f"The voice is only {max(snr_db, 0.0):.0f} dB above the noise, and it takes {LEAST_SNR_DB:.0f}.",
        "Record in a quiet room, nearer to the microphone.",
    )


# ── measures ────────────────────────────────────────────────────────────────────────────────────


def _levels(samples: Pcm, sample_rate_hz: int) -> NDArray[np.float64]:
    """dBFS of each frame of 20 ms; one of a recording that is shorter."""
    size = max(1, int(FRAME_SECONDS * sample_rate_hz))
    count = max(1, len(samples) // size)
    padded = np.zeros(count * size)
    padded[: len(samples)] = samples[: count * size]
    power = np.mean(np.square(padded.reshape(count, size)), axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def _speech_and_noise(levels: NDArray[np.float64]) -> tuple[float, float]:
    """dBFS that one frame in twenty is louder than, and one in twenty quieter."""
    noise, speech = np.percentile(levels, (5, 95))
    return float(speech), float(noise)


def _spoken(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Frames that are no pause: well above the noise, and not far below the loudest."""
    speech, noise = _speech_and_noise(levels)
    return levels > max(noise + 6.0, speech - 35.0, SILENT_DBFS - 10.0)


def _span_seconds(spoken: NDArray[np.bool_]) -> float:
    """From the first spoken frame to the last."""
    found = np.flatnonzero(spoken)
    return float(found[-1] - found[0] + 1) * FRAME_SECONDS if len(found) else 0.0


def _gaps(spoken: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Begin and end of each quiet stretch between words, in seconds."""
    found = np.flatnonzero(spoken)
    return [
        (float(before + 1) * FRAME_SECONDS, float(after) * FRAME_SECONDS)
        for before, after in pairwise(found)
        if (after - before - 1) * FRAME_SECONDS >= GAP_SECONDS
    ]


def _speech(samples: Pcm, sample_rate_hz: int) -> Pcm:
    """The samples of spoken frames, end to end."""
    mask = np.repeat(_spoken(_levels(samples, sample_rate_hz)), int(FRAME_SECONDS * sample_rate_hz))
    return samples[: len(mask)][mask[: len(samples)]]


def _is_clipped(samples: Pcm, seconds: float) -> bool:
    """By the flat tops of the wave, at whatever level; after a change of rate by how much is near its limit."""
    size = np.abs(samples)
    as_before = np.abs(np.diff(samples, prepend=samples[:1] + 1)) < 1 / 32_768
    if np.mean((size >= 0.97 * size.max()) & as_before) > FLAT_SHARE:
        return True
    return bool(seconds >= SHORTEST_SECONDS and np.mean(size >= 0.9 * np.quantile(size, 0.999)) > CLIPPED_SHARE)
