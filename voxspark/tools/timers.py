"""Timers as plain values: nothing runs in here. The owner asks when the next one is due and collects it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.registry import Tool, tool, tools_of

SHORTEST_SECONDS = 1
LONGEST_SECONDS = 24 * 3600
MOST_TIMERS = 20
LONGEST_LABEL = 40

Label = Annotated[str, "What the timer is for, such as tea; empty when it has no name."]


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer."""

    number: int
    """Counts up; tells timers apart that are otherwise the same."""
    label: str
    """`tea`, or empty."""
    seconds: int
    """What it was set to."""
    due_at: float
    """Seconds on the clock of `Timers`."""

    @property
    def name(self) -> str:
        """`tea timer`, `10 minute timer`."""
        return f"{self.label or phrases.duration_adjective(self.seconds)} timer"

    @property
    def announcement(self) -> str:
        """What to say when it is due: `Your tea timer is done.`"""
        return f"Your {self.name} is done."


class Timers:
    """The timers that run and ring.

    `now` gives seconds that never go back. `on_change` is called whenever what runs or rings has changed.
    """

    def __init__(self, now: Callable[[], float], on_change: Callable[[], None] = lambda: None) -> None:
        self._now = now
        self._running: list[Timer] = []
        self._ringing: list[Timer] = []
        self._count = 0
        self.on_change = on_change

    @property
    def running(self) -> tuple[Timer, ...]:
        """Timers still to come, the next one first."""
        return tuple(self._running)

    @property
    def ringing(self) -> tuple[Timer, ...]:
        """Timers that are due and have not been dismissed."""
        return tuple(self._ringing)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """cancel_timer, list_timers, set_timer."""
        return tools_of(self)

    def start(self, seconds: int, label: str = "") -> Timer:
        """Start a timer. Raises ToolError when it is too short, too long or one too many."""
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise ToolError("timer-bounds", "I can set timers from one second to 24 hours.")
        if len(self._running) >= MOST_TIMERS:
            raise ToolError("timer-too-many", f"I can keep {MOST_TIMERS} timers at once.", "Cancel one first.")
        self._count += 1
        timer = Timer(self._count, _clean(label)[:LONGEST_LABEL].strip(), seconds, self._now() + seconds)
        self._running = sorted([*self._running, timer], key=lambda each: each.due_at)
        self.on_change()
        return timer

    def seconds_left(self, timer: Timer) -> float:
        """Never below zero."""
        return max(0.0, timer.due_at - self._now())

    def next_due_seconds(self) -> float | None:
        """Seconds until a timer is due, 0 when one already is, None when none runs."""
        return self.seconds_left(self._running[0]) if self._running else None

    def due(self) -> list[Timer]:
        """Timers that have become due since the last call; from now on they ring."""
        now = self._now()
        rang = [timer for timer in self._running if timer.due_at <= now]
        if rang:
            self._running = self._running[len(rang) :]
            self._ringing += rang
            self.on_change()
        return rang

    def dismiss(self) -> int:
        """Stop what rings; how many that were."""
        return self._remove(self._ringing)

    @tool(permission="act", fate="owner")
    def set_timer(self, seconds: Annotated[int, "Length in seconds, 1 to 86400."], label: Label = "") -> str:
        """Start a countdown timer."""
        timer = self.start(seconds, label)
        same = sum(each.label.casefold() == timer.label.casefold() for each in self._running) if timer.label else 1
        which = f"{'Another ' if same > 1 else ''}{timer.label} timer" if timer.label else "timer"
        return f"{which[0].upper()}{which[1:]} set for {phrases.duration(seconds)}."

    @tool(permission="read", fate="turn")
    def list_timers(self, label: Label = "") -> str:
        """Tell which timers run and how much time each has left."""
        found = self._select(label) if label else [*self._ringing, *self._running]
        if not found:
            return f"You have no {_clean(label)} timer." if self._running and label else "You have no timers running."
        if len(found) == 1:
            (only,) = found
            return f"Your {only.name} is ringing." if only in self._ringing else f"Your {self._describe(only)} left."
        return f"You have {len(found)} timers: {phrases.join([self._describe(each) for each in found])}."

    @tool(permission="act", fate="owner")
    def cancel_timer(
        self,
        label: Label = "",
        seconds: Annotated[int, "The length it was set to, when that tells which; else 0."] = 0,
        everything: Annotated[bool, "True to cancel all timers."] = False,
    ) -> str:
        """Cancel one timer, or all of them, or silence the one that rings."""
        if not self._running and not self._ringing:
            raise ToolError("timer-none", "You have no timers.")
        if everything:
            count = self._remove([*self._running, *self._ringing])
            return "Timer cancelled." if count == 1 else f"All {count} timers cancelled."
        if not label and not seconds and self._ringing:
            self.dismiss()
            return "Timer stopped."
        timer = self._only(self._select(label, seconds), label, seconds)
        self._remove([timer])
        return f"{timer.name[0].upper()}{timer.name[1:]} cancelled."

    def _select(self, label: str = "", seconds: int = 0) -> list[Timer]:
        """Timers of this name and length; a whole name before a part of one (`pasta` finds `red pasta`)."""
        wanted = _clean(label).casefold()
        fitting = [each for each in [*self._ringing, *self._running] if seconds in (0, each.seconds)]
        if not wanted:
            return fitting
        exact = [each for each in fitting if each.label.casefold() == wanted]
        return exact or [each for each in fitting if set(wanted.split()) <= set(each.label.casefold().split())]

    def _only(self, found: Sequence[Timer], label: str, seconds: int) -> Timer:
        """The one that is meant; of timers nobody can tell apart, the newest. Raises ToolError that asks which."""
        if not found:
            which = _clean(label) or phrases.duration_adjective(seconds)
            raise ToolError("timer-unknown", f"You have no {which} timer.", self.list_timers())
        if len({(each.label.casefold(), each.seconds) for each in found}) > 1:
            choices = phrases.join([self._identify(each, found) for each in found], "or")
            raise ToolError("timer-ambiguous", f"Which timer should I cancel: {choices}?")
        return max(found, key=lambda each: each.number)

    def _identify(self, timer: Timer, among: Sequence[Timer]) -> str:
        twins = sum(each.label.casefold() == timer.label.casefold() for each in among)
        length = f" for {phrases.duration(timer.seconds)}" if timer.label and twins > 1 else ""
        return f"the {timer.name}{length}"

    def _describe(self, timer: Timer) -> str:
        if timer in self._ringing:
            return f"{timer.name} is ringing"
        return f"{timer.name} has {phrases.time_left(self.seconds_left(timer))}"

    def _remove(self, gone: Sequence[Timer]) -> int:
        numbers = {timer.number for timer in gone}
        self._running = [timer for timer in self._running if timer.number not in numbers]
        self._ringing = [timer for timer in self._ringing if timer.number not in numbers]
        if numbers:
            self.on_change()
        return len(numbers)


def _clean(label: str) -> str:
    """`the Tea timer ` -> `Tea`."""
    words = label.split()
    if words and words[0].casefold() in ("the", "a", "an", "my"):
        words = words[1:]
    if words and words[-1].casefold() in ("timer", "timers"):
        words = words[:-1]
    return " ".join(words)
