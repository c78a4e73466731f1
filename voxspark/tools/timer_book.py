"""What counts down, and what waits for the clock on the wall: kept, restored, and told when it is due.

Nothing runs in here: `agent/ringing.py` asks when the next one is due and collects it. What counts down is measured on
a clock that never goes back, so that setting the time does not move it, and written down as an instant, so that a
restart does not either. Alarms and reminders at a time follow the clock on the wall.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import anyio

from voxspark.errors import ToolError
from voxspark.language import Language, current, speaking
from voxspark.tools.phrases import Clock, Kind, Left, TimerName, say
from voxspark.tools.wall_time import WallTime, local_now

SHORTEST_SECONDS = 1
LONGEST_SECONDS = 24 * 3600
MOST_TIMERS = 20
"""Of each kind."""

_TOO_MANY: Mapping[Kind, str] = {
    "timer": "I can keep {count} timers at once.",
    "alarm": "I can keep {count} alarms at once.",
    "reminder": "I can keep {count} reminders at once.",
}

LONGEST_LABEL = {"timer": 40, "alarm": 40, "reminder": 200}

CLOCK_STEP_SECONDS = 1.0
"""A wall clock that moved further than this against the other was set; what was written down is then wrong."""

Row = Mapping[str, str | int | float | None]
"""The columns of `memory/timer_store.py`."""


class TimerStore(Protocol):
    """Where timers are kept; both raise ToolError."""

    async def load(self) -> Sequence[Row]:
        """Everything that was saved."""
        ...

    async def save(self, changed: Sequence[Row], gone: Sequence[int]) -> None:
        """Write these rows and delete those numbers, all or nothing."""
        ...


class MemoryTimerStore:
    """Timers that end with the process."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}

    async def load(self) -> Sequence[Row]:
        """See TimerStore."""
        return list(self.rows.values())

    async def save(self, changed: Sequence[Row], gone: Sequence[int]) -> None:
        """See TimerStore."""
        self.rows.update({int(row["number"] or 0): row for row in changed})
        for number in gone:
            self.rows.pop(number, None)


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer, alarm or reminder."""

    number: int
    """Counts up; tells timers apart that are otherwise the same."""
    label: str
    """`tea`, or empty; of a reminder, what to say."""
    seconds: int
    """What it was set to; 0 with a `wall` time."""
    due_at: float
    """Seconds on the clock of the book; infinite while paused and with a `wall` time."""
    kind: Kind = "timer"
    wall: WallTime | None = None
    """When it is due on the clock on the wall."""
    left_seconds: float | None = None
    """What is left of it, while it is paused."""
    late_seconds: float = 0.0
    """How long ago it was due when the daemon came back, when nobody was there to ring."""
    language: Language | None = None
    """In which it is announced; None, after a restart, is that of the daemon."""

    @property
    def said(self) -> TimerName:
        """For sentences."""
        return TimerName(self.kind, self.label, self.seconds, self.wall.local.time() if self.wall else None)

    @property
    def name(self) -> str:
        """`tea timer`, `10 minute timer`, `7:00 AM alarm`, `reminder to call mum`."""
        return say("{timer}", timer=self.said)

    @property
    def announcement(self) -> str:
        """What to say when it is due: `Your tea timer is done.`"""
        with speaking(self.language):
            if self.late_seconds:
                late = Left(self.late_seconds)
                return say("Your {timer} was due {late} ago, while I was off.", timer=self.said, late=late)
            if self.kind == "reminder":
                return say("Reminder: {text}.", text=self.label)
            if self.wall is None:
                return say("Your {timer} is done.", timer=self.said)
            told = "It's {time}. This is your {label} alarm." if self.label else "It's {time}."
            return say(told, time=Clock(self.wall.local.time()), label=self.label)


class TimerBook:
    """The timers, alarms and reminders that wait and ring.

    `now` gives seconds that never go back (and count while the machine sleeps, `CLOCK_BOOTTIME`, where that matters),
    `wall` aware local time. `on_change` is called whenever what waits or rings has changed. `save` writes the changes.
    """

    def __init__(
        self,
        now: Callable[[], float],
        on_change: Callable[[], None] = lambda: None,
        *,
        store: TimerStore | None = None,
        wall: Callable[[], datetime] = local_now,
    ) -> None:
        self._now = now
        self._wall = wall
        self._store = store or MemoryTimerStore()
        self._waiting: list[Timer] = []
        self._ringing: list[Timer] = []
        self._rang_at = 0.0
        self._count = 0
        self._unsaved: set[int] = set()
        self._offset = self._clock_offset()
        self._restored = store is None
        self._lock = anyio.Lock()
        self.on_change = on_change

    @property
    def running(self) -> tuple[Timer, ...]:
        """Timers still to come, the next one first."""
        return tuple(self._waiting)

    @property
    def ringing(self) -> tuple[Timer, ...]:
        """Timers that are due and have not been dismissed."""
        return tuple(self._ringing)

    @property
    def ringing_seconds(self) -> float:
        """How long the last one has been ringing."""
        return self._now() - self._rang_at

    # ── changing ────────────────────────────────────────────────────────────────────────────────

    def start(self, seconds: int, label: str = "", kind: Kind = "timer") -> Timer:
        """Start a countdown. Raises ToolError when it is too short, too long or one too many."""
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise ToolError("timer-bounds", say("I can set timers from one second to 24 hours."))
        return self._add(kind, label, seconds=seconds, due_at=self._now() + seconds)

    def start_at(self, wall: WallTime, kind: Kind, label: str = "") -> Timer:
        """Wait for a moment on the clock on the wall. Raises ToolError when it has passed or is one too many."""
        if wall.instant(self._wall().tzinfo) <= self._wall().timestamp():
            raise ToolError("time-passed", say("That time has passed already."))
        return self._add(kind, label, wall=wall)

    def _add(
        self, kind: Kind, label: str, *, seconds: int = 0, due_at: float = math.inf, wall: WallTime | None = None
    ) -> Timer:
        if sum(each.kind == kind for each in self._waiting) >= MOST_TIMERS:
            raise ToolError(f"{kind}-too-many", say(_TOO_MANY[kind], count=MOST_TIMERS), "Cancel one first.")
        self._count += 1
        label = " ".join(label.split()) if kind == "reminder" else bare_label(label)
        label = label[: LONGEST_LABEL[kind]].strip()
        timer = Timer(self._count, label, seconds, due_at, kind, wall, language=current())
        self._put(timer)
        return timer

    def adjust(self, timer: Timer, seconds: float) -> Timer:
        """Let it last so much longer (or, below zero, shorter), paused or not. Raises ToolError."""
        left = self.seconds_left(timer) + seconds
        if timer.wall is not None or not 0 < left <= LONGEST_SECONDS:
            raise ToolError("timer-adjust", say("I cannot change your {timer} by that much.", timer=timer.said))
        length = timer.seconds + round(seconds)
        if timer.left_seconds is not None:
            return self._put(replace(timer, seconds=length, left_seconds=left))
        return self._put(replace(timer, seconds=length, due_at=self._now() + left))

    def pause(self, timer: Timer) -> Timer:
        """Let it wait until `resume`. Raises ToolError for what follows the clock on the wall."""
        if timer.wall is not None:
            raise ToolError("timer-pause", say("I cannot pause your {timer}.", timer=timer.said), "Cancel it instead.")
        if timer.left_seconds is not None:
            return timer
        return self._put(replace(timer, due_at=math.inf, left_seconds=self.seconds_left(timer)))

    def resume(self, timer: Timer) -> Timer:
        """Let it go on."""
        if timer.left_seconds is None:
            return timer
        return self._put(replace(timer, due_at=self._now() + timer.left_seconds, left_seconds=None))

    def dismiss(self) -> int:
        """Stop what rings; how many that were. What repeats waits for its next time."""
        rang, self._ringing = self._ringing, []
        now = self._wall()
        for timer in rang:
            following = timer.wall.after(now) if timer.wall else None
            if following is not None:
                self._put(replace(timer, wall=following, late_seconds=0.0))
        self._unsaved |= {timer.number for timer in rang}
        if rang:
            self.on_change()
        return len(rang)

    def remove(self, gone: Sequence[Timer]) -> int:
        """Forget these, waiting or ringing; how many that were."""
        numbers = {timer.number for timer in gone}
        self._waiting = [timer for timer in self._waiting if timer.number not in numbers]
        self._ringing = [timer for timer in self._ringing if timer.number not in numbers]
        self._unsaved |= numbers
        if numbers:
            self.on_change()
        return len(numbers)

    def _put(self, timer: Timer) -> Timer:
        others = [each for each in self._waiting if each.number != timer.number]
        self._waiting = sorted([*others, timer], key=self.seconds_left)
        self._unsaved.add(timer.number)
        self.on_change()
        return timer

    # ── time ────────────────────────────────────────────────────────────────────────────────────

    def seconds_left(self, timer: Timer) -> float:
        """Never below zero; stands still while paused."""
        if timer.left_seconds is not None:
            return timer.left_seconds
        if timer.wall is not None:
            now = self._wall()
            return max(0.0, timer.wall.instant(now.tzinfo) - now.timestamp())
        return max(0.0, timer.due_at - self._now())

    def next_due_seconds(self) -> float | None:
        """Seconds until one is due, 0 when one already is, None when none runs."""
        return min((self.seconds_left(each) for each in self._waiting if each.left_seconds is None), default=None)

    def due(self) -> list[Timer]:
        """Those that have become due since the last call, in order; from now on they ring."""
        self._notice_clock_changes()
        rang = [each for each in self._waiting if each.left_seconds is None and self.seconds_left(each) <= 0]
        if rang:
            numbers = {timer.number for timer in rang}
            self._waiting = [timer for timer in self._waiting if timer.number not in numbers]
            self._ringing += rang
            self._rang_at = self._now()
            self.on_change()
        return rang

    def _clock_offset(self) -> float:
        return self._wall().timestamp() - self._now()

    def _notice_clock_changes(self) -> None:
        """What counts down keeps its length when the clock is set, but the instant that was written down moves."""
        offset = self._clock_offset()
        if abs(offset - self._offset) > CLOCK_STEP_SECONDS:
            self._offset = offset
            self._waiting.sort(key=self.seconds_left)
            self._unsaved |= {each.number for each in self._waiting if math.isfinite(each.due_at)}

    # ── keeping ─────────────────────────────────────────────────────────────────────────────────

    @property
    def is_kept(self) -> bool:
        """Whether what was saved is known, and nothing waits to be written."""
        return self._restored and not self._unsaved

    async def restore(self) -> None:
        """Take over what was saved, once. What became due meanwhile is due now, and says how late it is.

        Raises ToolError when that cannot be read; until it can, the book goes on without a disk.
        """
        async with self._lock:
            if self._restored:
                return
            stored = [self._read(row) for row in await self._store.load()]
            self._restored = True
            self._renumber(max((timer.number for timer in stored), default=0))
            self._waiting = sorted([*stored, *self._waiting], key=self.seconds_left)
        self.on_change()

    def _renumber(self, first: int) -> None:
        """What was begun before the others were known comes after them."""
        self._waiting, self._ringing = (
            [replace(timer, number=timer.number + first) for timer in timers]
            for timers in (self._waiting, self._ringing)
        )
        self._unsaved = {number + first for number in self._unsaved}
        self._count += first

    async def save(self) -> None:
        """Return when every change is written. Raises ToolError; what was not written is tried again next time."""
        await self.restore()
        async with self._lock:
            if not self._unsaved:
                return
            numbers, self._unsaved = self._unsaved, set()
            kept = [self._row(timer) for timer in [*self._waiting, *self._ringing] if timer.number in numbers]
            try:
                await self._store.save(kept, sorted(numbers - {row["number"] for row in kept}))
            except BaseException:
                self._unsaved |= numbers
                raise

    def _row(self, timer: Timer) -> dict[str, Any]:
        wall = timer.wall
        counts_down = math.isfinite(timer.due_at)
        return {
            "number": timer.number,
            "kind": timer.kind,
            "label": timer.label,
            "seconds": timer.seconds,
            "due_utc": timer.due_at + self._clock_offset() if counts_down else None,
            "left_seconds": timer.left_seconds,
            "due_local": wall.local.isoformat() if wall else None,
            "zone": wall.zone if wall else None,
            "weekdays": "".join(map(str, wall.weekdays)) if wall else None,
        }

    def _read(self, row: Mapping[str, Any]) -> Timer:
        wall, due_at, late = None, math.inf, 0.0
        now = self._wall()
        if row["due_local"] is not None:
            weekdays = tuple(int(day) for day in row["weekdays"])
            wall = WallTime(datetime.fromisoformat(row["due_local"]), row["zone"], weekdays)
            late = now.timestamp() - wall.instant(now.tzinfo)
        elif row["due_utc"] is not None:
            due_at = row["due_utc"] - self._clock_offset()
            late = now.timestamp() - row["due_utc"]
        kind, left_seconds = row["kind"], row["left_seconds"]
        return Timer(row["number"], row["label"], row["seconds"], due_at, kind, wall, left_seconds, max(0.0, late))


def bare_label(label: str) -> str:
    """`the Tea timer ` -> `Tea`."""
    words = label.split()
    if words and words[0].casefold() in ("the", "a", "an", "my"):
        words = words[1:]
    if words and words[-1].casefold() in ("timer", "timers", "alarm", "alarms", "reminder", "reminders"):
        words = words[:-1]
    return " ".join(words)
