"""What can be said to timers, alarms and reminders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Literal

from voxspark.errors import ToolError
from voxspark.tools.phrases import Kind, Left, Length, Listing, Moment, TimerName, say
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.timer_book import LONGEST_SECONDS, Timer, TimerBook, bare_label
from voxspark.tools.wall_time import WallTime, parse

Label = Annotated[str, "What it is for, such as tea; empty when it has no name."]
When = Annotated[
    str, "A time such as 7:30 am, tomorrow at 17:00, Friday at noon, 2026-12-24 07:00 or every weekday at 7 am."
]
KindOrAny = Annotated[Literal["timer", "alarm", "reminder", "any"], "Which kind is meant."]

# What is said by kind, or by action: whole sentences, because other languages inflect them.
_NONE: Mapping[Kind, str] = {
    "timer": "You have no timers.",
    "alarm": "You have no alarms.",
    "reminder": "You have no reminders.",
}
_MANY: Mapping[Kind, str] = {
    "timer": "You have {count} timers: {timers}.",
    "alarm": "You have {count} alarms: {timers}.",
    "reminder": "You have {count} reminders: {timers}.",
}
_STOPPED: Mapping[Kind, str] = {"timer": "Timer stopped.", "alarm": "Alarm stopped.", "reminder": "Reminder stopped."}
_CANCELLED: Mapping[Kind, str] = {
    "timer": "Timer cancelled.",
    "alarm": "Alarm cancelled.",
    "reminder": "Reminder cancelled.",
}
_ALL_CANCELLED: Mapping[Kind, str] = {
    "timer": "All {count} timers cancelled.",
    "alarm": "All {count} alarms cancelled.",
    "reminder": "All {count} reminders cancelled.",
}
_BY_WHAT: Mapping[str, str] = {
    "extend": "By how much should I extend it?",
    "shorten": "By how much should I shorten it?",
    "set": "To what?",
}
_WHICH: Mapping[str, str] = {
    "cancel": "Which {kind:bare} should I cancel: {choices}?",
    "change": "Which {kind:bare} should I change: {choices}?",
    "pause": "Which {kind:bare} should I pause: {choices}?",
    "resume": "Which {kind:bare} should I resume: {choices}?",
}


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
        told = (
            "Another {timer} set for {length}." if timer.label and same > 1 else "{timer:cap short} set for {length}."
        )
        return await self._kept(say(told, timer=timer.said, length=Length(seconds)))

    @tool(permission="act", fate="owner", core=True)
    async def set_alarm(self, when: When, label: Label = "") -> str:
        """Set an alarm for a time of day, once or on some days of every week."""
        await self._open()
        alarm = self.start_at(self._moment(when, waking=True), "alarm", label)
        return await self._kept(say("{timer:cap short} set for {when}.", timer=alarm.said, when=self._when(alarm)))

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
            raise ToolError("reminder-empty", say("What should I remind you of?"))
        if bool(when.strip()) == bool(seconds):
            raise ToolError("reminder-when", say("When should I remind you?"))
        if 0 < seconds <= LONGEST_SECONDS:
            reminder = self.start(seconds, text, "reminder")
            said = say("I'll remind you in {length}: {text}.", length=Length(seconds), text=reminder.label)
        else:
            reminder = self.start_at(self._moment(when) if when else self._later(seconds), "reminder", text)
            said = say("I'll remind you at {when}: {text}.", when=self._when(reminder), text=reminder.label)
        return await self._kept(said)

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
            told = (
                "{timer:cap} paused with {left} left." if action == "pause" else "{timer:cap} resumed with {left} left."
            )
            return await self._kept(say(told, timer=timer.said, left=self._left(timer)))
        if seconds <= 0:
            raise ToolError("timer-change", say(_BY_WHAT[action]))
        by = {"extend": seconds, "shorten": -seconds, "set": seconds - self.seconds_left(chosen)}[action]
        timer = self.adjust(chosen, by)
        short = TimerName("timer", timer.label)
        return await self._kept(say("{timer:cap short} has {left} left now.", timer=short, left=self._left(timer)))

    @tool(permission="read", fate="turn", core=True)
    async def list_timers(self, label: Label = "", kind: KindOrAny = "timer") -> str:
        """Tell which timers, alarms or reminders there are, and how much time each has left."""
        await self._open()
        everything = self._select(kind=kind)
        found = self._select(label, kind=kind)
        if not found:
            word = _kind_of(kind)
            if everything and label:
                return say("You have no {timer:which}.", timer=TimerName(word, bare_label(label)))
            return say("You have no timers running.") if word == "timer" else say(_NONE[word])
        if len(found) == 1:
            return self._describe(found[0], among=1)
        kinds = {each.kind for each in found}
        told = _MANY[kinds.pop()] if len(kinds) == 1 else "You have {count} in all: {timers}."
        each = [self._describe(timer, among=len(found)) for timer in found]
        return say(told, count=len(found), timers=Listing(each))

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
            return await self._kept(say(_STOPPED[silenced]))
        word = _kind_of(kind)
        if not (all_of_it := self._select(kind=kind)):
            raise ToolError("timer-none", say(_NONE[word]))
        if everything:
            count = self.remove(all_of_it)
            return await self._kept(say((_CANCELLED if count == 1 else _ALL_CANCELLED)[word], count=count))
        found = self._select(label, seconds, kind, when)
        if not found:
            missing = say("You have no {timer:which}.", timer=TimerName(word, bare_label(label) or when, seconds))
            raise ToolError("timer-unknown", missing, await self.list_timers(kind=kind))
        timer = self._only(found, "cancel")
        self.remove([timer])
        return await self._kept(say("{timer:cap} cancelled.", timer=timer.said))

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
            return say("{sentence} A restart would undo that. {why}", sentence=sentence, why=error.message)
        return sentence

    # ── finding ─────────────────────────────────────────────────────────────────────────────────

    def _select(self, label: str = "", seconds: int = 0, kind: str = "any", when: str = "") -> list[Timer]:
        """Those of this kind, name, length and time; a whole name before a part of one (`pasta`: `red pasta`)."""
        fitting = [each for each in [*self._ringing, *self.running] if kind in ("any", each.kind)]
        fitting = [each for each in fitting if seconds in (0, each.seconds)]
        if when:
            fitting = [each for each in fitting if self._is_at(each, when)]
        wanted = bare_label(label).casefold()
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
            choices = Listing([_identify(each, found) for each in found], "or")
            raise ToolError("timer-ambiguous", say(_WHICH[verb], kind=TimerName(_kind(found)), choices=choices))
        return max(found, key=lambda each: each.number)

    def _changeable(self, action: str, label: str) -> Timer:
        """The countdown that is meant, if only because only one is paused or runs. Raises ToolError."""
        timers = [each for each in self._select(label) if each in self._waiting and each.wall is None]
        timers = [each for each in timers if label or each.kind == "timer"]
        if not timers:
            named = say("You have no {timer} running.", timer=TimerName("timer", bare_label(label)))
            raise ToolError("timer-none", named if label else say("You have no timers running."))
        if action in ("pause", "resume"):
            able = [each for each in timers if (each.left_seconds is None) == (action == "pause")]
            timers = able or timers
        return self._only(timers, "change" if action in ("extend", "shorten", "set") else action)

    # ── saying ──────────────────────────────────────────────────────────────────────────────────

    def _moment(self, when: str, *, waking: bool = False) -> WallTime:
        """Raises ToolError when the text is no moment."""
        if (moment := parse(when, self._wall(), waking=waking)) is None:
            raise ToolError(
                "time-unclear", say("I did not understand for when."), "Say a time, such as 7:30 am tomorrow."
            )
        return moment

    def _later(self, seconds: int) -> WallTime:
        """So many seconds from now, to the minute. Raises ToolError below zero and beyond a year."""
        if not 0 < seconds <= 366 * LONGEST_SECONDS:
            raise ToolError("reminder-bounds", say("I can remind you within the next year."))
        at = self._wall() + timedelta(seconds=seconds)
        return WallTime(at.replace(second=0, microsecond=0, tzinfo=None))

    def _when(self, timer: Timer) -> Moment:
        assert timer.wall is not None
        return timer.wall.moment(self._wall())

    def _left(self, timer: Timer) -> Left:
        return Left(self.seconds_left(timer))

    def _describe(self, timer: Timer, *, among: int) -> str:
        """A sentence about the only one, or a part of a sentence about several."""
        alone = among == 1
        if timer in self._ringing:
            return say("Your {timer} is ringing." if alone else "{timer} is ringing", timer=timer.said)
        if timer.wall is not None:
            told = "Your {timer:kind} is set for {when}." if alone else "{timer:kind} is set for {when}"
            return say(told, timer=timer.said, when=self._when(timer))
        if timer.left_seconds is not None:
            told = "Your {timer} is paused with {left} left." if alone else "{timer} is paused with {left} left"
        else:
            told = "Your {timer} has {left} left." if alone else "{timer} has {left}"
        return say(told, timer=timer.said, left=self._left(timer))


def _identify(timer: Timer, among: Sequence[Timer]) -> str:
    twins = sum(each.label.casefold() == timer.label.casefold() for each in among)
    told = "the {timer} for {length}" if timer.label and twins > 1 and timer.seconds else "the {timer}"
    return say(told, timer=timer.said, length=Length(timer.seconds))


def _kind_of(kind: str) -> Kind:
    return "alarm" if kind == "alarm" else "reminder" if kind == "reminder" else "timer"


def _kind(found: Sequence[Timer]) -> Kind:
    kinds = {each.kind for each in found}
    return kinds.pop() if len(kinds) == 1 else "timer"
