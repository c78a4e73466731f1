"""Sound for F5-TTS: the recording that it clones, made ready, and its pieces, joined."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from voxspark.audio import fade, join, read_wav, resample, silence, trim_silence
from voxspark.errors import DeviceError, SynthesizerError
from voxspark.types import Pcm
from voxspark.voices import Voice

SAMPLE_RATE_HZ = 24_000

CLIP_SECONDS = (6.0, 12.0)
"""A longer recording is cut at its quietest place between these (F5-TTS's own bounds)."""

LAST_SECONDS = 0.05
"""Of silence, after the recording (F5-TTS's own)."""

LEAST_RMS = 0.1
"""A fainter recording is made this loud, and so is the speech (F5-TTS's own)."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A recording as F5-TTS wants it."""

    samples: Pcm
    """At 24 kHz."""
    text: str
    """What is said in it; ends with a space where it is English."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def read_sample(voice: Voice) -> Sample:
    """The recording of a voice that has one. Raises SynthesizerError."""
    assert voice.recording is not None
    assert voice.reference is not None
    try:
        samples, rate = read_wav(voice.recording)
    except DeviceError as error:
        raise _unusable(voice, "cannot be read", error.message) from error
    samples = trim_silence(resample(samples, rate, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    if not len(samples):
        raise _unusable(voice, "is silent", "It must be 3 to 12 seconds of speech.")
    samples, text = clipped(samples, " ".join(voice.reference.text.split()))
    rms = float(np.sqrt(np.mean(np.square(samples))))
    louder = samples * np.float32(max(1.0, LEAST_RMS / rms))
    return Sample(join(louder, silence(LAST_SECONDS, SAMPLE_RATE_HZ)), ended(text))


def _unusable(voice: Voice, how: str, remedy: str) -> SynthesizerError:
    return SynthesizerError("voice-recording-unusable", f"The recording of the voice {voice.name} {how}.", remedy)


def clipped(samples: Pcm, text: str) -> tuple[Pcm, str]:
    """At most 12 s of it, with as many of the words as fall into them at an even pace."""
    least, most = (int(seconds * SAMPLE_RATE_HZ) for seconds in CLIP_SECONDS)
    if len(samples) <= most:
        return samples, text
    width = SAMPLE_RATE_HZ // 10
    energy = np.convolve(np.square(samples[least:most]), np.ones(width, np.float32), "valid")
    end = least + int(np.argmin(energy)) + width // 2
    words = re.findall(r"\S+\s*", text)
    kept = max(1, round(len(words) * end / len(samples)))
    return samples[:end], "".join(words[:kept]).strip()


def ended(text: str) -> str:
    """As the end of a sentence, which the next one follows; else F5-TTS goes on in it."""
    text = text.strip()
    if text.endswith(("。", "！", "？")):
        return text
    return f"{text} " if text.endswith((".", "!", "?")) else f"{text}. "


def joined(waves: Iterable[tuple[Pcm, bool]], overlap_seconds: float) -> Iterator[Pcm]:
    """Waves, each with whether its sentence goes on in the next one, into which it is then faded over."""
    overlap = int(overlap_seconds * SAMPLE_RATE_HZ)
    tail = np.zeros(0, np.float32)
    for wave, goes_on in waves:
        whole = _faded_over(tail, fade(wave, SAMPLE_RATE_HZ))
        end = len(whole) - min(overlap, len(whole) // 2) if goes_on else len(whole)
        tail = whole[end:]
        yield whole[:end]


def _faded_over(tail: Pcm, wave: Pcm) -> Pcm:
    n = min(len(tail), len(wave))
    if not n:
        return wave
    up = np.linspace(0.0, 1.0, n, dtype=np.float32)
    return join(tail[: len(tail) - n], tail[len(tail) - n :] * up[::-1] + wave[:n] * up, wave[n:])
