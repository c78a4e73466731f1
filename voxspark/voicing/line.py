"""The line of voices: whoever is first and fit speaks, and where one fails in mid-sentence the next goes on.

A voice is tested before it is heard: whenever its engine is loaded anew it waits, as long as another is fit, until it
has said a known sentence in a quiet moment. One that keeps people waiting three times in a row gives way until then,
too.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import anyio
import numpy as np
from anyio.abc import TaskStatus

from voxspark import audio
from voxspark.errors import EngineError, SynthesizerError
from voxspark.events import VoiceChanged
from voxspark.language import current
from voxspark.protocols import Clock, Emit
from voxspark.speech.heard import unsaid
from voxspark.speech.joining import SEAM, checked
from voxspark.types import SAMPLE_RATE_HZ, Pcm, Pcm16, TurnResult, Utterance
from voxspark.voicing.selftest import SelfTest, Verdict
from voxspark.voicing.stored import RATE_HZ, Stored
from voxspark.voicing.succession import PATIENCE, UNTESTED, Candidate, Succession

log = logging.getLogger(__name__)

T = TypeVar("T")

NOTHING_TO_SAY = "nothing-to-say"

PREPARE_SECONDS = 60.0
"""From the start to the first fixed sentence that is made before it is wanted."""

PREPARE_PAUSE_SECONDS = 2.0
"""From one of them to the next: an idle machine stays nearly idle."""

STALLED_SECONDS = 30.0
"""Without a sound, after which the next voice goes on."""

LONGEST_HEARD_SECONDS = 30.0
"""What the user says for longer is no sentence of a dialogue."""

LONGEST_SECONDS, LONGEST_SECONDS_PER_CHARACTER = 10.0, 0.5
"""Of speech: what takes longer, even letter by letter, never ends."""


@dataclass(slots=True)
class _Said:
    """How far one voice has come with a text."""

    seconds: float = 0.0
    waited_seconds: float = 0.0
    first_audio_seconds: float = math.inf


@dataclass(eq=False)
class Line(Succession):
    """All voices as one; see `protocols.Synthesizer`."""

    selftest: SelfTest
    emit: Emit
    clock: Clock
    stored: Stored | None = None
    """Where the sound of fixed sentences is kept."""
    _confidants: set[str] = field(default_factory=set, init=False)
    """Who may remember something that the user said."""

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Pieces of the first voice that can say it, and of the next where one fails. Raises EngineError."""
        tried: dict[str, EngineError] = {}
        while (candidate := self._first(tried)) is not None:
            said = _Said()
            try:
                async with aclosing(self._say(candidate, text, said)) as pieces:
                    async for piece in pieces:
                        yield piece
                self._judge_pace(candidate, text, said)
                return
            except EngineError as error:
                tried[candidate.key] = error
                text = self._after(candidate, text, said)
                if error.code != NOTHING_TO_SAY:
                    self._failed(candidate, error)
                    if error.code != UNTESTED and (following := self._first(tried)):
                        self._tell(following, candidate, error.message)
            if not text:
                return
            if said.seconds:
                yield SEAM
        raise next(iter(tried.values()), self._nobody())

    async def answered(self, utterance: Utterance, result: TurnResult) -> None:
        """A turn is over: who speaks hears what was answered, if it listens; who spoke before forgets what it heard."""
        samples, speaker = utterance.samples, self._first({})
        if samples is None or not (result.transcript and result.heard):
            return
        for candidate in self.candidates:
            if candidate.listens and candidate is speaker and candidate.speaks(current()):
                if len(samples) <= LONGEST_HEARD_SECONDS * SAMPLE_RATE_HZ:
                    self._confidants.add(candidate.key)
                    await self._let_hear(candidate, result.transcript, samples)
            elif candidate.key in self._confidants:
                self._confidants.discard(candidate.key)
                await self._let_hear(candidate, "", samples[:0])

    async def _let_hear(self, candidate: Candidate, text: str, samples: Pcm16) -> None:
        try:
            async with candidate.open("there") as speaking:
                await speaking.guard(speaking.engine.hear(text, samples))
        except Exception as error:  # an engine's boundary: nothing depends on it, and nothing of it is told
            log.info("%s has not heard the user: %s", candidate.key, type(error).__name__)

    async def prepare(
        self,
        when_quiet: Callable[[], Awaitable[None]],
        yielding: Callable[[Callable[[], Awaitable[bool]]], Awaitable[bool | None]],
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Have the fixed sentences on disk before they are wanted, one in every quiet moment; a turn ends what is
        `yielding` to it."""
        task_status.started()
        await anyio.sleep(PREPARE_SECONDS)
        for text in self.stored.texts() if self.stored else ():
            await when_quiet()
            while await yielding(partial(self._prepare, text)) is None:
                await when_quiet()

    async def _prepare(self, text: str) -> bool:
        """Whether there was anything to do."""
        candidate = self._first({})
        if candidate is None or not self._is_well(candidate) or self._kept(candidate, text) is not None:
            return False
        await anyio.sleep(PREPARE_PAUSE_SECONDS)
        with suppress(EngineError):
            async with aclosing(self._say(candidate, text, _Said())) as pieces:
                async for _ in pieces:
                    pass
        return True

    # ── one after the other ─────────────────────────────────────────────────────────────────────

    async def _say(self, candidate: Candidate, text: str, said: _Said) -> AsyncGenerator[tuple[Pcm, int], None]:
        if (kept := self._kept(candidate, text)) is not None:
            yield kept * np.float32(self._of(candidate).level.gain), RATE_HZ
            return
        began, sentence = self._now(), list[Pcm]()
        longest = LONGEST_SECONDS + LONGEST_SECONDS_PER_CHARACTER * len(text)
        async with candidate.open("there") as speaking:
            fitness = self._of(candidate)
            if self._is_anew(candidate, speaking.engine):
                raise SynthesizerError(UNTESTED, f"{candidate.name} has been loaded anew.")
            async with aclosing(speaking.engine.synthesize(text)) as pieces:
                while (piece := await _in_time(candidate, speaking.guard(anext(pieces, None)))) is not None:
                    samples, rate = checked(piece[0]), piece[1]
                    now = self._now()
                    said.waited_seconds += now - began
                    said.first_audio_seconds = min(said.first_audio_seconds, said.waited_seconds)
                    said.seconds += len(samples) / rate
                    if said.seconds > longest:
                        raise SynthesizerError("voice-endless", f"{candidate.name} finds no end.")
                    if len(samples):
                        sentence.append(samples)
                        yield samples * np.float32(fitness.level.gain), rate
                    began = self._now()
            if sentence:
                self._heard(candidate, text, audio.join(*sentence), rate)

    def _kept(self, candidate: Candidate, text: str) -> Pcm | None:
        return self.stored.get(candidate.sound, text) if self.stored and candidate.sound else None

    def _heard(self, candidate: Candidate, text: str, samples: Pcm, sample_rate_hz: int) -> None:
        """A voice has said the whole text."""
        self._of(candidate).failures = 0
        self._of(candidate).level.hear(samples, sample_rate_hz)
        if self.stored and candidate.sound and self._is_well(candidate):
            self.stored.put(candidate.sound, text, samples, sample_rate_hz)

    def _after(self, candidate: Candidate, text: str, said: _Said) -> str:
        """What the next voice has to say."""
        if not said.seconds:
            return text
        return unsaid(text, said.seconds * self._of(candidate).characters_per_second / len(text))

    def _judge_pace(self, candidate: Candidate, text: str, said: _Said) -> None:
        if not said.seconds:
            return
        fitness = self._of(candidate)
        fitness.characters_per_second = len(text) / said.seconds
        late = said.first_audio_seconds > candidate.first_audio_seconds
        halting = said.waited_seconds > max(said.seconds, candidate.first_audio_seconds)
        fitness.misses = fitness.misses + 1 if late or halting else 0
        if fitness.misses < PATIENCE or fitness.doubt or not self._is_replaceable(candidate):
            return
        fitness.doubt = f"{candidate.name} was too slow {PATIENCE} times in a row."
        fitness.since = self._now()
        if following := self._first({}):
            self._tell(following, candidate, fitness.doubt)

    def _tell(self, serves: Candidate, instead_of: Candidate, reason: str) -> None:
        log.warning("%s speaks instead of %s: %s", serves.key, instead_of.key, reason)
        self.emit(VoiceChanged(self.clock(), serves.key, instead_of.key, reason))

    # ── tests ───────────────────────────────────────────────────────────────────────────────────

    async def _test(self, candidate: Candidate) -> str:
        """Its trouble. Raises EngineError when it cannot be had."""
        async with candidate.open("wait") as speaking:
            verdict: Verdict = await speaking.guard(self.selftest.of(speaking.engine, candidate.native))
        fitness = self._tested(candidate, speaking.engine, verdict.trouble)
        if not verdict.trouble:
            fitness.level.hear(verdict.samples, verdict.sample_rate_hz)
            fitness.characters_per_second = verdict.characters_per_second
            if verdict.first_audio_seconds > candidate.first_audio_seconds:
                fitness.doubt = f"{candidate.name} takes {verdict.first_audio_seconds:.1f} seconds to begin."
        return verdict.trouble

    def _refused(self, candidate: Candidate, trouble: str) -> EngineError:
        return SynthesizerError(
            "voice-refused",
            f"{candidate.name} does not pass its self-test.",
            f"{trouble} Hear it yourself with voxspark voices try, or choose another voice.engine.",
        )

    def _nobody(self) -> EngineError:
        return SynthesizerError(
            "voice-missing", "There is no voice that I could speak with.", "Look at: voxspark doctor"
        )


async def _in_time(candidate: Candidate, sound: Awaitable[T]) -> T:
    """Raises SynthesizerError when nothing comes for long."""
    try:
        with anyio.fail_after(STALLED_SECONDS):
            return await sound
    except TimeoutError as error:
        raise SynthesizerError("voice-stalled", f"{candidate.name} gives no more sound.") from error
