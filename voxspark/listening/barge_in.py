"""Does somebody interrupt? Policy only; the mechanism is the end of the turn's scope.

A voice ducks the reply at once. What it says decides: its words so far, again and again while it goes on; where there
are none (an echo canceller garbles who speaks over the reply), whether it moves like speech; in the end its length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from voxspark.config_listening import BargeInSettings, BargeInThinkingSettings
from voxspark.listening.articulation import articulation_db
from voxspark.listening.backchannel import is_backchannel, is_stop, is_wait
from voxspark.types import Pcm16, Transcript

Decision = Literal["ignore", "duck", "listen", "interrupt"]
"""`listen`: duck, and find out what was said so far."""

DOUBTFUL_CONFIDENCE = -1.0
"""Mean token log-probability below which words may be invented: so tiny.en writes hums, coughs and laughs down."""

SPEECH_ARTICULATION_DB = 6.0
"""How much the spectrum of half a second of speech varies at least; most hums, laughs and rooms stay below it
(bench/README.md)."""

SLOW_EARS_SECONDS = 0.9
"""Voiced audio after which a transcript that has not come is not waited for; with tiny.en on two cores it comes after
0.15 s. Nods are shorter, most of them."""

NOISES = frozenset({"laughter", "cough", "sneeze", "breath", "cry", "applause", "bgm"})
"""Events that SenseVoice names."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was made of speech during a turn, so far."""

    text: str = ""
    voiced_seconds: float = 0.0
    """Voiced audio that it was made of."""
    confidence: float = 0.0
    """Mean token log-probability."""
    articulation_db: float = 0.0
    """How much its spectrum varies."""
    noise: bool = False
    """The transcriber says that it is none: a laugh, a cough."""
    own: bool = False
    """It is the assistant's own voice."""

    @classmethod
    def of(cls, transcript: Transcript, samples: Pcm16, voiced_seconds: float) -> Hearing:
        """What the transcriber and the sound itself tell."""
        noise = any(tag.removeprefix("event:") in NOISES for tag in transcript.tags)
        return cls(transcript.text, voiced_seconds, transcript.confidence, articulation_db(samples), noise)

    def going_on(self, samples: Pcm16, voiced_seconds: float) -> Hearing:
        """The same words, while the sound goes on: it has moved since they were looked at."""
        return replace(self, voiced_seconds=voiced_seconds, articulation_db=articulation_db(samples))

    @property
    def is_deliberate(self) -> bool:
        """It asks for silence."""
        return is_stop(self.text) or (is_wait(self.text) and not self.own)

    @property
    def is_nod(self) -> bool:
        """Words that only say that somebody listens."""
        return bool(self.text.strip()) and is_backchannel(self.text)

    @property
    def is_clear(self) -> bool:
        """Words that were surely said and want something."""
        words = bool(self.text.strip()) and not self.noise and not is_backchannel(self.text)
        return words and self.confidence >= DOUBTFUL_CONFIDENCE

    @property
    def is_like_speech(self) -> bool:
        """Whatever its words are, a mouth moved."""
        return not self.noise and not self.is_nod and self.articulation_db >= SPEECH_ARTICULATION_DB


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is known of speech during a turn."""

    voiced_seconds: float = 0.0
    """Voiced audio so far, since it began or went on after a pause."""
    hearing: Hearing | None = None
    """What was made of it; None before."""
    finished: bool = False
    """It paused."""
    thinking: bool = False
    """Nothing of the reply can be heard yet."""
    resumes: bool = False
    """The question that the turn answers goes on."""
    deliberate: bool = False
    """A hotkey, a stop word or the wake word: no doubt what is meant."""


def decide(overlap: Overlap, settings: BargeInSettings) -> Decision:
    """`duck` at once for a voice, `listen` when it goes on, `interrupt` when it says something, `ignore` a nod."""
    if overlap.deliberate or (overlap.hearing is not None and overlap.hearing.is_deliberate):
        return "interrupt"
    if overlap.resumes and overlap.thinking:
        return "interrupt" if overlap.voiced_seconds >= settings.thinking.resume_seconds else "ignore"
    if not settings.enabled:
        return "ignore"
    times = settings.thinking if overlap.thinking else settings
    if overlap.finished:
        return _decide_finished(overlap.hearing)
    if overlap.voiced_seconds < times.interrupt_seconds:
        return "duck"
    if overlap.hearing is not None and overlap.hearing.own:
        return "listen"
    return "interrupt" if _must_be_meant(overlap, times) else "listen"


def _decide_finished(hearing: Hearing | None) -> Decision:
    """It paused: without words there is nothing to answer."""
    if hearing is None:
        return "listen"
    speech = hearing.is_clear or (bool(hearing.text.strip()) and hearing.is_like_speech)
    return "interrupt" if speech and not hearing.own else "ignore"


def _must_be_meant(overlap: Overlap, times: BargeInSettings | BargeInThinkingSettings) -> bool:
    """It goes on, and is words, or moves like speech, or has lasted too long for anything else."""
    if overlap.voiced_seconds >= max(times.longest_seconds, times.interrupt_seconds):
        return True
    if (hearing := overlap.hearing) is None:
        return overlap.voiced_seconds >= max(SLOW_EARS_SECONDS, times.interrupt_seconds)
    return hearing.is_clear or (hearing.is_like_speech and hearing.voiced_seconds >= times.unclear_seconds)
