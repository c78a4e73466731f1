"""What can be said to a calendar: read it, and where the configuration allows it, add to it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Annotated, Protocol

import anyio.to_thread

from voxspark.errors import ToolError
from voxspark.tools.calendar import appointments, days, sentences
from voxspark.tools.calendar.appointments import Appointment
from voxspark.tools.calendar.caldav import Collection
from voxspark.tools.calendar.days import Window
from voxspark.tools.clean import clean
from voxspark.tools.folding import fold
from voxspark.tools.phrases import join
from voxspark.tools.phrases.say import ENGLISH
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.undo import Undo
from voxspark.tools.wall_time import WallTime
from voxspark.tools.wall_time import parse as parse_moment

NEXT_DAYS = (14, 366)
"""How far ahead the next appointment is looked for: soon first, it hardly ever needs the year."""

KEEP_SECONDS = 300.0
"""How long what was read is good for."""

LONGEST_MINUTES = 24 * 60

MOST_KNOWN = 200
"""People whose names are kept, of the appointments that were read last."""

CalendarName = Annotated[str, "Name of one calendar; empty when none is named."]


class Server(Protocol):
    """What is needed of a CalDAV session."""

    async def collections(self) -> list[Collection]:
        """See `caldav.Session.collections`."""
        ...

    async def events(self, collection: Collection, begin: datetime, end: datetime) -> list[str]:
        """See `caldav.Session.events`."""
        ...

    async def put(self, address: str, ics: str) -> None:
        """See `caldav.Session.put`."""
        ...

    async def delete(self, address: str) -> None:
        """See `caldav.Session.delete`."""
        ...


Connect = Callable[[], AbstractAsyncContextManager[Server]]
"""Opens a session. Raises ToolError."""


class Calendar:
    """Tells what is in the calendars.

    `chosen` are names of calendars; empty is all of them. `wall` tells the time here, `now` seconds that never go back.
    """

    def __init__(
        self,
        connect: Connect,
        chosen: Sequence[str] = (),
        *,
        wall: Callable[[], datetime],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._chosen = chosen
        self._wall = wall
        self._now = now
        self._kept: dict[tuple[datetime, datetime, str], tuple[float, list[Appointment]]] = {}
        self._met: dict[str, datetime] = {}

    @property
    def tools(self) -> tuple[Tool, ...]:
        """read_calendar; of a writable one add_appointment too."""
        return tools_of(self)

    def people(self) -> Iterator[str]:
        """Who is to be met, of the appointments read so far, the next first: strangers' texts. Nothing is asked."""
        now = self._wall()
        return (name for name, until in sorted(self._met.items(), key=lambda each: each[1]) if until > now)

    @tool(permission="read", fate="turn", untrusted=True, timeout_seconds=20.0, filler="Let me look at your calendar.")
    async def read_calendar(
        self,
        when: Annotated[
            str, "today, tomorrow, this week, next week, a weekday, a date, with morning or evening, or: next."
        ] = "",
        search: Annotated[str, "Only appointments with these words in their title or place."] = "",
        calendar: CalendarName = "",
    ) -> str:
        """Tell the appointments in the user's calendar on a day or in a week, or when the next one is."""
        now, searched = self._wall(), clean(search, 40)
        wanted = fold(when).strip(" .?!") or ("next" if searched else "today")
        if wanted.removeprefix("the ").removesuffix(" appointment").removesuffix(" one") in ("next", "upcoming"):
            return await self._next(now, searched, calendar)
        window = days.parse(wanted, now)
        return sentences.about(await self._find(window, searched, calendar), window, now, searched)

    async def _next(self, now: datetime, searched: str, calendar: str) -> str:
        for count in NEXT_DAYS:
            found = await self._find(days.coming(count, now, "in the coming year"), searched, calendar)
            if sentence := sentences.next_one(found, now, searched):
                return sentence
        if searched:
            return f"I can't find {searched} in your calendar in the coming year."
        return "You have no appointments in the coming year."

    async def _find(self, window: Window, searched: str, calendar: str) -> list[Appointment]:
        """Those in the window, each once. Raises ToolError."""
        key = (window.begin, window.end, fold(calendar))
        until, found = self._kept.get(key, (float("-inf"), []))
        if until <= self._now():
            found = await self._read(window, calendar)
            self._kept = {each: kept for each, kept in self._kept.items() if kept[0] > self._now()}
            self._kept[key] = (self._now() + KEEP_SECONDS, found)
        words = fold(searched).split()
        return [each for each in found if all(word in fold(f"{each.title} {each.place}") for word in words)]

    async def _read(self, window: Window, calendar: str) -> list[Appointment]:
        day = timedelta(1)  # whole days have no zone, and servers disagree on where they fall
        seen: dict[tuple[str, datetime, datetime], Appointment] = {}
        async with self._connect() as server:
            for collection in _choose(await server.collections(), self._chosen, calendar):
                objects = await server.events(collection, window.begin - day, window.end + day)
                read = partial(appointments.read, objects, window)
                for each in await anyio.to_thread.run_sync(read, abandon_on_cancel=True):
                    seen.setdefault((each.title, each.begin, each.end), each)
        self._note_people(seen.values())
        return list(seen.values())

    def _note_people(self, found: Iterable[Appointment]) -> None:
        """By the end of the first appointment with them that is not over."""
        now, met = self._wall(), dict[str, datetime]()
        for until, name in sorted((each.end, name) for each in found for name in each.people):
            if until > now:
                met.setdefault(name, until)
        earlier = {name: until for name, until in self._met.items() if until > now and name not in met}
        self._met = dict(islice((met | earlier).items(), MOST_KNOWN))


class WritableCalendar(Calendar):
    """A calendar that appointments can be added to."""

    def __init__(self, connect: Connect, chosen: Sequence[str], undo: Undo, *, wall: Callable[[], datetime]) -> None:
        super().__init__(connect, chosen, wall=wall)
        self._undo = undo

    @tool(permission="dangerous", fate="owner", timeout_seconds=20.0)
    async def add_appointment(
        self,
        title: Annotated[str, "What it is, such as: Lunch with Anna."],
        when: Annotated[str, "Day and time, such as tomorrow at 9:30 am or 2026-12-24 17:00."],
        duration_minutes: Annotated[int, "How long it takes."] = 60,
        calendar: CalendarName = "",
    ) -> str:
        """Add an appointment to the user's calendar."""
        title = clean(title, appointments.LONGEST_TITLE)
        if not title:
            raise ToolError("calendar-title", "What is the appointment?")
        if not 1 <= duration_minutes <= LONGEST_MINUTES:
            raise ToolError("calendar-duration", "An appointment takes from one minute to a day.")
        now = self._wall()
        begin = _moment(when, now)
        said = ENGLISH.moment(WallTime(begin.replace(tzinfo=None)).moment(now), "")
        uid = str(uuid.uuid4())
        ics = appointments.write(uid, title, begin, begin + timedelta(minutes=duration_minutes))
        async with self._connect() as server:
            collection = _choose(await server.collections(), self._chosen, calendar)[0]
            address = f"{collection.url}{uid}.ics"
            await server.put(address, ics)
        self._kept.clear()
        self._undo.remember(partial(self._remove, address, title))
        return f"Added {title} to your calendar, at {said}."

    async def _remove(self, address: str, title: str) -> str:
        async with self._connect() as server:
            await server.delete(address)
        self._kept.clear()
        return f"Removed {title} from your calendar."


def _moment(when: str, now: datetime) -> datetime:
    """Raises ToolError."""
    found = parse_moment(when, now)
    if found is None:
        raise ToolError("calendar-when", "When is the appointment?", "Say a day and a time.")
    if found.weekdays:
        raise ToolError("calendar-repeats", "I can only add appointments that do not repeat.")
    return datetime.fromtimestamp(found.instant(now.tzinfo), now.tzinfo)


def _choose(found: Sequence[Collection], chosen: Sequence[str], named: str) -> list[Collection]:
    """The chosen ones in their order; of these those whose name has the named words. Raises ToolError for none."""
    if not found:
        raise ToolError("calendar-none", "Your calendar's server has no calendar for you.")
    by_name = {fold(each.name): each for each in found}
    if absent := [name for name in chosen if fold(name) not in by_name]:
        raise _unknown(absent[0], found)
    usable = [by_name[fold(name)] for name in chosen] or list(found)
    words = [word for word in fold(named).split() if word not in ("my", "the", "calendar")]
    matching = [each for each in usable if all(word in fold(each.name) for word in words)]
    if not matching:
        raise _unknown(named, usable)
    return matching


def _unknown(name: str, found: Sequence[Collection]) -> ToolError:
    there = join([each.name for each in found][:5])
    return ToolError("calendar-unknown", f"You have no calendar called {clean(name, 40)}; there is {there}.")
