"""Everything the assistant can do: the tools of a configuration, and what they keep on disk."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from voxspark.agent.eyes import Eyes, Look, Place
from voxspark.agent.loop import ESCALATE
from voxspark.agent.mediator import Audit
from voxspark.agent.offer import FindTool
from voxspark.agent.ringing import Notify, show_nothing
from voxspark.audio import tone
from voxspark.bus import HELPER_BOUND, EventBus
from voxspark.config import Config
from voxspark.config_tools import DesktopSettings, EyesSettings
from voxspark.devices.camera import Camera
from voxspark.devices.keyboard import Keyboard
from voxspark.devices.screen import Screen
from voxspark.files import data_folder, state_folder
from voxspark.listening.listener import Listener
from voxspark.mcp.servers import McpServers
from voxspark.memory.database import Database, open_database, open_in_memory
from voxspark.memory.extension import load_extension
from voxspark.memory.facts import Facts
from voxspark.memory.list_store import SqliteListStore
from voxspark.memory.note_store import SqliteNoteStore
from voxspark.memory.recall import Recall
from voxspark.memory.schema import MIGRATIONS
from voxspark.memory.timer_store import SqliteTimerStore
from voxspark.muting import Mute
from voxspark.protocols import Background, Speaker
from voxspark.tools.arithmetic import arithmetic_tools
from voxspark.tools.calendar.caldav import Session, open_session, read_login
from voxspark.tools.calendar.tools import Calendar, WritableCalendar
from voxspark.tools.clock import clock_tools
from voxspark.tools.commands import command_tools
from voxspark.tools.desktop.clipboard import Clipboard
from voxspark.tools.desktop.dictation import Dictation
from voxspark.tools.desktop.ducking import Ducking
from voxspark.tools.desktop.media import Media
from voxspark.tools.desktop.notifications import Notifications
from voxspark.tools.desktop.open import Opener
from voxspark.tools.desktop.volume import Volume
from voxspark.tools.jobs import Jobs
from voxspark.tools.lists import Lists
from voxspark.tools.notes import Notes
from voxspark.tools.registry import Tool, Toolbox, tools_of
from voxspark.tools.remembering import Remembering
from voxspark.tools.skills import Skills
from voxspark.tools.system import System
from voxspark.tools.timers import Timers
from voxspark.tools.undo import Undo
from voxspark.tools.units import unit_tools
from voxspark.tools.wall_time import local_now
from voxspark.tools.web.http import Fetcher
from voxspark.tools.web.news import News
from voxspark.tools.web.pages import Pages
from voxspark.tools.web.search import Search, search_duckduckgo
from voxspark.tools.web.weather import Weather
from voxspark.tools.web.wikipedia import Wikipedia
from voxspark.types import Clip

SHUTTER = Clip(tone(1_200.0, 0.12, 24_000), 24_000, "")
"""Heard before the camera opens."""


@dataclass(frozen=True, slots=True)
class Kit:
    """The tools, and what has to run for them."""

    toolbox: Toolbox
    timers: Timers
    jobs: Jobs
    database: Database
    undo: Undo
    recall: Recall
    mute: Mute
    servers: McpServers
    """Programs whose tools are ours too, while they run."""
    background: tuple[Background, ...]
    notify: Notify = show_nothing
    """Shows what rings on the desktop."""
    people: Callable[[], Iterable[str]] = tuple
    """Names of those to be met, as far as the calendar was read."""

    @property
    def fillers(self) -> list[str]:
        """What its tools have to say while they take long."""
        return [each.declared.filler for each in self.toolbox if each.declared.filler]

    def dismiss(self) -> None:
        """Somebody said stop: nothing rings, and a report that was begun is not repeated."""
        self.timers.dismiss()
        self.jobs.dismiss()


def database_path() -> Path:
    """`$XDG_DATA_HOME/voxspark/voxspark.db`."""
    return data_folder() / "voxspark.db"


def mute_path() -> Path:
    """`$XDG_STATE_HOME/voxspark/muted`: there while the microphone is to be closed."""
    return state_folder() / "muted"


@asynccontextmanager
async def open_kit(config: Config) -> AsyncGenerator[Kit, None]:
    """The kit; its files are closed at the end."""
    kit = make_kit(config)
    try:
        yield kit
    finally:
        kit.database.close()


def make_toolbox(config: Config) -> Toolbox:
    """The tools by name, to be looked at: what they do is forgotten."""
    return make_passing_kit(config).toolbox


def make_passing_kit(config: Config) -> Kit:
    """The kit without the disk: what it does is forgotten."""
    return _kit(config, open_in_memory(MIGRATIONS), Mute())


def make_kit(config: Config) -> Kit:
    """Open what is kept on disk, and put the toolbox together. Blocks for milliseconds."""
    database = open_database(database_path(), MIGRATIONS, load_extension)
    kit = _kit(config, database, Mute(mute_path()))
    servers = McpServers(config.mcp, kit.toolbox, reserved=(ESCALATE,))
    desktop = config.desktop
    notify = Notifications().show if desktop.enabled and desktop.notifications else show_nothing
    return replace(kit, servers=servers, notify=notify, background=(*kit.background, servers.run))


def _kit(config: Config, database: Database, mute: Mute) -> Kit:
    awake_or_not = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    timers = Timers(awake_or_not, store=SqliteTimerStore(database), wall=local_now)
    undo, jobs, recall = Undo(), Jobs(), Recall(Facts(database))
    kept = (*timers.tools, *Lists(SqliteListStore(database), undo).tools)
    kept += (*Notes(SqliteNoteStore(database), undo, local_now).tools, *undo.tools, *jobs.tools)
    kept += (*Remembering(recall, undo, local_now).tools, *mute.tools)
    calendar = _calendar(config, undo)
    kept += calendar.tools if calendar else ()
    toolbox = Toolbox([*_own(), *kept, *_web(config), *_desktop(config), *command_tools(config.commands)])
    toolbox.add(*tools_of(FindTool(toolbox)), *Skills(toolbox).tools)
    return Kit(
        toolbox,
        timers,
        jobs,
        database,
        undo,
        recall,
        mute,
        McpServers({}, toolbox),
        (database.run, jobs.run),
        people=calendar.people if calendar else tuple,
    )


def make_eyes(settings: EyesSettings, speaker: Speaker, audit: Audit) -> Eyes:
    """Screen and camera, as far as they are switched on."""

    async def shutter() -> None:
        await speaker.drain()  # a sentence that another model began
        speaker.begin()
        await speaker.play(SHUTTER)
        await speaker.drain()

    places: dict[Place, Look] = {}
    if settings.screen != "none":
        places["screen"] = Screen(settings.screen, longest_side=settings.longest_side).look
    if settings.camera != "none":
        places["camera"] = Camera(shutter, settings.camera, longest_side=settings.longest_side).look
    return Eyes(places, audit)


def ducking(settings: DesktopSettings, bus: EventBus, listener: Listener) -> Iterable[Background]:
    """What keeps other programs quiet while somebody speaks with the assistant, to run in the background."""
    if not (settings.enabled and settings.duck_media):
        return ()
    subscribe = partial(bus.subscribe, HELPER_BOUND)
    return (Ducking(settings.media_gain, state_folder() / "quiet.json", subscribe, lambda: listener.attentive).run,)


def _own() -> Iterable[Tool]:
    """What needs nothing but this machine."""
    return (*clock_tools(local_now), *arithmetic_tools(), *unit_tools(), *System().tools)


def _web(config: Config) -> Iterable[Tool]:
    """What asks other machines; nothing at all when that is switched off."""
    web = config.web
    if not web.enabled:
        return ()
    fetcher = Fetcher()
    return (
        *Weather(fetcher, web.home, web.units, forecast_url=web.weather_url, geocoding_url=web.places_url).tools,
        *Search(fetcher, web.searxng_url, search_duckduckgo if web.duckduckgo else None).tools,
        *Pages(fetcher).tools,
        *Wikipedia(fetcher, web.wikipedia_url).tools,
        *(News(fetcher, web.feeds).tools if web.feeds else ()),
    )


def _calendar(config: Config, undo: Undo) -> Calendar | None:
    """None without an address; it changes something only where that is allowed."""
    settings = config.calendar
    if not settings.url:
        return None

    def connect() -> AbstractAsyncContextManager[Session]:
        password = settings.password.get_secret_value()
        return open_session(settings.url, read_login(settings.username, password, settings.password_file))

    if settings.writable:
        return WritableCalendar(connect, settings.calendars, undo, wall=local_now)
    return Calendar(connect, settings.calendars, wall=local_now)


def _desktop(config: Config) -> Iterable[Tool]:
    """What works on the desktop of whoever is logged in."""
    desktop = config.desktop
    if not desktop.enabled:
        return ()
    opener = Opener(desktop.applications or None)
    typing = () if desktop.typing == "none" else Dictation(Keyboard(desktop.typing).type).tools
    return (*Volume().tools, *Media().tools, *Clipboard().tools, *opener.tools, *typing)
