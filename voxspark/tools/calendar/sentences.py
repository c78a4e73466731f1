"""What is said about appointments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from voxspark.tools.calendar.appointments import Appointment
from voxspark.tools.calendar.days import Window, bare, midnight, named
from voxspark.tools.phrases.english_words import cap, time_of_day

MOST_TOLD = 5


def about(appointments: Sequence[Appointment], window: Window, now: datetime, searched: str = "") -> str:
    """`Tomorrow you have 2 appointments: Dentist at 9:30 AM in Main Street, and Lunch with Anna at noon.`

    Of a window that has begun, only what is not over.
    """
    left = [each for each in appointments if not window.has(now) or each.end.timestamp() > now.timestamp()]
    if not left and searched:
        return f"I can't find {searched} in your calendar {window.name}."
    if not left:
        return f"You have no {'more ' if appointments else ''}appointments {window.name}."
    left.sort(key=lambda each: (each.begin.timestamp(), each.end.timestamp(), each.title))
    count = f"{len(left)} appointments" if len(left) > 1 else "one appointment"
    still = "still " if len(left) < len(appointments) else ""
    head = f"{cap(window.name)} you {still}have {count}"
    told = [_in_window(each, window, now) for each in left[:MOST_TOLD]]
    if more := len(left) - len(told):
        told.append(f"{more} more")
    return f"{head}: {', '.join(told[:-1])}{', and ' if told[1:] else ''}{told[-1]}."


def next_one(appointments: Sequence[Appointment], now: datetime, searched: str = "") -> str:
    """`Your next appointment is Dentist tomorrow at 9:30 AM in Main Street.`; empty when none is to come."""
    ahead = [each for each in appointments if each.begin.timestamp() > now.timestamp()]
    if not ahead:
        return ""
    first = min(ahead, key=lambda each: (each.begin.timestamp(), each.title))
    what = f"next appointment with {searched}" if searched else "next appointment"
    return f"Your {what} is {first.title} {_day_and_time(first, now)}{_place(first)}."


def _in_window(each: Appointment, window: Window, now: datetime) -> str:
    when = _time(each, window, now) if window.is_one_day else _day_and_time(each, now, window.begin)
    return f"{each.title} {when}{_place(each)}"


def _place(each: Appointment) -> str:
    return f" in {each.place}" if each.place else ""


def _time(each: Appointment, window: Window, now: datetime) -> str:
    """Within one day."""
    day = window.begin.date()
    if each.whole_days:
        last = _last_day(each)
        return f"until {bare(last, now.date())}" if last > day else "all day"
    under_way = each.begin.timestamp() <= now.timestamp() < each.end.timestamp()
    begins_in_it = each.begin.timestamp() >= window.begin.timestamp()
    if begins_in_it and not under_way:
        return f"at {clock(each.begin)}"
    if each.end.timestamp() <= midnight(day + timedelta(1), now).timestamp():
        return f"until {clock(each.end)}"
    return f"until {bare(_last_day(each), now.date())} at {clock(each.end)}" if begins_in_it else "all day"


def _day_and_time(each: Appointment, now: datetime, since: datetime | None = None) -> str:
    """Within several days; what began before them is told by its end."""
    today, first, last = now.date(), each.begin.date(), _last_day(each)
    if since is not None and each.begin.timestamp() < since.timestamp():
        return f"until {bare(last, today)}"
    if each.whole_days:
        return f"from {bare(first, today)} to {bare(last, today)}" if last > first else named(first, today)
    return f"{named(first, today)} at {clock(each.begin)}"


def _last_day(each: Appointment) -> date:
    return (each.end - timedelta(microseconds=1)).date() if each.end > each.begin else each.begin.date()


def clock(moment: datetime) -> str:
    """`9:30 AM`, `noon`, `midnight`."""
    return {(0, 0): "midnight", (12, 0): "noon"}.get((moment.hour, moment.minute), time_of_day(moment.time()))
