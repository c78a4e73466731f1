"""The ears: whoever is first and fit hears, and where one fails the next hears the same utterance."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from voxspark.errors import EngineError, TranscriberError
from voxspark.events import EarsChanged
from voxspark.protocols import Clock, Emit
from voxspark.types import Pcm16, Transcript
from voxspark.voicing.selftest import WRONG_WORDS, missed_share
from voxspark.voicing.succession import UNTESTED, Candidate, How, Succession

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class KnownSpeech:
    """A recording of somebody, by which ears are tested."""

    samples: Pcm16
    text: str


@dataclass(eq=False)
class Hearing(Succession):
    """All ears as one; see `protocols.Transcriber`."""

    known: KnownSpeech | None
    """None where there is none in the language that they are set to: then they are taken as they are."""
    emit: Emit
    clock: Clock

    STANDS_BY: ClassVar[bool] = False

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """Of the first who can. One that is not in memory is loaded when the one before it has failed: an utterance is
        not lost. Raises EngineError."""
        tried: dict[str, EngineError] = {}
        while (candidate := self._first(tried)) is not None:
            try:
                return await self._hear(candidate, samples, hot_words, "load" if tried else "there")
            except EngineError as error:
                tried[candidate.key] = error
                self._failed(candidate, error)
                if error.code != UNTESTED and (following := self._first(tried)):
                    self._tell(following, candidate, error.message)
        raise next(iter(tried.values()), self._nobody())

    async def _hear(self, candidate: Candidate, samples: Pcm16, hot_words: Sequence[str], how: How) -> Transcript:
        async with candidate.open(how) as ears:
            if self._is_anew(candidate, ears.engine):
                raise TranscriberError(UNTESTED, f"{candidate.name} has been loaded anew.")
            transcript: Transcript = await ears.guard(ears.engine.transcribe(samples, hot_words=hot_words))
            self._of(candidate).failures = 0
            return transcript

    async def _test(self, candidate: Candidate) -> str:
        async with candidate.open("wait") as ears:
            missed = 0.0
            if self.known is not None:
                heard: Transcript = await ears.guard(ears.engine.transcribe(self.known.samples))
                missed = missed_share(self.known.text, heard.text)
        trouble = f"Of a known sentence it hears {1 - missed:.0%}." if missed > WRONG_WORDS else ""
        self._tested(candidate, ears.engine, trouble)
        return trouble

    def _tell(self, serves: Candidate, instead_of: Candidate, reason: str) -> None:
        log.warning("%s hears instead of %s: %s", serves.key, instead_of.key, reason)
        self.emit(EarsChanged(self.clock(), serves.key, instead_of.key, reason))

    def _refused(self, candidate: Candidate, trouble: str) -> EngineError:
        return TranscriberError(
            "ears-refused",
            f"{candidate.name} does not pass its self-test.",
            f"{trouble} Choose another transcriber.engine or transcriber.model.",
        )

    def _nobody(self) -> EngineError:
        return TranscriberError("ears-missing", "There are no ears that I could hear with.", "Look at: voxspark doctor")
