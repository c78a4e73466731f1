"""The time and date, here and in cities, and the weekday of named days."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from voxspark.errors import ToolError
from voxspark.tools.folding import fold
from voxspark.tools.phrases import Clock as TimeOfDay
from voxspark.tools.phrases import Date, Name, Weekday, say
from voxspark.tools.registry import Tool, tool, tools_of

CITIES = {
    "Amsterdam": "Europe/Amsterdam",
    "Athens": "Europe/Athens",
    "Auckland": "Pacific/Auckland",
    "Baghdad": "Asia/Baghdad",
    "Bangkok": "Asia/Bangkok",
    "Barcelona": "Europe/Madrid",
    "Beijing": "Asia/Shanghai",
    "Berlin": "Europe/Berlin",
    "Bogota": "America/Bogota",
    "Boston": "America/New_York",
    "Brisbane": "Australia/Brisbane",
    "Brussels": "Europe/Brussels",
    "Bucharest": "Europe/Bucharest",
    "Budapest": "Europe/Budapest",
    "Buenos Aires": "America/Argentina/Buenos_Aires",
    "Cairo": "Africa/Cairo",
    "Cape Town": "Africa/Johannesburg",
    "Chicago": "America/Chicago",
    "Copenhagen": "Europe/Copenhagen",
    "Dallas": "America/Chicago",
    "Delhi": "Asia/Kolkata",
    "Denver": "America/Denver",
    "Dubai": "Asia/Dubai",
    "Dublin": "Europe/Dublin",
    "Edinburgh": "Europe/London",
    "Geneva": "Europe/Zurich",
    "Hanoi": "Asia/Ho_Chi_Minh",
    "Helsinki": "Europe/Helsinki",
    "Hong Kong": "Asia/Hong_Kong",
    "Honolulu": "Pacific/Honolulu",
    "Houston": "America/Chicago",
    "Istanbul": "Europe/Istanbul",
    "Jakarta": "Asia/Jakarta",
    "Jerusalem": "Asia/Jerusalem",
    "Johannesburg": "Africa/Johannesburg",
    "Karachi": "Asia/Karachi",
    "Kyiv": "Europe/Kyiv",
    "Lagos": "Africa/Lagos",
    "Las Vegas": "America/Los_Angeles",
    "Lima": "America/Lima",
    "Lisbon": "Europe/Lisbon",
    "London": "Europe/London",
    "Los Angeles": "America/Los_Angeles",
    "Madrid": "Europe/Madrid",
    "Manila": "Asia/Manila",
    "Melbourne": "Australia/Melbourne",
    "Mexico City": "America/Mexico_City",
    "Miami": "America/New_York",
    "Milan": "Europe/Rome",
    "Montreal": "America/Toronto",
    "Moscow": "Europe/Moscow",
    "Mumbai": "Asia/Kolkata",
    "Munich": "Europe/Berlin",
    "Nairobi": "Africa/Nairobi",
    "New Delhi": "Asia/Kolkata",
    "New York": "America/New_York",
    "New York City": "America/New_York",
    "Oslo": "Europe/Oslo",
    "Paris": "Europe/Paris",
    "Philadelphia": "America/New_York",
    "Phoenix": "America/Phoenix",
    "Prague": "Europe/Prague",
    "Reykjavik": "Atlantic/Reykjavik",
    "Rio de Janeiro": "America/Sao_Paulo",
    "Riyadh": "Asia/Riyadh",
    "Rome": "Europe/Rome",
    "San Francisco": "America/Los_Angeles",
    "Santiago": "America/Santiago",
    "Sao Paulo": "America/Sao_Paulo",
    "Seattle": "America/Los_Angeles",
    "Seoul": "Asia/Seoul",
    "Shanghai": "Asia/Shanghai",
    "Singapore": "Asia/Singapore",
    "Stockholm": "Europe/Stockholm",
    "Sydney": "Australia/Sydney",
    "Taipei": "Asia/Taipei",
    "Tehran": "Asia/Tehran",
    "Tel Aviv": "Asia/Jerusalem",
    "Tokyo": "Asia/Tokyo",
    "Toronto": "America/Toronto",
    "Vancouver": "America/Vancouver",
    "Vienna": "Europe/Vienna",
    "Warsaw": "Europe/Warsaw",
    "Washington": "America/New_York",
    "Washington DC": "America/New_York",
    "Zurich": "Europe/Zurich",
}
"""City to IANA time zone."""

HOLIDAYS = {
    "New Year's Day": (1, 1),
    "Groundhog Day": (2, 2),
    "Valentine's Day": (2, 14),
    "International Women's Day": (3, 8),
    "Pi Day": (3, 14),
    "Saint Patrick's Day": (3, 17),
    "April Fools' Day": (4, 1),
    "Earth Day": (4, 22),
    "May Day": (5, 1),
    "Star Wars Day": (5, 4),
    "Cinco de Mayo": (5, 5),
    "Juneteenth": (6, 19),
    "Independence Day": (7, 4),
    "Bastille Day": (7, 14),
    "Halloween": (10, 31),
    "Guy Fawkes Night": (11, 5),
    "Veterans Day": (11, 11),
    "Christmas Eve": (12, 24),
    "Christmas": (12, 25),
    "Boxing Day": (12, 26),
    "New Year's Eve": (12, 31),
}
"""Days with the same (month, day) every year."""

_ZONES = {fold(city): (city, zone) for city, zone in CITIES.items()}
_DAYS = {re.sub(r"[^a-z]", "", name.casefold()): (name, *day) for name, day in HOLIDAYS.items()}


class Clock:
    """Tells the time.

    `now` gives aware local time; `datetime.now().astimezone` in the daemon.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    @tool(permission="read", fate="turn")
    def get_time(self, city: Annotated[str, "A large city; empty for the time here."] = "") -> str:
        """Tell the current time, here or in a city."""
        here = self._now()
        if not city:
            return say("It's {time}.", time=TimeOfDay(here.time()))
        found = _there(city, here)
        if found is None:
            return say("I don't know the time in {city}.", city=city[:40])
        name, there = found
        time, day = TimeOfDay(there.time()), Weekday(there.weekday())
        if there.date() == here.date():
            return say("It's {time} in {city}.", time=time, city=Name(name))
        return say("It's {time} on {day} in {city}.", time=time, day=day, city=Name(name))

    @tool(permission="read", fate="turn")
    def get_date(self, city: Annotated[str, "A large city; empty for the date here."] = "") -> str:
        """Tell today's weekday and date, here or in a city."""
        here = self._now()
        if not city:
            return say("It's {date}.", date=Date(here.date()))
        found = _there(city, here)
        if found is None:
            return say("I don't know the date in {city}.", city=city[:40])
        name, there = found
        return say("It's {date} in {city}.", date=Date(there.date()), city=Name(name))

    @tool(permission="read", fate="turn")
    def get_weekday(self, day: Annotated[str, "A holiday such as Christmas, or a date such as 2027-02-14."]) -> str:
        """Tell the day of the week of a date, or of a holiday this year."""
        today = self._now().date()
        if (holiday := _DAYS.get(re.sub(r"[^a-z]", "", day.casefold()))) is not None:
            name, month, number = holiday
            that = date(today.year, month, number)
            past, future = "{day} was on a {weekday} this year.", "{day} is on a {weekday} this year."
            said: Name | Date = Name(name)
        else:
            try:
                that = date.fromisoformat(day.strip())
            except ValueError:
                return f"I don't know when {day.strip()[:40] or 'that'} is."
            past, future = "{day:plain} was a {weekday}.", "{day:plain} is a {weekday}."
            said = Date(that)
        return say(past if that < today else future, day=said, weekday=Weekday(that.weekday()))


def clock_tools(now: Callable[[], datetime]) -> tuple[Tool, ...]:
    """get_date, get_time, get_weekday."""
    return tools_of(Clock(now))


def _there(city: str, here: datetime) -> tuple[str, datetime] | None:
    """The city's name and its time, or None when it is not in the table. Raises ToolError."""
    if (found := _ZONES.get(fold(city.strip()))) is None:
        return None
    name, zone = found
    try:
        return name, here.astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError as error:
        raise ToolError(
            "time-zones-missing", "This machine does not know the time zones.", "Install the package tzdata."
        ) from error
