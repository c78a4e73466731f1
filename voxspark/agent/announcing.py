"""What is said although nobody asked just now: what rings, and what was done in the background."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import anyio

from voxspark.agent.agent import Recital
from voxspark.agent.confirmation import CONFIRM_SECONDS
from voxspark.events import Event, JobChanged, SpeechEnded, SpeechStarted, TurnEnded
from voxspark.protocols import Clock, Emit
from voxspark.tools.jobs import Job, Jobs
from voxspark.types import TurnResult

IDLE_SECONDS = 2.0
"""Nothing said for so long: now something may be said that can wait."""

TRY_AGAIN_SECONDS = 0.5
"""How often a report asks to be said."""


class Announcer(Protocol):
    """Somebody who now and then has something to say."""

    @property
    def source(self) -> str:
        """Of its utterances: `timer`, `job`."""
        ...

    @property
    def urgent(self) -> bool:
        """It does not wait until nothing has been said for a while."""
        ...

    async def run(self, announce: Callable[[], Awaitable[None]]) -> None:
        """Call `announce` whenever, and as long as, there is something to say."""
        ...

    def take(self) -> str:
        """What is said now; empty when there is nothing to say."""
        ...

    def announced(self, *, whole: bool) -> None:
        """What was taken has been heard to its end, or was cut."""
        ...


class Announcement(Recital):
    """Says what an announcer has to say."""

    def __init__(self, text: str, announcer: Announcer) -> None:
        super().__init__(text)
        self.text = text
        self.source = announcer.source
        self._announcer = announcer

    def over(self, result: TurnResult) -> None:
        """Its turn has ended."""
        self._announcer.announced(whole=result.outcome == "answered")


class Announcers:
    """Several as one; the first goes first."""

    def __init__(self, announcers: Sequence[Announcer], clock: Clock) -> None:
        self._announcers = announcers
        self._clock = clock
        self._quiet_since = float("-inf")

    def note(self, event: Event) -> None:
        """Hear of an event. After a question the floor is the user's, as long as an answer would be good."""
        if isinstance(event, SpeechStarted | SpeechEnded | TurnEnded):
            asked = isinstance(event, TurnEnded) and "?" in event.heard
            self._quiet_since = self._clock() + CONFIRM_SECONDS * asked

    async def run(self, announce: Callable[[], Awaitable[None]]) -> None:
        """See `Announcer.run`."""
        async with anyio.create_task_group() as group:
            for each in self._announcers:
                group.start_soon(each.run, announce)

    def take(self) -> Announcement | None:
        """What is said now, while no turn is live and nobody speaks."""
        idle = self._clock() - self._quiet_since >= IDLE_SECONDS
        for each in self._announcers:
            if (each.urgent or idle) and (text := each.take()):
                return Announcement(text, each)
        return None


class Reports:
    """Tells of jobs: every change as an event, and what came of them aloud."""

    source = "job"
    urgent = False

    def __init__(self, jobs: Jobs, emit: Emit, clock: Clock) -> None:
        self._jobs = jobs
        self._emit = emit
        self._clock = clock
        self._changed = anyio.Event()
        jobs.on_change = self._note

    def _note(self, job: Job) -> None:
        self._emit(JobChanged(self._clock(), job.title, job.state, job.fraction, job.note))
        self._changed.set()

    async def run(self, announce: Callable[[], Awaitable[None]]) -> None:
        """See `Announcer.run`."""
        while True:
            await self._changed.wait()
            self._changed = anyio.Event()
            while self._jobs.untold:
                await announce()
                await anyio.sleep(TRY_AGAIN_SECONDS)

    def take(self) -> str:
        """See `Announcer.take`."""
        return self._jobs.take_report()

    def announced(self, *, whole: bool) -> None:
        """See `Announcer.announced`."""
        self._jobs.reported(whole=whole)
