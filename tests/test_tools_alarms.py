"""Alarms, reminders and timers across restarts, with both clocks in the test's hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
import pytest

from tests.virtual_time import virtual_time
from voxspark.agent.ringing import Rings
from voxspark.errors import ToolError
from voxspark.events import Event, Failed, TimerRang
from voxspark.tools.timer_book import MemoryTimerStore, Row, TimerStore
from voxspark.tools.timers import Timers

BERLIN = ZoneInfo("Europe/Berlin")
pytestmark = pytest.mark.anyio


class World:
    """A disk, a clock on the wall, and one that never goes back."""

    def __init__(self, store: TimerStore | None = None) -> None:
        self.seconds = 500.0
        self.wall = datetime(2026, 11, 24, 14, 10, tzinfo=BERLIN)
        self.store = store or MemoryTimerStore()
        self.timers = self.begin()

    def begin(self) -> Timers:
        """The daemon starts (again)."""
        self.timers = Timers(lambda: self.seconds, store=self.store, wall=lambda: self.wall)
        return self.timers

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall = (self.wall.astimezone(ZoneInfo("UTC")) + timedelta(seconds=seconds)).astimezone(BERLIN)

    def off(self, seconds: float) -> Timers:
        """Off for so long; the machine starts anew, and its other clock with it."""
        self.wait(seconds)
        self.seconds = 3.0
        return self.begin()


class FullDisk:
    """Takes nothing."""

    full = True

    async def load(self) -> Sequence[Row]:
        return []

    async def save(self, changed: Sequence[Row], gone: Sequence[int]) -> None:
        if self.full:
            raise ToolError("memory-full", "The disk is full.")


class LostDisk(FullDisk):
    async def load(self) -> Sequence[Row]:
        raise ToolError("memory-locked", "Another program has locked my memory.")


@pytest.fixture
def world() -> World:
    return World()


async def test_setting_alarms_and_reminders(world: World) -> None:
    timers = world.timers
    assert await timers.set_alarm("7") == "Alarm set for 7:00 PM."
    assert await timers.set_alarm("tomorrow at 6", "gym") == "Gym alarm set for 6:00 AM tomorrow."
    assert await timers.set_alarm("every weekday at 7 am") == "Alarm set for 7:00 AM every weekday."
    assert await timers.set_reminder("call mum", "five") == "I'll remind you at 5:00 PM: call mum."
    assert await timers.set_reminder("stretch", seconds=600) == "I'll remind you in 10 minutes: stretch."
    assert await timers.set_reminder("renew", seconds=3 * 86_400) == "I'll remind you at 2:10 PM on Friday: renew."
    assert await timers.list_timers(kind="alarm") == (
        "You have 3 alarms: alarm is set for 7:00 PM, gym alarm is set for 6:00 AM tomorrow and alarm is set for "
        "7:00 AM every weekday."
    )
    assert await timers.list_timers("stretch", kind="reminder") == "Your reminder to stretch has 10 minutes left."
    assert await timers.list_timers() == "You have no timers running."
    assert (await timers.list_timers(kind="any")).startswith("You have 6 in all: ")


@pytest.mark.parametrize(
    ("text", "when", "seconds", "code"),
    [
        ("call", "", 0, "reminder-when"),
        ("call", "five", 60, "reminder-when"),
        (" ", "five", 0, "reminder-empty"),
        ("call", "some day", 0, "time-unclear"),
        ("call", "today at 9 am", 0, "time-passed"),
        ("call", "", 10**10, "reminder-bounds"),
        ("call", "", -5, "reminder-bounds"),
    ],
)
async def test_a_reminder_that_cannot_be(world: World, text: str, when: str, seconds: int, code: str) -> None:
    with pytest.raises(ToolError) as raised:
        await world.timers.set_reminder(text, when, seconds)
    assert raised.value.code == code
    assert not world.timers.running


async def test_an_alarm_follows_the_clock_on_the_wall_and_a_timer_does_not(world: World) -> None:
    await world.timers.set_alarm("15:00")
    await world.timers.set_timer(1800, "tea")
    world.wall += timedelta(hours=1)
    assert [each.kind for each in world.timers.due()] == ["alarm"]
    assert world.timers.ringing[0].announcement == "It's 3:00 PM."
    assert world.timers.next_due_seconds() == 1800
    world.timers.dismiss()
    await world.timers.save()
    await world.off(60).restore()
    assert world.timers.next_due_seconds() == pytest.approx(1740)


async def test_what_repeats_comes_back_after_it_is_stopped(world: World) -> None:
    await world.timers.set_alarm("every day at 3 pm", "tea")
    world.wait(50 * 60)
    assert [each.announcement for each in world.timers.due()] == ["It's 3:00 PM. This is your tea alarm."]
    assert not world.timers.running
    assert await world.timers.cancel_timer(kind="alarm") == "Alarm stopped."
    assert await world.timers.list_timers(kind="alarm") == "Your tea alarm is set for 3:00 PM every day."
    assert world.timers.next_due_seconds() == 86_400
    await world.off(60).restore()
    assert world.timers.next_due_seconds() == 86_340


async def test_cancelling_tells_alarms_apart(world: World) -> None:
    await world.timers.set_timer(60)
    for when in ("7 am", "8 am", "9 pm"):
        await world.timers.set_alarm(when)
    with pytest.raises(ToolError, match="Which alarm should I cancel: the 9:00 PM alarm, the 7:00 AM alarm or the 8"):
        await world.timers.cancel_timer(kind="alarm")
    with pytest.raises(ToolError, match="You have no 7 pm alarm"):
        await world.timers.cancel_timer(kind="alarm", when="7 pm")
    assert await world.timers.cancel_timer(kind="alarm", when="7") == "7:00 AM alarm cancelled."
    assert await world.timers.cancel_timer(kind="alarm", when="9 pm") == "9:00 PM alarm cancelled."
    assert await world.timers.cancel_timer(kind="alarm", everything=True) == "Alarm cancelled."
    assert len(world.timers.running) == 1


async def test_everything_is_there_after_a_restart(world: World) -> None:
    await world.timers.set_timer(3600, "tea")
    await world.timers.set_timer(7200, "roast")
    await world.timers.change_timer("pause", label="roast")
    await world.timers.set_alarm("tomorrow at 7", "gym")
    await world.timers.set_reminder("turn off the alarm", "7 pm")
    await world.off(1800).restore()
    assert [each.name for each in world.timers.running] == [
        *("tea timer", "roast timer", "reminder to turn off the alarm", "gym alarm")
    ]
    assert await world.timers.list_timers("tea") == "Your tea timer has 30 minutes left."
    assert await world.timers.list_timers("roast") == "Your roast timer is paused with 2 hours left."
    assert world.timers.start(60).number == 5


async def test_what_became_due_meanwhile_rings_at_once_and_says_so(world: World) -> None:
    await world.timers.set_timer(600, "tea")
    await world.timers.set_reminder("call mum", "3 pm")
    timers = world.off(3 * 3600)
    await timers.restore()
    assert timers.next_due_seconds() == 0
    assert [each.announcement for each in timers.due()] == [
        "Your tea timer was due 2 hours and 50 minutes ago, while I was off.",
        "Your reminder to call mum was due 2 hours and 10 minutes ago, while I was off.",
    ]
    timers.dismiss()
    await timers.save()
    await world.off(10).restore()
    assert not world.timers.running


async def test_what_rings_when_the_daemon_dies_rings_again(world: World) -> None:
    await world.timers.set_timer(60, "tea")
    world.wait(61)
    world.timers.due()
    await world.timers.save()
    await world.off(30).restore()
    assert [each.label for each in world.timers.due()] == ["tea"]


async def test_a_full_disk_is_told_and_the_timer_runs() -> None:
    disk = FullDisk()
    world = World(disk)
    said = await world.timers.set_timer(60)
    assert said == "Timer set for 1 minute. A restart would undo that. The disk is full."
    assert len(world.timers.running) == 1
    disk.full = False
    assert await world.timers.set_timer(60) == "Timer set for 1 minute."


async def test_without_a_disk_it_goes_on_in_memory() -> None:
    world = World(LostDisk())
    assert (await world.timers.set_timer(60)).endswith(
        "A restart would undo that. Another program has locked my memory."
    )
    assert await world.timers.cancel_timer() == (
        "1 minute timer cancelled. A restart would undo that. Another program has locked my memory."
    )


@virtual_time
async def test_ringing_restores_saves_shows_and_tells_what_is_wrong_once() -> None:
    seen: list[Event] = []
    shown: list[str] = []
    announced: list[float] = []
    start = datetime(2026, 11, 24, 14, 10, tzinfo=BERLIN)

    def wall() -> datetime:
        return start + timedelta(seconds=anyio.current_time())

    async def show(text: str) -> None:
        shown.append(text)

    async def announce() -> None:
        announced.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        timers = Timers(anyio.current_time, store=FullDisk(), wall=wall)
        rings = Rings(timers, seen.append, anyio.current_time, show)
        group.start_soon(rings.run, announce)
        await anyio.sleep(1)
        timers.start(10, "tea")
        timers.start(40, "egg")
        await anyio.sleep(60)
        timers.dismiss()
        await anyio.sleep(1)
        group.cancel_scope.cancel()
    assert [event.label for event in seen if isinstance(event, TimerRang)] == ["tea timer", "egg timer"]
    assert [event.code for event in seen if isinstance(event, Failed)] == ["memory-full"]
    assert shown == ["Your tea timer is done.", "Your egg timer is done."]
    assert announced[0] == 11
    assert len(announced) >= 49


class BadDisk(MemoryTimerStore):
    full = True

    async def save(self, changed: Sequence[Row], gone: Sequence[int]) -> None:
        if self.full:
            raise ToolError("memory-full", "The disk is full.")
        await super().save(changed, gone)


@virtual_time
async def test_what_could_not_be_written_is_written_once_it_can() -> None:
    """Also that a timer is gone, with nothing left to wait for."""
    disk = BadDisk()
    timers = Timers(anyio.current_time, store=disk)

    async def announce() -> None:
        return None

    async with anyio.create_task_group() as group:
        group.start_soon(Rings(timers, lambda _: None, anyio.current_time).run, announce)
        await anyio.sleep(1)
        timers.start(3600, "tea")
        timers.start(7200, "roast")
        await anyio.sleep(60)
        assert not disk.rows
        disk.full = False
        await anyio.sleep(16)
        assert [row["label"] for row in disk.rows.values()] == ["tea", "roast"]
        disk.full = True
        timers.remove(timers.running)
        await anyio.sleep(60)
        disk.full = False
        await anyio.sleep(16)
        assert not disk.rows
        group.cancel_scope.cancel()


@virtual_time
async def test_ringing_ends_after_five_minutes() -> None:
    timers = Timers(anyio.current_time)

    async def announce() -> None:
        return None

    async with anyio.create_task_group() as group:
        group.start_soon(Rings(timers, lambda _: None, anyio.current_time).run, announce)
        timers.start(10, "tea")
        await anyio.sleep(300)
        assert timers.ringing
        await anyio.sleep(20)
        assert not timers.ringing
        group.cancel_scope.cancel()
