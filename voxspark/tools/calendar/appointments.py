"""Appointments out of iCalendar objects (RFC 5545), and one as such an object. Everything in them is a stranger's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from math import prod
from typing import Any

from voxspark.errors import ToolError
from voxspark.tools.calendar.days import Window, midnight
from voxspark.tools.clean import clean

log = logging.getLogger(__name__)

LONGEST_TITLE, LONGEST_PLACE, LONGEST_NAME = 100, 60, 60

MOST_PEOPLE = 20
"""Of one appointment."""

SLOW_FREQUENCIES = ("SECONDLY", "MINUTELY")
MOST_A_DAY = 24
"""Repetitions of one rule: more is no appointment but an attack, and takes minutes to count out."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """One occurrence."""

    title: str
    begin: datetime
    """Aware, in the zone here; of whole days their first midnight."""
    end: datetime
    """Of whole days the midnight after them."""
    place: str = ""
    whole_days: bool = False
    people: tuple[str, ...] = ()
    """Who invites and who comes, as far as they have names."""


def _missing() -> ToolError:
    """The error of a machine without the packages."""
    return ToolError("calendar-missing", "The calendar is not installed.", "Install voxspark[calendar].")


def read(objects: Iterable[str], window: Window) -> list[Appointment]:
    """Those of some iCalendar objects that fall into the window, recurring ones expanded, the cancelled left out.

    An object that cannot be read is left out. Blocks for a millisecond per object. Raises ToolError without the
    packages.
    """
    try:
        import icalendar  # noqa: F401
        import recurring_ical_events  # noqa: F401
    except ImportError as error:
        raise _missing() from error
    return [each for text in objects for each in _read_one(text, window)]


def _read_one(text: str, window: Window) -> list[Appointment]:
    try:
        found = list(_occurrences(text, window))
    except Exception as error:  # the boundary of what strangers write: one broken invitation hides no other
        log.debug("an appointment cannot be read: %r", error)
        return []
    return [each for each in found if window.meets(each.begin, each.end)]


def _occurrences(text: str, window: Window) -> Iterator[Appointment]:
    import icalendar
    import recurring_ical_events

    parsed = icalendar.Calendar.from_ical(text)
    for event in parsed.walk("VEVENT"):
        if not _is_countable(event.get("RRULE")):
            del event["RRULE"]
    day = timedelta(1)  # whole days have no zone: where they fall is decided here, not there
    for event in recurring_ical_events.of(parsed).between(window.begin - day, window.end + day):
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield _appointment(event, window.begin)


def _is_countable(rules: Any) -> bool:
    for rule in rules if isinstance(rules, list) else [rules] if rules else []:
        a_day = prod(len(rule.get(name, [0])) for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
        if rule.get("FREQ", [""])[0].upper() in SLOW_FREQUENCIES or a_day > MOST_A_DAY:
            return False
    return True


def _appointment(event: Any, here: datetime) -> Appointment:
    begin, end = event.start, event.end
    title = clean(str(event.get("SUMMARY", "")), LONGEST_TITLE) or "an appointment without a title"
    first_line = next(iter(str(event.get("LOCATION", "")).strip().splitlines()), "")
    place = "" if "://" in first_line else clean(first_line, LONGEST_PLACE)
    people = _people(event)
    if not isinstance(begin, datetime):
        last = max(end, begin + timedelta(1))
        return Appointment(title, midnight(begin, here), midnight(last, here), place, True, people)
    return Appointment(title, _local(begin, here.tzinfo), _local(end, here.tzinfo), place, people=people)


def _people(event: Any) -> tuple[str, ...]:
    attendees = event.get("ATTENDEE", [])
    parties = (event.get("ORGANIZER"), *(attendees if isinstance(attendees, list) else [attendees]))
    written = (str(getattr(each, "params", {}).get("CN", "")) for each in parties[: MOST_PEOPLE + 1])
    return tuple(dict.fromkeys(name for each in written if (name := clean(each, LONGEST_NAME)) and "@" not in name))


def _local(moment: date, zone: tzinfo | None) -> datetime:
    """A time without a zone is one of the clock on the wall, wherever that is."""
    assert isinstance(moment, datetime)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def write(uid: str, title: str, begin: datetime, end: datetime) -> str:
    """A new appointment as an iCalendar object. Raises ToolError without the packages."""
    try:
        from icalendar import Calendar, Event
    except ImportError as error:
        raise _missing() from error
    calendar, event = Calendar(), Event()
    calendar.add("prodid", "-//VoxSpark//EN")
    calendar.add("version", "2.0")
    event.add("uid", uid)
    event.add("dtstamp", datetime.now(UTC))
    event.add("summary", title)
    event.add("dtstart", begin.astimezone(UTC))
    event.add("dtend", end.astimezone(UTC))
    calendar.add_component(event)
    return str(calendar.to_ical(), "utf-8")
