"""Moments on the clock on the wall, as people say them: `quarter past 6`, `tomorrow at 7 am`, `every weekday at 7`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from voxspark.tools import phrases
from voxspark.tools.phrases.english_words import DAYS

_REPEATS = {
    "day": range(7),
    "morning": range(7),
    "evening": range(7),
    "night": range(7),
    "weekday": range(5),
    "workday": range(5),
    "weekend": range(5, 7),
    **{day.lower(): (number,) for number, day in enumerate(DAYS)},
}
"""`every …`"""


@dataclass(frozen=True, slots=True)
class WallTime:
    """Once, or on some days of every week. What the clock shows counts: daylight saving time does not move it."""

    local: datetime
    """Naive: what the clock shows, next time."""
    zone: str = ""
    """IANA name; empty is wherever the machine is."""
    weekdays: tuple[int, ...] = ()
    """Days on which it repeats; Monday is 0."""

    def instant(self, here: tzinfo | None) -> float:
        """Seconds since the epoch. A time that a clock change leaves out is an hour later, of two the first counts."""
        return self.local.replace(tzinfo=self._zone(here)).timestamp()

    def after(self, now: datetime) -> WallTime | None:
        """The first repetition after `now` (aware); None when it does not repeat."""
        following = (self.local + timedelta(days) for days in range(1, 9))
        candidates = [replace(self, local=at) for at in following if at.weekday() in self.weekdays]
        later = [each for each in candidates if each.instant(now.tzinfo) > now.timestamp()]
        if later or not candidates:
            return later[0] if later else None
        today = datetime.combine(now.astimezone(self._zone(now.tzinfo)).date(), self.local.time())
        return replace(self, local=today - timedelta(1)).after(now)

    def _zone(self, here: tzinfo | None) -> tzinfo | None:
        try:
            return ZoneInfo(self.zone) if self.zone else here
        except KeyError:  # this machine does not know the zone any more
            return here

    def moment(self, now: datetime) -> phrases.Moment:
        """As it is said: `7:00 AM tomorrow`."""
        ahead = (self.local.date() - now.astimezone(self._zone(now.tzinfo)).date()).days
        return phrases.Moment(self.local, ahead, self.weekdays)


def local_now() -> datetime:
    """The time here, in a zone that knows its clock changes where the machine tells its name."""
    name = os.environ.get("TZ", "").lstrip(":") or str(Path("/etc/localtime").resolve())
    try:
        return datetime.now(ZoneInfo(name.rpartition("zoneinfo/")[2]))
    except (ValueError, OSError, KeyError):  # not the name of a zone
        return datetime.now().astimezone()


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


class _Clock(NamedTuple):
    hour: int
    minute: int
    half: str
    """`am`, `pm`, or empty when nobody said which; `24` when it cannot be either."""


_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_DAY = "|".join(day.lower() for day in DAYS)
_TIME = re.compile(
    r"""(?: (?P<name>noon|midday|midnight)
      | (?:(?: (?P<quarter>(?:a\ )?quarter|half) | (?P<minutes>5|10|20|25|\d{1,2}\ min(?:ute)?s?) | (?P<span>\d{2,4})s )
            \ (?P<side>past|after|to|before|of|till)\ )?
        (?P<hour>\d{1,2}) (?:[:.\ ](?P<minute>[0-5]\d))? (?:\ ?o'?\ ?clock)? )
    (?:\ ?(?P<half>am|pm|a\.m\.?|p\.m\.?))? (?![\w:.])""",
    re.VERBOSE,
)
_PART = re.compile(r"\b(?:in the |this |at )?(morning|afternoon|evening|night|tonight)\b")
_REPEAT = re.compile(
    rf"""\b(?: (?:on\ )?(?:every|each)\ (?P<every>{"|".join(_REPEATS)})s?
               (?P<more>(?:(?:,|\ and|,\ and)(?:\ every)?\ (?:{_DAY}))*)
             | (?P<daily>daily)
             | on\ (?P<plural>weekdays|workdays|weekends|(?:{_DAY})s) )\b""",
    re.VERBOSE,
)
_ONCE = re.compile(
    rf"""\b(?: (?P<today>today) | (?P<tomorrow>tomorrow)
             | (?:on\ )?(?:next\ |this\ )?(?P<day>{_DAY})
             | (?:on\ )?(?P<date>\d{{4}}-\d\d-\d\d)t? )(?![a-z])""",
    re.VERBOSE,
)
_ANY_MOMENT = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
_REST = re.compile(r"(?:at|on|for|by|around|from|the|,|\s)*")


def parse(text: str, now: datetime, *, waking: bool = False) -> WallTime | None:
    """The moment a text means, the next one after `now` (aware) that fits; None when it is no moment, whole and sure.

    Of two times that `7` can mean the next is taken; for another day than today those from 7 to 6 (with `waking`: in
    the morning). `today at 7 am` stays today, even when that has passed.
    """
    rest = " ".join(text.casefold().replace("’", "'").split())
    rest = re.sub(rf"\b({'|'.join(_HOURS)})\b", lambda match: str(_HOURS.index(match[1]) + 1), rest)
    repeat, rest = _take(_REPEAT, rest)
    once, rest = (None, rest) if repeat else _take(_ONCE, rest)
    part, rest = _take(_PART, rest)
    spoken, rest = _take(_TIME, rest)
    period = part[1] if part else repeat["every"] if repeat else ""
    clock = _clock(spoken, period or "") if spoken else None
    if clock is None or not _REST.fullmatch(rest):
        return None
    zone = now.tzinfo.key if isinstance(now.tzinfo, ZoneInfo) else ""
    local = now.replace(tzinfo=None)
    if repeat:
        yesterday = datetime.combine(local.date() - timedelta(1), _sure(clock, waking=waking))
        return WallTime(yesterday, zone, _weekdays(repeat)).after(now)
    if once and not once["today"]:
        day = _day_of(once, local.date())
        return WallTime(datetime.combine(day, _sure(clock, waking=waking)), zone) if day else None
    return WallTime(_next(clock, local, stay=bool(once) or period == "tonight"), zone)


def is_moment(text: str) -> bool:
    """Whether a text means one, whichever that is now."""
    return parse(text, _ANY_MOMENT) is not None


def _take(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str] | None, str]:
    """(match, the text without it)."""
    if (match := pattern.search(text)) is None:
        return None, text
    return match, f"{text[: match.start()]} {text[match.end() :]}".strip()


def _clock(spoken: re.Match[str], period: str) -> _Clock | None:
    """The time on the clock, or None when there is none such as `25` or `13 pm`."""
    half = (spoken["half"] or "").replace(".", "")
    if name := spoken["name"]:
        return None if half else _Clock(0 if name == "midnight" else 12, 0, "24")
    hour, minute = int(spoken["hour"]), int(spoken["minute"] or 0)
    if hour > 23 or (half and not 1 <= hour <= 12):
        return None
    if spoken["side"]:
        if spoken["minute"] or not 1 <= hour <= 12:
            return None
        span = {"half": 30, "quarter": 15}.get((spoken["quarter"] or "").removeprefix("a "))
        span = span or int((spoken["minutes"] or "").split(" ")[0] or int(spoken["span"]) // 60)
        if not 0 < span < 60 or (span == 30 and spoken["side"] not in ("past", "after")):
            return None
        minute = span
        if spoken["side"] not in ("past", "after"):
            hour, minute = (hour - 1 or 12), 60 - span
    if not half and period in ("morning", "afternoon", "evening", "tonight", "night"):
        half = "am" if period == "morning" or (period in ("night", "tonight") and hour in (12, 1, 2, 3, 4)) else "pm"
    if half and hour <= 12:
        return _Clock(hour % 12 + (12 if half == "pm" else 0), minute, half)
    exact = hour > 12 or hour == 0 or spoken["hour"].startswith("0")
    return _Clock(hour, minute, "24" if exact else "")


def _sure(clock: _Clock, *, waking: bool) -> time:
    """On another day than today."""
    afternoon = not clock.half and not waking and clock.hour < 7
    return time(clock.hour + 12 if afternoon else clock.hour, clock.minute)


def _next(clock: _Clock, local: datetime, *, stay: bool) -> datetime:
    """The next time the clock shows this; with `stay`, today, even when that has passed."""
    hours = [clock.hour] if clock.half else [clock.hour % 12, clock.hour % 12 + 12]
    today = [datetime.combine(local.date(), time(hour, clock.minute)) for hour in hours]
    ahead = [moment for moment in today if moment > local]
    if ahead or stay:
        return ahead[0] if ahead else today[-1]
    return today[0] + timedelta(1)


def _weekdays(repeat: re.Match[str]) -> tuple[int, ...]:
    if repeat["daily"]:
        return tuple(range(7))
    days = set(_REPEATS[repeat["every"] or repeat["plural"].removesuffix("s")])
    days |= {number for number, day in enumerate(DAYS) if day.lower() in (repeat["more"] or "")}
    return tuple(sorted(days))


def _day_of(once: re.Match[str], today: date) -> date | None:
    if once["tomorrow"]:
        return today + timedelta(1)
    if once["date"]:
        try:
            return date.fromisoformat(once["date"])
        except ValueError:
            return None
    number = [day.lower() for day in DAYS].index(once["day"])
    return today + timedelta((number - today.weekday() - 1) % 7 + 1)
