"""The calendar on a real CalDAV server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.agent_proofs import calling
from tests.caldav_server import USER, CalDavServer, appointment, caldav_server, calendar
from tests.daemon_process import running_daemon
from tests.ollama_machine import ollama_machine
from tests.ollama_server import Call, Reply
from voxspark.errors import ToolError
from voxspark.tools.calendar.caldav import Login, open_session
from voxspark.tools.calendar.tools import WritableCalendar
from voxspark.tools.undo import Undo

pytestmark = [pytest.mark.anyio, pytest.mark.real]

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=BERLIN)  # a Tuesday
PASSWORD = "correct horse ü"

STANDUP = calendar(
    "BEGIN:VEVENT",
    "UID:standup",
    "DTSTAMP:20260101T000000Z",
    "SUMMARY:Standup",
    "DTSTART;TZID=Europe/Berlin:20260105T091500",
    "DURATION:PT15M",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "EXDATE;TZID=Europe/Berlin:20261127T091500",
    "END:VEVENT",
    "BEGIN:VEVENT",
    "UID:standup",
    "DTSTAMP:20260101T000000Z",
    "SUMMARY:Standup",
    "RECURRENCE-ID;TZID=Europe/Berlin:20261130T091500",
    "DTSTART;TZID=Europe/Berlin:20261130T110000",
    "DURATION:PT15M",
    "END:VEVENT",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalDavServer]:
    with caldav_server(tmp_path_factory.mktemp("caldav"), PASSWORD) as server:
        for name in ("home", "work"):
            server.make_calendar(name)
        server.make_calendar("tasks", "VTODO")
        dentist = appointment("Dentist", ";TZID=Europe/Berlin:20261125T113000", "DURATION:PT1H", "LOCATION:Main Street")
        server.add("home", dentist)
        server.add("home", appointment("Holiday", "20261226", "DTEND;VALUE=DATE:20270102"))
        server.add("work", STANDUP)
        server.add("work", appointment("Off", "20261125T100000Z", "STATUS:CANCELLED"))
        yield server


class Desk:
    """A calendar, and a clock to move on."""

    def __init__(self, url: str, password: str = PASSWORD, *chosen: str) -> None:
        self.now = NOW
        self.undo = Undo()
        login = Login(USER, password) if password else None
        self.calendar = WritableCalendar(lambda: open_session(url, login), chosen, self.undo, wall=lambda: self.now)

    async def read(self, when: str = "", search: str = "", calendar: str = "") -> str:
        return await self.calendar.read_calendar(when, search, calendar)


async def failure(desk: Desk) -> ToolError:
    with pytest.raises(ToolError) as raised:
        await desk.read("tomorrow")
    return raised.value


async def test_appointments_of_all_calendars_are_told(server: CalDavServer) -> None:
    desk = Desk(server.url)
    assert await desk.read() == "You have no appointments today."
    assert await desk.read("tomorrow") == (
        "Tomorrow you have 2 appointments: Standup at 9:15 AM, and Dentist at 11:30 AM in Main Street."
    )
    assert await desk.read("Friday") == "You have no appointments on Friday."
    assert await desk.read("next monday") == "On Monday you have one appointment: Standup at 11:00 AM."
    assert await desk.read("tomorrow", calendar="my work calendar") == (
        "Tomorrow you have one appointment: Standup at 9:15 AM."
    )
    assert await desk.read("next") == "Your next appointment is Standup tomorrow at 9:15 AM."
    assert await desk.read(search="holiday") == (
        "Your next appointment with holiday is Holiday from December 26 to January 1."
    )


@pytest.mark.parametrize("path", ["", USER, f"{USER}/", f"{USER}/home/", f"{USER}/home"])
async def test_any_address_leads_to_the_calendars(server: CalDavServer, path: str) -> None:
    assert "Dentist" in await Desk(f"{server.url}{path}").read("tomorrow")


async def test_only_the_chosen_calendars_are_read(server: CalDavServer) -> None:
    assert "Dentist" not in await Desk(server.url, PASSWORD, "Work").read("tomorrow")
    assert (await failure(Desk(server.url, PASSWORD, "Sports"))).message == (
        "You have no calendar called Sports; there is Home and Work."
    )


async def test_an_appointment_is_added_and_taken_back(server: CalDavServer) -> None:
    desk = Desk(server.url)
    assert await desk.read("on december 1") == "You have no appointments on December 1."
    added = await desk.calendar.add_appointment("Lunch with Anna", "2026-12-01 12:00", calendar="home")
    assert added == "Added Lunch with Anna to your calendar, at 12:00 PM on December 1."
    assert await desk.read("on december 1") == "On December 1 you have one appointment: Lunch with Anna at noon."
    assert await desk.undo.undo() == "Removed Lunch with Anna from your calendar."
    assert await desk.read("on december 1") == "You have no appointments on December 1."


async def test_a_wrong_password(server: CalDavServer) -> None:
    assert (await failure(Desk(server.url, "wrong"))).code == "calendar-password"
    assert (await failure(Desk(server.url, ""))).code == "calendar-password"


async def test_a_server_without_a_password_that_goes_away(tmp_path: Path) -> None:
    with caldav_server(tmp_path) as server:
        desk = Desk(server.url, "anything")
        assert (await failure(desk)).code == "calendar-none"
        server.make_calendar("home")
        server.add("home", appointment("Dentist", "20261125T103000Z"))
        assert "Dentist at 11:30 AM" in await desk.read("tomorrow")
        server.kill()
        assert "Dentist at 11:30 AM" in await desk.read("tomorrow"), "read moments ago"
        desk.now += timedelta(1)
        assert (await failure(desk)).message == "127.0.0.1 does not answer."


async def test_a_certificate_counts_where_the_machine_trusts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caldav_server(tmp_path, PASSWORD, tls=True) as server:
        server.make_calendar("home")
        server.add("home", appointment("Dentist", "20261125T103000Z"))
        assert (await failure(Desk(server.url))).code == "calendar-certificate"
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        assert "Dentist at 11:30 AM" in await Desk(server.url).read("tomorrow")


def reads_aloud(request: dict[str, Any]) -> Reply:
    """A model that looks into the calendar and says what is between the marks of the result."""
    newest = request["messages"][-1]
    if newest["role"] == "tool":
        return Reply((newest["content"].splitlines()[1],))
    return calling(Call("read_calendar", {"when": "tomorrow", "calendar": "sport"}))


def test_a_daemon_is_asked_for_tomorrow(tmp_path: Path, server: CalDavServer) -> None:
    swim = appointment("Swimming", "20260101T060000", "DURATION:PT1H", "RRULE:FREQ=DAILY", "LOCATION:Lake")
    server.make_calendar("sport")
    server.add("sport", swim)
    with ollama_machine(tmp_path) as machine:
        machine.pull("qwen3-8b")
        machine.server.respond = reads_aloud
        settings = {"URL": server.url, "USERNAME": USER, "PASSWORD": PASSWORD}
        env = machine.env | {f"VOXSPARK_CALENDAR__{key}": value for key, value in settings.items()}
        with running_daemon(env, "--profile", "ollama") as daemon:
            answer = daemon.call("ask", "What is in my sport calendar tomorrow?")
            assert "Tomorrow you have one appointment: Swimming at 6:00 AM in Lake." in " ".join(answer.split())
            shown = daemon.call("config", "show")
        assert "# password is set, and not shown" in shown
        assert PASSWORD not in shown
