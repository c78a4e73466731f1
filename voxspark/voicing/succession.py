"""Who serves a role: whoever is first and fit; tested before it is used, and behind the others while it is in doubt."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import anyio
from anyio.abc import TaskStatus

from voxspark.errors import EngineError
from voxspark.language import LANGUAGES, Language, current
from voxspark.speech.level import Level

log = logging.getLogger(__name__)

T = TypeVar("T")

UNTESTED = "engine-untested"
"""Code of the error of one that was loaded anew, where another serves until it is tested."""

LOOK_SECONDS = 30.0
"""From one look at who is untested to the next; the first leaves the start of the daemon in peace."""

RETEST_SECONDS = 300.0
"""Until one that gave way, or has failed as often as there is patience, may show that it is well again."""

PATIENCE = 3
"""Failures after which it is left alone for long; of a voice also budgets missed in a row, after which a faster one
takes over."""

CHARACTERS_PER_SECOND = 15.0
"""Of speech, where nothing is known of a voice yet."""


class InUse(Protocol):
    """An engine that may be used right now."""

    engine: Any
    """A `Synthesizer` or a `Transcriber`."""

    async def guard(self, work: Awaitable[T]) -> T:
        """What the engine does is awaited through this. Raises EngineError when it has to leave before it is there."""
        ...


How = Literal["there", "load", "wait"]
"""Only if it is in memory; loaded where there is room for it now; loaded as soon as there is."""


class Opening(Protocol):
    """How an engine is had."""

    def __call__(self, how: How) -> AbstractAsyncContextManager[InUse]:
        """Raises EngineError when it cannot be had in this way."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One engine of several."""

    key: str
    name: str
    """For sentences."""
    open: Opening
    languages: Collection[str] = ()
    """ISO 639-1; none for any."""
    sound: str = ""
    """Of a voice: what its sound depends on, in words: under this it is stored. Empty: it is not."""
    first_audio_seconds: float = 1.0
    """Of a voice: its budget from a text to the first sample of it."""
    listens: bool = False
    """Of a voice: it is a `protocols.Listens`."""

    def speaks(self, language: Language) -> bool:
        """Whether it is for this language."""
        return not self.languages or language in self.languages

    @property
    def native(self) -> Language:
        """The language that it is tested in."""
        return next((each for each in LANGUAGES if self.speaks(each)), "en")


@dataclass(slots=True)
class Fitness:
    """What is known of an engine, as it is loaded now."""

    engine: object = None
    """Which of its loads this is about."""
    tested: bool = False
    since: float = -math.inf
    """When its trouble or a doubt was found, on the loop's clock."""
    trouble: str = ""
    """Why it must not be used."""
    failures: int = 0
    """Since it has last done its work: to pass a test is not enough."""
    doubt: str = ""
    """Why it is used only if no other can be."""
    misses: int = 0
    """Of a voice: budgets missed in a row."""
    level: Level = field(default_factory=Level)
    """Of a voice: brings it to the loudness of the others."""
    characters_per_second: float = CHARACTERS_PER_SECOND


def always(make: Callable[[], Any]) -> Opening:
    """An engine that takes no memory of the plan, made when it is first wanted."""
    once = cache(make)

    @asynccontextmanager
    async def open(how: How) -> AsyncGenerator[InUse, None]:
        yield _Own(once())

    return open


@dataclass(slots=True)
class _Own:
    engine: Any

    async def guard(self, work: Awaitable[T]) -> T:
        return await work


@dataclass(eq=False)
class Succession(ABC):
    """Several engines for one role."""

    candidates: Sequence[Candidate]
    """The first is who should serve."""
    fitness: dict[str, Fitness] = field(default_factory=dict, init=False)
    """By key."""
    _wake: anyio.Event = field(default_factory=anyio.Event, init=False)

    STANDS_BY: ClassVar[bool] = True
    """Whoever is behind the first is loaded and tested before it is needed."""

    async def warm(self) -> None:
        """Load and test until one is fit. Raises the first one's EngineError when none is."""
        errors: dict[str, EngineError] = {}
        first = self._first(errors)
        while (candidate := self._first(errors)) is not None:
            try:
                if not (trouble := await self._checked(candidate)):
                    if first is not None and candidate is not first:
                        self._tell(candidate, first, self._of(first).trouble or errors[first.key].message)
                    return
                errors[candidate.key] = self._refused(candidate, trouble)
            except EngineError as error:
                errors[candidate.key] = error
        raise next(iter(errors.values()), self._nobody())

    async def run(
        self, when_quiet: Callable[[], Awaitable[None]], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Load who stands behind the first, and test in quiet moments who is untested or gave way."""
        task_status.started()
        for candidate in self.candidates if self.STANDS_BY else ():
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
        """For people: each engine, and what is wrong with it."""
        return [
            {"name": each.key, "trouble": self._of(each).trouble or self._of(each).doubt} for each in self.candidates
        ]

    # ── of the role ─────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    async def _test(self, candidate: Candidate) -> str:
        """Its trouble. Raises EngineError when it cannot be had."""

    @abstractmethod
    def _tell(self, serves: Candidate, instead_of: Candidate, reason: str) -> None:
        """Another one serves from now on."""

    @abstractmethod
    def _refused(self, candidate: Candidate, trouble: str) -> EngineError:
        """It does not pass its self-test."""

    @abstractmethod
    def _nobody(self) -> EngineError:
        """There is nobody at all."""

    # ── who ─────────────────────────────────────────────────────────────────────────────────────

    def _of(self, candidate: Candidate) -> Fitness:
        return self.fitness.setdefault(candidate.key, Fitness())

    def _is_well(self, candidate: Candidate) -> bool:
        fitness = self._of(candidate)
        return fitness.tested and not fitness.trouble and not fitness.doubt

    def _is_due(self, candidate: Candidate) -> bool:
        """For a test."""
        fitness = self._of(candidate)
        if not fitness.tested and fitness.failures < PATIENCE:
            return self.STANDS_BY or bool(fitness.doubt)
        return not self._is_well(candidate) and self._now() - fitness.since >= RETEST_SECONDS

    @staticmethod
    def _now() -> float:
        return anyio.current_time()

    def _first(self, tried: Mapping[str, EngineError]) -> Candidate | None:
        """Who is for this language, and well; else whoever may be used at all."""
        able = [each for each in self.candidates if each.key not in tried and not self._of(each).trouble]

        def rank(candidate: Candidate) -> tuple[bool, bool, bool]:
            fitness = self._of(candidate)
            return (not candidate.speaks(current()), bool(fitness.doubt), not fitness.tested)

        return min(able, key=rank, default=None)

    def _is_anew(self, candidate: Candidate, engine: object) -> bool:
        """It is another load than the one that was tested, and somebody else can serve until it is."""
        return self._of(candidate).engine not in (None, engine) and self._is_replaceable(candidate)

    def _is_replaceable(self, candidate: Candidate) -> bool:
        """By one that is well, and no worse for the language."""
        other = self._first({candidate.key: self._nobody()})
        return other is not None and self._is_well(other) and other.speaks(current()) >= candidate.speaks(current())

    def _failed(self, candidate: Candidate, error: EngineError) -> None:
        """It is in doubt until it has been tested again, which is soon."""
        failures = self._of(candidate).failures + (error.code != UNTESTED)
        self.fitness[candidate.key] = Fitness(since=self._now(), doubt=error.message, failures=failures)
        self._wake.set()

    def _tested(self, candidate: Candidate, engine: object, trouble: str) -> Fitness:
        """What its test has found."""
        failures = self._of(candidate).failures
        fitness = Fitness(engine, tested=True, since=self._now(), trouble=trouble, failures=failures)
        self.fitness[candidate.key] = fitness
        return fitness

    async def _checked(self, candidate: Candidate) -> str:
        """Its test, the boundary of whatever engines raise: EngineError is all that comes out."""
        try:
            return await self._test(candidate)
        except EngineError:
            raise
        except Exception as error:
            log.warning("%s broke", candidate.key, exc_info=error)
            raise EngineError("engine-broke", f"{candidate.name} broke.", "See the log.") from error

    async def _load(self, candidate: Candidate) -> None:
        try:
            async with candidate.open("wait"):
                pass
        except EngineError as error:
            log.info("%s cannot stand in: %s %s", candidate.key, error.message, error.remedy)

    async def _test_again(self, candidate: Candidate) -> None:
        before = self._first({})
        try:
            trouble = await self._checked(candidate)
        except EngineError as error:
            log.info("%s cannot be tested: %s", candidate.key, error.message)
            fitness = self._of(candidate)
            fitness.since, fitness.failures = self._now(), fitness.failures + 1
            return
        after = self._first({})
        if before is not None and after is not None and after is not before:
            self._tell(after, before, trouble or f"{after.name} has passed its self-test.")
