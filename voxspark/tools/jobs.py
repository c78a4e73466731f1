"""Work that takes longer than anybody waits: it runs in the background, and is reported when it is done.

    async def paint(progress: Progress) -> str:
        progress(0.4, "drawing")
        return "The image is on your desktop."

    jobs.start("image of a cat", paint)

Nothing of it survives a restart: what ran is gone, and nothing is claimed about it.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal, Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from voxspark.errors import ToolError, VoxSparkError, root_cause, trace
from voxspark.language import Language, current, speaking
from voxspark.tools import phrases
from voxspark.tools.clean import clean
from voxspark.tools.folding import key
from voxspark.tools.registry import StrangersText, Tool, tool, tools_of

log = logging.getLogger(__name__)

MOST_RUNNING, MOST_WAITING = 3, 8

MOST_TOLD = 2
"""Times that a report is begun: one that was interrupted is repeated once."""

MOST_UNTOLD = 16
"""Reports that wait for a quiet moment; the oldest is forgotten."""

LONGEST_TITLE, LONGEST_NOTE, LONGEST_REPORT = 80, 80, 1_000
"""Characters."""

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Progress(Protocol):
    """How a job tells how far it is, on the event loop."""

    def __call__(self, fraction: float | None, note: str = "") -> None:
        """`fraction` is 0 to 1, or None where nobody can know; `note` says in a few words what is being done."""
        ...


Work = Callable[[Progress], Awaitable[str]]
"""Does it; the sentence that reports it, `StrangersText` where it may repeat one. A VoxSparkError is reported, too."""


@dataclass(slots=True, eq=False)
class Job:
    """Something that is done in the background."""

    title: str
    """A noun phrase that follows “your”: `image of a cat`."""
    state: State = "waiting"
    fraction: float | None = None
    """0 to 1, as far as it is known."""
    note: str = ""
    """What is being done; at the end, what came of it."""
    told: int = 0
    """Times that its report was begun."""
    language: Language = field(default_factory=current)
    """Of the turn that started it."""
    by_strangers: bool = False
    """What came of it may repeat what a stranger wrote."""

    @property
    def sentence(self) -> str:
        """How far it is, or what came of it, to be said."""
        return StrangersText(self._sentence()) if self.by_strangers else self._sentence()

    def _sentence(self) -> str:
        match self.state:
            case "waiting":
                return f"Your {self.title} is waiting for its turn."
            case "running" if self.fraction is None:
                return f"Your {self.title} is being worked on{self.note and f': {self.note}'}."
            case "running":
                return f"Your {self.title} is {self.fraction:.0%} done{self.note and f': {self.note}'}."
            case "done":
                return self.note or f"Your {self.title} is ready."
            case "failed":
                return f"I could not finish your {self.title}. {self.note}"
            case "cancelled":
                return f"I have stopped your {self.title}."

    def to_json(self) -> dict[str, Any]:
        """For `status`."""
        return {"title": self.title, "state": self.state, "fraction": self.fraction, "note": self.note}


class Jobs:
    """What runs in the background; iterating gives the jobs that are not over, in the order they were started."""

    def __init__(self, *, most_running: int = MOST_RUNNING, most_waiting: int = MOST_WAITING) -> None:
        self.on_change: Callable[[Job], None] = lambda job: None
        """Hears of every new state, and of progress."""
        self.untold: deque[Job] = deque(maxlen=MOST_UNTOLD)
        """What is over and not reported yet, oldest first."""
        self._most_running = most_running
        self._most_waiting = most_waiting
        self._waiting: dict[Job, Work] = {}
        self._running: dict[Job, anyio.CancelScope] = {}
        self._group: TaskGroup | None = None
        self._ended = False

    @property
    def tools(self) -> tuple[Tool, ...]:
        """cancel_job, list_jobs."""
        return tools_of(self)

    def __iter__(self) -> Iterator[Job]:
        return iter([*(job for job in self._running if job.state == "running"), *self._waiting])

    # ── for whoever has long work ───────────────────────────────────────────────────────────────

    def start(self, title: str, work: Work) -> Job:
        """Begin, or wait for one of the others to end; returns at once. Raises ToolError when too many wait."""
        if self._ended:
            raise ToolError("stopping", "I am going down.", "Ask again when I am back.")
        if len(self._waiting) >= self._most_waiting:
            raise ToolError("jobs-full", "I have too much to do already.", "Wait for something to be done, or stop it.")
        job = Job(clean(title, LONGEST_TITLE))
        self._waiting[job] = work
        self.on_change(job)
        self._fill()
        return job

    def cancel(self, job: Job) -> None:
        """Stop it, whether it runs or waits; it is not reported."""
        if job in self._waiting:
            del self._waiting[job]
        elif job.state != "running":
            return
        self._become(job, "cancelled", job.note)
        if (scope := self._running.get(job)) is not None:
            scope.cancel()

    # ── for the owner ───────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Run what is started, until cancelled: then everything is."""
        try:
            async with anyio.create_task_group() as self._group:
                self._fill()
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._ended = True
            for job in list(self._waiting):
                self.cancel(job)

    def take_report(self) -> str:
        """The report that is said now; empty when there is none."""
        if not self.untold:
            return ""
        self.untold[0].told += 1
        return self.untold[0].sentence

    def reported(self, *, whole: bool) -> None:
        """The report that was taken has been heard, or was cut before its end."""
        if self.untold and self.untold[0].told >= (1 if whole else MOST_TOLD):
            self.untold.popleft()

    def dismiss(self) -> None:
        """Nobody wants to hear the rest of a report that has been begun."""
        if self.untold and self.untold[0].told:
            self.untold.popleft()

    # ── for the user ────────────────────────────────────────────────────────────────────────────

    @tool(permission="read", fate="turn")
    def list_jobs(self) -> str:
        """Say how far the work in the background is: images, programs, long questions."""
        jobs = [*self, *self.untold]
        text = " ".join(job.sentence for job in jobs) or "Nothing is going on in the background."
        return StrangersText(text) if any(job.by_strangers for job in jobs) else text

    @tool(permission="act", fate="owner")
    def cancel_job(
        self,
        title: Annotated[str, "Words that tell which; empty for the only one."] = "",
        everything: Annotated[bool, "True to stop all of it."] = False,
    ) -> str:
        """Stop work in the background: an image, a program, a long question."""
        jobs = list(self)
        if not jobs:
            raise ToolError("no-jobs", "Nothing is going on in the background.")
        found = jobs if everything else _meant(jobs, title)
        names = phrases.join([f"your {job.title}" for job in found or jobs])
        if not found:
            raise ToolError("job-unknown", f"I am not working on that, but on {names}.")
        if len(found) > 1 and not everything:
            raise ToolError("job-ambiguous", f"I am working on {names}. Which should I stop?")
        for job in found:
            self.cancel(job)
        return f"I have stopped {names}."

    # ── the work ────────────────────────────────────────────────────────────────────────────────

    def _fill(self) -> None:
        while self._group is not None and self._waiting and len(self._running) < self._most_running:
            job = next(iter(self._waiting))
            work = self._waiting.pop(job)
            self._running[job] = anyio.CancelScope()
            self._become(job, "running", "")
            with speaking(job.language):  # it may begin when another one ends
                self._group.start_soon(self._host, job, work)

    async def _host(self, job: Job, work: Work) -> None:
        try:
            with self._running[job]:
                await self._do(job, work)
        finally:
            del self._running[job]
            if job.state == "running":  # it goes down with the daemon
                self._become(job, "cancelled", job.note)
        self._fill()

    async def _do(self, job: Job, work: Work) -> None:
        try:
            state, report = "done", await work(partial(self._progress, job))
        except Exception as caught:  # the boundary of a job
            cause = root_cause(caught)
            state, report = "failed", "Something went wrong inside."
            if isinstance(cause, VoxSparkError):
                report = cause.message
            else:
                log.error("a job failed: %s", trace(cause))
                log.debug("a job failed", exc_info=cause)
        if job.state == "running":
            self.untold.append(job)
            job.by_strangers = isinstance(report, StrangersText)
            self._become(job, "done" if state == "done" else "failed", clean(report, LONGEST_REPORT))

    def _progress(self, job: Job, fraction: float | None, note: str = "") -> None:
        if fraction is not None:
            fraction = min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else None
        news = (fraction if fraction is None else round(fraction, 2), clean(note, LONGEST_NOTE))
        if job.state == "running" and news != (job.fraction, job.note):
            job.fraction, job.note = news
            self.on_change(job)

    def _become(self, job: Job, state: State, note: str) -> None:
        job.state, job.note = state, note
        job.fraction = 1.0 if state == "done" else job.fraction
        self.on_change(job)


def _meant(jobs: list[Job], title: str) -> list[Job]:
    """Those whose titles have the most words of this one; all of them where it has none."""
    words = set(key(title).split())
    common = {job: len(words & set(key(job.title).split())) for job in jobs}
    most = max(common.values())
    return [job for job in jobs if common[job] == most] if most or not words else []
