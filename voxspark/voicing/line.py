"""The line of voices: whoever is first and fit speaks, and where one fails in mid-sentence the next goes on.

A voice is tested before it is heard: whenever its engine is loaded anew it waits, as long as another is fit, until it
has said a known sentence in a quiet moment. One that keeps people waiting three times in a row gives way until then,
too.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar

import anyio
import numpy as np
from anyio.abc import TaskStatus

from voxspark import audio
from voxspark.errors import EngineError, SynthesizerError
from voxspark.events import VoiceChanged
from voxspark.language import LANGUAGES, Language, current
from voxspark.protocols import Clock, Emit, Synthesizer
from voxspark.speech.heard import unsaid
from voxspark.speech.joining import SEAM, checked
from voxspark.speech.level import Level
from voxspark.types import Pcm
from voxspark.voicing.selftest import SelfTest, Verdict
from voxspark.voicing.stored import RATE_HZ, Stored

log = logging.getLogger(__name__)

T = TypeVar("T")

NOTHING_TO_SAY, UNTESTED = "nothing-to-say", "voice-untested"

PATIENCE = 3
"""Budgets missed in a row after which a faster voice takes over."""

LOOK_SECONDS = 30.0
"""From one look at who is untested to the next; the first leaves the start of the daemon in peace."""

RETEST_SECONDS = 300.0
"""Until a voice that gave way, or has failed as often as there is patience, may show that it is well again."""

STALLED_SECONDS = 30.0
"""Without a sound, after which the next voice goes on."""

LONGEST_SECONDS, LONGEST_SECONDS_PER_CHARACTER = 10.0, 0.5
"""Of speech: what takes longer, even letter by letter, never ends."""

CHARACTERS_PER_SECOND = 15.0
"""Of speech, where nothing is known of a voice yet."""


class Speaking(Protocol):
    """A voice that may be used right now."""

    engine: Any
    """A `Synthesizer`."""

    async def guard(self, work: Awaitable[T]) -> T:
        """What the engine does is awaited through this. Raises EngineError when it has to leave before it is there."""
        ...


class Opening(Protocol):
    """How a voice is had."""

    def __call__(self, *, patient: bool) -> AbstractAsyncContextManager[Speaking]:
        """`patient`: it is loaded if need be; else it is had at once or not at all. Raises EngineError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One voice in the line."""

    key: str
    name: str
    """For sentences."""
    open: Opening
    languages: Collection[str] = ()
    """ISO 639-1; none for any."""
    sound: str = ""
    """What its sound depends on, in words: under this it is stored. Empty: it is not."""
    first_audio_seconds: float = 1.0
    """Its budget from a text to the first sample of it."""

    def speaks(self, language: Language) -> bool:
        """Whether it is a voice of this language."""
        return not self.languages or language in self.languages

    @property
    def native(self) -> Language:
        """The language that it is tested in."""
        return next((each for each in LANGUAGES if self.speaks(each)), "en")


@dataclass(slots=True)
class Fitness:
    """What is known of a voice, as it is loaded now."""

    engine: object = None
    """Which of its loads this is about."""
    tested: bool = False
    since: float = -math.inf
    """When its trouble or a doubt was found, on the loop's clock."""
    trouble: str = ""
    """Why it must not be heard."""
    doubt: str = ""
    """Why it is heard only if no other can be."""
    misses: int = 0
    """Budgets missed in a row."""
    failures: int = 0
    """Since it has last said a whole text: to pass a test is not enough."""
    level: Level = field(default_factory=Level)
    """Brings it to the loudness of the others."""
    characters_per_second: float = CHARACTERS_PER_SECOND


@dataclass(slots=True)
class _Said:
    """How far one voice has come with a text."""

    seconds: float = 0.0
    waited_seconds: float = 0.0
    first_audio_seconds: float = math.inf


def always(make: Callable[[], Synthesizer]) -> Opening:
    """A voice that takes no memory of the plan, made when it is first wanted."""
    once = cache(make)

    @asynccontextmanager
    async def open(*, patient: bool) -> AsyncGenerator[Speaking, None]:
        yield _Own(once())

    return open


@dataclass(slots=True)
class _Own:
    engine: Any

    async def guard(self, work: Awaitable[T]) -> T:
        return await work


@dataclass(eq=False)
class Line:
    """All voices as one; see `protocols.Synthesizer`."""

    candidates: Sequence[Candidate]
    """The first is who should speak."""
    selftest: SelfTest
    emit: Emit
    clock: Clock
    stored: Stored | None = None
    """Where the sound of fixed sentences is kept."""
    fitness: dict[str, Fitness] = field(default_factory=dict)
    """By key."""
    _wake: anyio.Event = field(default_factory=anyio.Event)

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
                self._failed(candidate, error, self._first(tried))
            if not text:
                return
            if said.seconds:
                yield SEAM
        raise next(iter(tried.values()), _speechless())

    async def warm(self) -> None:
        """Load and test voices until one is fit. Raises the first one's EngineError when none is."""
        errors: dict[str, EngineError] = {}
        first = self._first(errors)
        while (candidate := self._first(errors)) is not None:
            try:
                if not (trouble := await self._test(candidate)):
                    if first is not None and candidate is not first:
                        self._tell(candidate, first, self._of(first).trouble or errors[first.key].message)
                    return
                errors[candidate.key] = _refused(candidate, trouble)
            except EngineError as error:
                errors[candidate.key] = error
        raise next(iter(errors.values()), _speechless())

    async def run(
        self, when_quiet: Callable[[], Awaitable[None]], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Load who stands behind the first, and test in quiet moments who is untested or gave way."""
        task_status.started()
        for candidate in self.candidates:
            if not self._is_well(candidate):
                await self._load(candidate)
        while True:
            with anyio.move_on_after(LOOK_SECONDS):
                await self._wake.wait()
            self._wake = anyio.Event()
            for candidate in self.candidates:
                if self._is_due(candidate):
                    await when_quiet()
                    await self._test_again(candidate)

    def state(self) -> list[dict[str, str]]:
        """For people: each voice, and what is wrong with it."""
        return [
            {"voice": each.key, "trouble": self._of(each).trouble or self._of(each).doubt} for each in self.candidates
        ]

    # ── one after the other ─────────────────────────────────────────────────────────────────────

    def _of(self, candidate: Candidate) -> Fitness:
        return self.fitness.setdefault(candidate.key, Fitness())

    def _is_well(self, candidate: Candidate) -> bool:
        fitness = self._of(candidate)
        return fitness.tested and not fitness.trouble and not fitness.doubt

    def _is_due(self, candidate: Candidate) -> bool:
        """For a test."""
        fitness = self._of(candidate)
        at_once = not fitness.tested and fitness.failures < PATIENCE
        return not self._is_well(candidate) and (at_once or anyio.current_time() - fitness.since >= RETEST_SECONDS)

    def _first(self, tried: Mapping[str, EngineError]) -> Candidate | None:
        """Who speaks in this language and is well; else whoever may be heard at all."""
        able = [each for each in self.candidates if each.key not in tried and not self._of(each).trouble]

        def rank(candidate: Candidate) -> tuple[bool, bool, bool]:
            fitness = self._of(candidate)
            return (not candidate.speaks(current()), bool(fitness.doubt), not fitness.tested)

        return min(able, key=rank, default=None)

    async def _say(self, candidate: Candidate, text: str, said: _Said) -> AsyncGenerator[tuple[Pcm, int], None]:
        if (kept := self._kept(candidate, text)) is not None:
            yield kept * np.float32(self._of(candidate).level.gain), RATE_HZ
            return
        began, sentence = anyio.current_time(), list[Pcm]()
        longest = LONGEST_SECONDS + LONGEST_SECONDS_PER_CHARACTER * len(text)
        async with candidate.open(patient=False) as speaking:
            fitness = self._of(candidate)
            if fitness.engine not in (None, speaking.engine) and self._is_replaceable(candidate):
                raise SynthesizerError(UNTESTED, f"{candidate.name} has been loaded anew.")
            async with aclosing(speaking.engine.synthesize(text)) as pieces:
                while (piece := await _in_time(candidate, speaking.guard(anext(pieces, None)))) is not None:
                    samples, rate = checked(piece[0]), piece[1]
                    now = anyio.current_time()
                    said.waited_seconds += now - began
                    said.first_audio_seconds = min(said.first_audio_seconds, said.waited_seconds)
                    said.seconds += len(samples) / rate
                    if said.seconds > longest:
                        raise SynthesizerError("voice-endless", f"{candidate.name} finds no end.")
                    if len(samples):
                        sentence.append(samples)
                        yield samples * np.float32(fitness.level.gain), rate
                    began = anyio.current_time()
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

    def _is_replaceable(self, candidate: Candidate) -> bool:
        """By one that is well, and no worse for the language."""
        other = self._first({candidate.key: _speechless()})
        return other is not None and self._is_well(other) and other.speaks(current()) >= candidate.speaks(current())

    def _after(self, candidate: Candidate, text: str, said: _Said) -> str:
        """What the next voice has to say."""
        if not said.seconds:
            return text
        return unsaid(text, said.seconds * self._of(candidate).characters_per_second / len(text))

    def _failed(self, candidate: Candidate, error: EngineError, following: Candidate | None) -> None:
        if error.code == NOTHING_TO_SAY:
            return
        failures = self._of(candidate).failures + (error.code != UNTESTED)
        self.fitness[candidate.key] = Fitness(since=anyio.current_time(), doubt=error.message, failures=failures)
        self._wake.set()
        if following is not None and error.code != UNTESTED:
            self._tell(following, candidate, error.message)

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
        fitness.since = anyio.current_time()
        if following := self._first({}):
            self._tell(following, candidate, fitness.doubt)

    def _tell(self, speaks: Candidate, instead_of: Candidate, reason: str) -> None:
        log.warning("%s speaks instead of %s: %s", speaks.key, instead_of.key, reason)
        self.emit(VoiceChanged(self.clock(), speaks.key, instead_of.key, reason))

    # ── tests ───────────────────────────────────────────────────────────────────────────────────

    async def _load(self, candidate: Candidate) -> None:
        try:
            async with candidate.open(patient=True):
                pass
        except EngineError as error:
            log.info("%s cannot stand in: %s %s", candidate.key, error.message, error.remedy)

    async def _test(self, candidate: Candidate) -> str:
        """Its trouble. Raises EngineError when it cannot be had."""
        async with candidate.open(patient=True) as speaking:
            verdict: Verdict = await speaking.guard(self.selftest.of(speaking.engine, candidate.native))
        fitness = self.fitness[candidate.key] = Fitness(
            speaking.engine,
            tested=True,
            since=anyio.current_time(),
            trouble=verdict.trouble,
            failures=self._of(candidate).failures,
        )
        if not verdict.trouble:
            fitness.level.hear(verdict.samples, verdict.sample_rate_hz)
            fitness.characters_per_second = verdict.characters_per_second
            if verdict.first_audio_seconds > candidate.first_audio_seconds:
                fitness.doubt = f"{candidate.name} takes {verdict.first_audio_seconds:.1f} seconds to begin."
        return verdict.trouble

    async def _test_again(self, candidate: Candidate) -> None:
        before = self._first({})
        try:
            trouble = await self._test(candidate)
        except EngineError as error:
            log.info("%s cannot be tested: %s", candidate.key, error.message)
            fitness = self._of(candidate)
            fitness.since, fitness.failures = anyio.current_time(), fitness.failures + 1
            return
        after = self._first({})
        if before is not None and after is not None and after is not before:
            self._tell(after, before, trouble or f"{after.name} has passed its self-test.")


async def _in_time(candidate: Candidate, sound: Awaitable[T]) -> T:
    """Raises SynthesizerError when nothing comes for long."""
    try:
        with anyio.fail_after(STALLED_SECONDS):
            return await sound
    except TimeoutError as error:
        raise SynthesizerError("voice-stalled", f"{candidate.name} gives no more sound.") from error


def _refused(candidate: Candidate, trouble: str) -> EngineError:
    return SynthesizerError(
        "voice-refused",
        f"{candidate.name} does not pass its self-test.",
        f"{trouble} Hear it yourself with voxspark voices try, or choose another voice.engine.",
    )


def _speechless() -> EngineError:
    return SynthesizerError("voice-missing", "There is no voice that I could speak with.", "Look at: voxspark doctor")
