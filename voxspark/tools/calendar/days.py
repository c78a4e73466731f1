"""Days as people name them: `tomorrow`, `this week`, `on Friday evening`, `December 24`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from voxspark.errors import ToolError
from voxspark.tools.folding import fold
from voxspark.tools.phrases.english_words import DAYS

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
PARTS = {
    "morning": (time(0), time(12)),
    "afternoon": (time(12), time(18)),
    "evening": (time(18), time(0)),
    "night": (time(18), time(0)),
}
"""From and until; midnight as an end is the next one."""

MOST_DAYS = 366

_PART = re.compile(rf"(?:in the |this |at )?\b({'|'.join(PARTS)})$")
_DAY = re.compile(rf"(next )?({'|'.join(day.lower() for day in DAYS)})")
_NEXT_DAYS = re.compile(r"(?:next|coming) (\d{1,3}) days")
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.? (?:of )?([a-z]{3,9})(?:,? (\d{4}))?")


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the calendar, on the clock on the wall."""

    begin: datetime
    """Aware."""
    end: datetime
    """Aware, after it."""
    name: str
    """`tomorrow`, `on Friday`, `this week`."""

    @property
    def is_one_day(self) -> bool:
        return self.end.replace(tzinfo=None) - self.begin.replace(tzinfo=None) <= timedelta(1)

    def has(self, moment: datetime) -> bool:
        """Whether a moment falls into it."""
        return self.begin.timestamp() <= moment.timestamp() < self.end.timestamp()

    def meets(self, begin: datetime, end: datetime) -> bool:
        """Whether something between these moments (both the same when it takes no time) falls into it."""
        ends_later = end.timestamp() > self.begin.timestamp() or begin.timestamp() >= self.begin.timestamp()
        return begin.timestamp() < self.end.timestamp() and ends_later


def midnight(day: date, now: datetime) -> datetime:
    """Where a day begins in the zone of `now`."""
    return datetime.combine(day, time(0), now.tzinfo)


def coming(days: int, now: datetime, name: str) -> Window:
    """From today on."""
    return Window(midnight(now.date(), now), midnight(now.date() + timedelta(days), now), name)


def parse(when: str, now: datetime) -> Window:
    """The days that a text names. Raises ToolError."""
    text = " ".join(fold(when).split()).removeprefix("on ").removeprefix("the ").strip(" .?!")
    text = {"tonight": "today night", "now": "today"}.get(text, re.sub(r"^this (?=\w+$)", "", text))
    if text in ("week", "next week", "weekend", "next weekend", "month", "next month"):
        return _span(text, now)
    if found := _NEXT_DAYS.fullmatch(text):
        return coming(min(max(int(found[1]), 1), MOST_DAYS), now, f"in the next {int(found[1])} days")
    part = _PART.search(text)
    text = _PART.sub("", text).strip() if part else text
    day = _day(text.removeprefix("this "), now.date()) if text or not part else now.date()
    if day is None:
        raise ToolError(
            "calendar-when", "I don't know which day you mean.", "Say today, tomorrow, this week, a weekday or a date."
        )
    return _one_day(day, part[1] if part else "", now)


def _one_day(day: date, part: str, now: datetime) -> Window:
    name = named(day, now.date())
    if not part:
        return Window(midnight(day, now), midnight(day + timedelta(1), now), name)
    begin, end = PARTS[part]
    name = f"{name} {part}" if name != "today" else "tonight" if part == "night" else f"this {part}"
    at = partial(datetime.combine, tzinfo=now.tzinfo)
    return Window(at(day, begin), at(day + timedelta(end < begin), end), name)


def _span(text: str, now: datetime) -> Window:
    """From today, or from the first day of the next one, until the last day."""
    today, is_next = now.date(), text.startswith("next ")
    if text.endswith("month"):
        first = today.replace(day=1)
        following = (first + timedelta(32)).replace(day=1)
        after = (following + timedelta(32)).replace(day=1)
        begin, end = (following, after) if is_next else (today, following)
    else:
        monday = today - timedelta(today.weekday()) + timedelta(7 * is_next)
        begin, end = monday + timedelta(5 if text.endswith("weekend") else 0), monday + timedelta(7)
    return Window(midnight(max(begin, today), now), midnight(end, now), text if is_next else f"this {text}")


def _day(text: str, today: date) -> date | None:
    relative = {"": 0, "today": 0, "tomorrow": 1, "day after tomorrow": 2, "yesterday": -1}
    if text in relative:
        return today + timedelta(relative[text])
    if found := _DAY.fullmatch(text):
        ahead = ([day.lower() for day in DAYS].index(found[2]) - today.weekday()) % 7
        return today + timedelta(ahead or (7 if found[1] else 0))
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _date(text, today)


def _date(text: str, today: date) -> date | None:
    """`december 24`, `24th of december`; without a year the next one."""
    if found := _MONTH_FIRST.fullmatch(text):
        name, day, year = found.groups()
    elif found := _DAY_FIRST.fullmatch(text):
        day, name, year = found.groups()
    else:
        return None
    month = next((number for number, each in enumerate(MONTHS, 1) if each.lower().startswith(name)), 0)
    for candidate in [int(year)] if year else range(today.year, today.year + 8):
        try:
            found_day = date(candidate, month, int(day))
        except ValueError:
            continue
        if year or found_day >= today:
            return found_day
    return None


def named(day: date, today: date) -> str:
    """`today`, `tomorrow`, `on Friday`, `on December 24`."""
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    ahead = (day - today).days
    return near[ahead] if ahead in near else f"on {bare(day, today)}"


def bare(day: date, today: date) -> str:
    """`today`, `tomorrow`, `Friday`, `December 24`, `January 2, 2028`."""
    ahead = (day - today).days
    if -1 <= ahead <= 1:
        return named(day, today)
    if 1 < ahead < 7:
        return DAYS[day.weekday()]
    far = f", {day.year}" if not 0 <= ahead < MOST_DAYS else ""
    return f"{MONTHS[day.month - 1]} {day.day}{far}"
