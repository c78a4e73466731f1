"""What can be said to timers, alarms and reminders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Literal

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.timer_book import LONGEST_SECONDS, MOST_TIMERS, Kind, MemoryTimerStore, Timer, TimerBook, clean
from voxspark.tools.wall_time import WallTime, parse

__all__ = ["MOST_TIMERS", "MemoryTimerStore", "Timer", "Timers"]

Label = Annotated[str, "What it is for, such as tea; empty when it has no name."]
When = Annotated[
    str, "A time such as 7:30 am, tomorrow at 17:00, Friday at noon, 2026-12-24 07:00 or every weekday at 7 am."
]
KindOrAny = Annotated[Literal["timer", "alarm", "reminder", "any"], "Which kind is meant."]


class Timers(TimerBook):
    """A book of timers with tools."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """cancel_timer, change_timer, list_timers, set_alarm, set_reminder, set_timer."""
        return tools_of(self)

    # ── tools ───────────────────────────────────────────────────────────────────────────────────

    @tool(permission="act", fate="owner", core=True)
    async def set_timer(self, seconds: Annotated[int, "Length in seconds, 1 to 86400."], label: Label = "") -> str:
        """Start a countdown timer."""
        await self._open()
        timer = self.start(seconds, label)
        same = sum(each.kind == "timer" and each.label.casefold() == timer.label.casefold() for each in self.running)
        which = f"{'Another ' if timer.label and same > 1 else ''}{timer.label} timer".strip()
        return await self._kept(f"{_capital(which)} set for {phrases.duration(seconds)}.")

    @tool(permission="act", fate="owner", core=True)
    async def set_alarm(self, when: When, label: Label = "") -> str:
        """Set an alarm for a time of day, once or on some days of every week."""
        await self._open()
        alarm = self.start_at(self._moment(when, waking=True), "alarm", label)
        return await self._kept(f"{_capital(f'{alarm.label} alarm'.strip())} set for {self._when(alarm)}.")

    @tool(permission="act", fate="owner", core=True)
    async def set_reminder(
        self,
        text: Annotated[str, "What to be reminded of, such as: call mum."],
        when: When = "",
        seconds: Annotated[int, "Instead of a time: in how many seconds."] = 0,
    ) -> str:
        """Remind the user of something at a time, or after a while."""
        await self._open()
        if not text.strip():
            raise ToolError("reminder-empty", "What should I remind you of?")
        if bool(when.strip()) == bool(seconds):
            raise ToolError("reminder-when", "When should I remind you?")
        if 0 < seconds <= LONGEST_SECONDS:
            reminder = self.start(seconds, text, "reminder")
            said = f"in {phrases.duration(seconds)}"
        else:
            reminder = self.start_at(self._moment(when) if when else self._later(seconds), "reminder", text)
            said = f"at {self._when(reminder)}"
        return await self._kept(f"I'll remind you {said}: {reminder.label}.")

    @tool(permission="act", fate="owner")
    async def change_timer(
        self,
        action: Annotated[
            Literal["extend", "shorten", "set", "pause", "resume"], "Set gives it a new length, from now."
        ],
        seconds: Annotated[int, "By how much, or the new length; nothing to pause or resume."] = 0,
        label: Label = "",
    ) -> str:
        """Extend, shorten, pause, resume or set anew a running timer."""
        await self._open()
        chosen = self._changeable(action, label)
        if action in ("pause", "resume"):
            timer = (self.pause if action == "pause" else self.resume)(chosen)
            return await self._kept(f"{_capital(timer.name)} {action}d with {self._left(timer)} left.")
        if seconds <= 0:
            raise ToolError("timer-change", f"By how much should I {action} it?" if action != "set" else "To what?")
        by = {"extend": seconds, "shorten": -seconds, "set": seconds - self.seconds_left(chosen)}[action]
        timer = self.adjust(chosen, by)
        name = f"{timer.label} timer".strip()
        return await self._kept(f"{_capital(name)} has {self._left(timer)} left now.")

    @tool(permission="read", fate="turn", core=True)
    async def list_timers(self, label: Label = "", kind: KindOrAny = "timer") -> str:
        """Tell which timers, alarms or reminders there are, and how much time each has left."""
        await self._open()
        everything = self._select(kind=kind)
        found = self._select(label, kind=kind)
        if not found:
            word = "timer" if kind == "any" else kind
            if everything and label:
                return f"You have no {clean(label)} {word}."
            return "You have no timers running." if word == "timer" else f"You have no {word}s."
        if len(found) == 1:
            (only,) = found
            end = " left" if only not in self._ringing and only.wall is None and only.left_seconds is None else ""
            return f"Your {self._describe(only)}{end}."
        kinds = {each.kind for each in found}
        what = f"{kinds.pop()}s" if len(kinds) == 1 else "in all"
        return f"You have {len(found)} {what}: {phrases.join([self._describe(each) for each in found])}."

    @tool(permission="act", fate="owner", core=True)
    async def cancel_timer(
        self,
        label: Label = "",
        seconds: Annotated[int, "The length it was set to, when that tells which; else 0."] = 0,
        everything: Annotated[bool, "True to cancel all of this kind."] = False,
        kind: KindOrAny = "timer",
        when: Annotated[str, "The time of the alarm or reminder, when that tells which."] = "",
    ) -> str:
        """Cancel one timer, alarm or reminder, or all of them, or silence the one that rings."""
        await self._open()
        if not (label or seconds or everything or when) and self._ringing:
            silenced = self._ringing[-1].kind
            self.dismiss()
            return await self._kept(f"{silenced.capitalize()} stopped.")
        word = "timer" if kind == "any" else kind
        if not (all_of_it := self._select(kind=kind)):
            raise ToolError("timer-none", f"You have no {word}s.")
        if everything:
            count = self.remove(all_of_it)
            return await self._kept(f"{_capital(word)} cancelled." if count == 1 else f"All {count} {word}s cancelled.")
        found = self._select(label, seconds, kind, when)
        if not found:
            which = clean(label) or when or phrases.duration_adjective(seconds)
            raise ToolError("timer-unknown", f"You have no {which} {word}.", await self.list_timers(kind=kind))
        timer = self._only(found, "cancel")
        self.remove([timer])
        return await self._kept(f"{_capital(timer.name)} cancelled.")

    # ── keeping ─────────────────────────────────────────────────────────────────────────────────

    async def _open(self) -> None:
        """Restore once; what is wrong with the disk is told when something is to be written."""
        with suppress(ToolError):
            await self.restore()

    async def _kept(self, sentence: str) -> str:
        """The sentence, once what it says is written; with a warning when it cannot be."""
        try:
            await self.save()
        except ToolError as error:
            return f"{sentence} A restart would undo that. {error.message}"
        return sentence

    # ── finding ─────────────────────────────────────────────────────────────────────────────────

    def _select(self, label: str = "", seconds: int = 0, kind: str = "any", when: str = "") -> list[Timer]:
        """Those of this kind, name, length and time; a whole name before a part of one (`pasta`: `red pasta`)."""
        fitting = [each for each in [*self._ringing, *self.running] if kind in ("any", each.kind)]
        fitting = [each for each in fitting if seconds in (0, each.seconds)]
        if when:
            fitting = [each for each in fitting if self._is_at(each, when)]
        wanted = clean(label).casefold()
        if not wanted:
            return fitting
        exact = [each for each in fitting if each.label.casefold() == wanted]
        return exact or [each for each in fitting if set(wanted.split()) <= set(each.label.casefold().split())]

    def _is_at(self, timer: Timer, when: str) -> bool:
        if timer.wall is None:
            return False
        readings = [parse(when, self._wall(), waking=waking) for waking in (True, False)]
        times = {reading.local.time() for reading in readings if reading is not None}
        own = timer.wall.local.time()
        exact = any(word in when.casefold() for word in ("am", "pm", "noon", "midnight"))
        return own in times or (not exact and own.replace(hour=(own.hour + 12) % 24) in times)

    def _only(self, found: Sequence[Timer], verb: str) -> Timer:
        """The one that is meant; of those nobody can tell apart, the newest. Raises ToolError that asks which."""
        if len({(each.label.casefold(), each.seconds, each.wall) for each in found}) > 1:
            choices = phrases.join([_identify(each, found) for each in found], "or")
            raise ToolError("timer-ambiguous", f"Which {_kind(found)} should I {verb}: {choices}?")
        return max(found, key=lambda each: each.number)

    def _changeable(self, action: str, label: str) -> Timer:
        """The countdown that is meant, if only because only one is paused or runs. Raises ToolError."""
        timers = [each for each in self._select(label) if each in self._waiting and each.wall is None]
        timers = [each for each in timers if label or each.kind == "timer"]
        if not timers:
            name = f"{clean(label)} timer".strip()
            raise ToolError("timer-none", f"You have no {name} running." if label else "You have no timers running.")
        if action in ("pause", "resume"):
            able = [each for each in timers if (each.left_seconds is None) == (action == "pause")]
            timers = able or timers
        return self._only(timers, "change" if action in ("extend", "shorten", "set") else action)

    # ── saying ──────────────────────────────────────────────────────────────────────────────────

    def _moment(self, when: str, *, waking: bool = False) -> WallTime:
        """Raises ToolError when the text is no moment."""
        if (moment := parse(when, self._wall(), waking=waking)) is None:
            raise ToolError("time-unclear", "I did not understand for when.", "Say a time, such as 7:30 am tomorrow.")
        return moment

    def _later(self, seconds: int) -> WallTime:
        """So many seconds from now, to the minute. Raises ToolError below zero and beyond a year."""
        if not 0 < seconds <= 366 * LONGEST_SECONDS:
            raise ToolError("reminder-bounds", "I can remind you within the next year.")
        at = self._wall() + timedelta(seconds=seconds)
        return WallTime(at.replace(second=0, microsecond=0, tzinfo=None))

    def _when(self, timer: Timer) -> str:
        assert timer.wall is not None
        return timer.wall.describe(self._wall())

    def _left(self, timer: Timer) -> str:
        return phrases.time_left(self.seconds_left(timer))

    def _describe(self, timer: Timer) -> str:
        if timer in self._ringing:
            return f"{timer.name} is ringing"
        if timer.wall is not None:
            name = timer.name if timer.label else timer.kind
            return f"{name} is set for {self._when(timer)}"
        if timer.left_seconds is not None:
            return f"{timer.name} is paused with {self._left(timer)} left"
        return f"{timer.name} has {self._left(timer)}"


def _identify(timer: Timer, among: Sequence[Timer]) -> str:
    twins = sum(each.label.casefold() == timer.label.casefold() for each in among)
    length = f" for {phrases.duration(timer.seconds)}" if timer.label and twins > 1 and timer.seconds else ""
    return f"the {timer.name}{length}"


def _kind(found: Sequence[Timer]) -> Kind:
    kinds = {each.kind for each in found}
    return kinds.pop() if len(kinds) == 1 else "timer"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
