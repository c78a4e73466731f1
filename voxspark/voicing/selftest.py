"""A voice says a known sentence and the ears tell what they hear: this is how one that only makes noise is found.

Of torch on a new GPU it is known that kernels run without an error and give noise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType

import anyio
import numpy as np

from voxspark import audio
from voxspark.errors import EngineError, SynthesizerError
from voxspark.language import Language, speaking
from voxspark.protocols import Synthesizer, Transcriber
from voxspark.types import SAMPLE_RATE_HZ, Pcm

SENTENCES: Mapping[Language, str] = MappingProxyType(
    {
        "en": "Good morning. The weather is very nice today, and the sun is shining.",
        "de": "Guten Morgen. Das Wetter ist heute sehr schön, und die Sonne scheint.",
        "es": "Buenos días. Hoy hace muy buen tiempo y brilla el sol.",
        "fr": "Bonjour. Il fait très beau aujourd'hui, et le soleil brille.",
    }
)
"""Common words, which the smallest Whisper hears from the plainest voice."""

SILENT_DBFS = -55.0
CLIPPED_SHARE = 0.005
"""Of samples at full scale: a sentence that is only loud has fewer."""

NOISE_FLATNESS = 0.35
"""Geometric over arithmetic mean of the power spectrum, in the median of loud frames: 0.56 for white noise, below 0.1
for speech (measured with the voices here)."""

FEWEST_SECONDS_PER_CHARACTER, MOST_SECONDS_PER_CHARACTER = 0.02, 0.25
"""People speak some 15 characters a second."""

WRONG_WORDS = 0.5
"""Share of the words that are not heard from which it is no speech; the smallest Whisper misses some of a robot's."""

FRAME_SECONDS = 0.032

TEST_SECONDS = 60.0
"""For the whole sentence, of a voice that is loaded."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a self-test finds."""

    trouble: str
    """Why this voice must not be heard, in a sentence; empty when it may."""
    samples: Pcm
    sample_rate_hz: int
    first_audio_seconds: float
    """From the sentence to its first sample."""
    characters_per_second: float
    """Its pace."""


class SelfTest:
    """Has voices speak, and listens."""

    def __init__(self, ears: Transcriber, understands: str | None) -> None:
        """`understands` is the language that the ears are set to; None for any."""
        self._ears = ears
        self._understands = understands

    async def of(self, voice: Synthesizer, language: Language) -> Verdict:
        """The verdict about a voice. Raises EngineError when it cannot speak at all."""
        began, first, seconds = anyio.current_time(), 0.0, 0.0
        pieces: list[Pcm] = []
        rate, characters = SAMPLE_RATE_HZ, len(SENTENCES[language])
        try:
            with speaking(language), anyio.fail_after(TEST_SECONDS):
                async with aclosing(voice.synthesize(SENTENCES[language])) as sounds:
                    async for samples, sample_rate_hz in sounds:
                        first, rate = first or anyio.current_time() - began, sample_rate_hz
                        pieces.append(samples)
                        seconds += len(samples) / rate
                        if seconds > characters * MOST_SECONDS_PER_CHARACTER:
                            break  # it may have no end
        except TimeoutError as error:
            raise SynthesizerError("voice-stalled", "It takes too long to say a sentence.") from error
        said = audio.join(*pieces) if pieces else np.zeros(0, np.float32)
        trouble = trouble_in_sound(said, rate, characters) or await self._words(said, rate, language)
        return Verdict(trouble, said, rate, first, characters * rate / max(len(said), 1))

    async def _words(self, said: Pcm, rate: int, language: Language) -> str:
        if self._understands not in (None, language):
            return ""
        heard = audio.to_pcm16(audio.resample(said, rate, SAMPLE_RATE_HZ))
        try:
            transcript = await self._ears.transcribe(heard)
        except EngineError:
            return ""  # deaf ears say nothing about a voice
        missed = missed_share(SENTENCES[language], transcript.text)
        return f"Only {1 - missed:.0%} of its words can be heard." if missed > WRONG_WORDS else ""


def trouble_in_sound(samples: Pcm, sample_rate_hz: int, characters: int) -> str:
    """Why this cannot be somebody speaking a text of so many characters; empty when it may be."""
    seconds = len(samples) / sample_rate_hz
    if not np.isfinite(samples).all():
        return "It gives no sound but errors."
    if audio.dbfs(samples) < SILENT_DBFS:
        return "It is silent."
    if seconds < characters * FEWEST_SECONDS_PER_CHARACTER or seconds > characters * MOST_SECONDS_PER_CHARACTER:
        return f"It takes {seconds:.1f} seconds for a sentence of {characters} characters."
    if float(np.mean(np.abs(samples) >= 0.999)) > CLIPPED_SHARE:
        return "It is clipped."
    if _flatness(samples, sample_rate_hz) > NOISE_FLATNESS:
        return "It is noise."
    return ""


def _flatness(samples: Pcm, sample_rate_hz: int) -> float:
    """The median over the louder half of the frames."""
    frame = int(FRAME_SECONDS * sample_rate_hz)
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(frame), axis=1)))[:, 1:] + 1e-12
    loud = power[power.sum(axis=1) >= np.median(power.sum(axis=1))]
    return float(np.median(np.exp(np.log(loud).mean(axis=1)) / loud.mean(axis=1)))


def missed_share(wanted: str, heard: str) -> float:
    """Of the words of a sentence, those that are not heard in their order."""
    words, others = (re.findall(r"\w+", text.lower()) for text in (wanted, heard))
    row = [0] * (len(others) + 1)  # the longest common subsequence
    for word in words:
        last = row
        row = [0]
        for position, other in enumerate(others):
            row.append(last[position] + 1 if word == other else max(last[position + 1], row[position]))
    return 1 - row[-1] / len(words)
