"""Timers with a clock in the test's hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.timer_book import MOST_TIMERS
from voxspark.tools.timers import Timers


class World:
    """Timers, their clock, and how often they said that they changed."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.changes = 0
        self.timers = Timers(lambda: self.now, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def fails(self, code: str, **arguments: object) -> str:
        """The sentence with which cancelling is refused."""
        before = (self.timers.running, self.timers.ringing)
        with pytest.raises(ToolError) as raised:
            await self.timers.cancel_timer(**arguments)  # type: ignore[arg-type]
        assert raised.value.code == code
        assert (self.timers.running, self.timers.ringing) == before
        return raised.value.message


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.anyio
async def test_setting_says_what_was_set(world: World) -> None:
    assert await world.timers.set_timer(600) == "Timer set for 10 minutes."
    assert await world.timers.set_timer(5400, "pasta") == "Pasta timer set for an hour and a half."
    assert await world.timers.set_timer(150, "Pasta") == "Another Pasta timer set for 2 minutes and 30 seconds."
    assert [timer.seconds for timer in world.timers.running] == [150, 600, 5400]
    assert world.changes == 3


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [-5, 0, 24 * 3600 + 1, 10**12])
async def test_bounds_are_spoken(world: World, seconds: int) -> None:
    with pytest.raises(ToolError, match="from one second to 24 hours"):
        await world.timers.set_timer(seconds)
    assert not world.timers.running
    assert world.changes == 0


@pytest.mark.anyio
async def test_there_is_an_end_to_timers(world: World) -> None:
    for _ in range(MOST_TIMERS):
        await world.timers.set_timer(60)
    with pytest.raises(ToolError, match="20 timers at once"):
        await world.timers.set_timer(60)


def test_a_label_loses_what_is_said_around_it(world: World) -> None:
    assert world.timers.start(60, " the tea timer ").label == "tea"
    assert world.timers.start(60, "timer").label == ""
    assert len(world.timers.start(60, "x" * 5_000).label) == 40


def test_due_timers_ring_until_dismissed(world: World) -> None:
    tea = world.timers.start(240, "tea")
    world.timers.start(60)
    assert world.timers.next_due_seconds() == 60
    world.now += 59.5
    assert world.timers.due() == []
    world.now += 0.5
    assert [timer.announcement for timer in world.timers.due()] == ["Your 1 minute timer is done."]
    assert world.timers.next_due_seconds() == 180
    world.now += 500
    assert world.timers.next_due_seconds() == 0
    assert world.timers.due() == [tea]
    assert tea.announcement == "Your tea timer is done."
    assert world.timers.next_due_seconds() is None
    assert len(world.timers.ringing) == 2
    before = world.changes
    assert world.timers.dismiss() == 2
    assert world.timers.dismiss() == 0
    assert world.changes == before + 1


@pytest.mark.anyio
async def test_listing(world: World) -> None:
    assert await world.timers.list_timers() == "You have no timers running."
    world.timers.start(250, "tea")
    world.now += 10
    assert await world.timers.list_timers() == "Your tea timer has 4 minutes left."
    assert await world.timers.list_timers("egg") == "You have no egg timer."
    world.timers.start(7325)
    world.now += 0.4
    assert await world.timers.list_timers() == (
        "You have 2 timers: tea timer has 4 minutes and 2 hour, 2 minute and 5 second timer has 2 hours and 2 minutes."
    )
    assert await world.timers.list_timers("the tea timer") == "Your tea timer has 4 minutes left."
    world.now += 300
    world.timers.due()
    assert await world.timers.list_timers("tea") == "Your tea timer is ringing."


@pytest.mark.anyio
async def test_the_only_timer_needs_no_name(world: World) -> None:
    world.timers.start(600)
    assert await world.timers.cancel_timer() == "10 minute timer cancelled."
    assert await world.fails("timer-none") == "You have no timers."


@pytest.mark.anyio
async def test_cancelling_by_label_part_of_a_label_and_length(world: World) -> None:
    for seconds, label in [(600, "pasta"), (700, "red pasta"), (600, ""), (60, "")]:
        world.timers.start(seconds, label)
    assert await world.timers.cancel_timer(label="PASTA") == "Pasta timer cancelled."
    assert await world.timers.cancel_timer(label="pasta") == "Red pasta timer cancelled."
    assert await world.timers.cancel_timer(seconds=600) == "10 minute timer cancelled."
    assert await world.fails("timer-unknown", seconds=600) == "You have no 10 minute timer."
    assert await world.fails("timer-unknown", label="egg") == "You have no egg timer."


@pytest.mark.anyio
async def test_an_unclear_cancel_asks_which(world: World) -> None:
    world.timers.start(600, "tea")
    world.timers.start(60)
    assert await world.fails("timer-ambiguous") == "Which timer should I cancel: the 1 minute timer or the tea timer?"
    world.timers.start(300, "tea")
    question = await world.fails("timer-ambiguous", label="tea")
    assert question == "Which timer should I cancel: the tea timer for 5 minutes or the tea timer for 10 minutes?"
    assert await world.timers.cancel_timer(label="tea", seconds=300) == "Tea timer cancelled."
    assert [timer.seconds for timer in world.timers.running] == [60, 600]


@pytest.mark.anyio
async def test_of_twins_the_newest_goes(world: World) -> None:
    first = world.timers.start(600, "tea")
    world.now += 5
    world.timers.start(600, "tea")
    await world.timers.cancel_timer(label="tea")
    assert world.timers.running == (first,)


@pytest.mark.anyio
async def test_cancelling_everything(world: World) -> None:
    for seconds in (10, 20, 30):
        world.timers.start(seconds)
    world.now += 15
    world.timers.due()
    assert await world.timers.cancel_timer(everything=True) == "All 3 timers cancelled."
    assert not world.timers.running
    assert not world.timers.ringing


@pytest.mark.anyio
async def test_what_rings_is_meant_first(world: World) -> None:
    world.timers.start(10, "egg")
    world.timers.start(600, "tea")
    world.now += 11
    world.timers.due()
    assert await world.timers.cancel_timer() == "Timer stopped."
    assert [timer.label for timer in world.timers.running] == ["tea"]
    assert not world.timers.ringing


@pytest.mark.anyio
async def test_the_tools_declare_what_they_do(world: World) -> None:
    tools = {each.name: each for each in world.timers.tools}
    assert {name: (each.permission, each.fate) for name, each in tools.items()} == {
        "cancel_timer": ("act", "owner"),
        "change_timer": ("act", "owner"),
        "list_timers": ("read", "turn"),
        "set_alarm": ("act", "owner"),
        "set_reminder": ("act", "owner"),
        "set_timer": ("act", "owner"),
    }
    assert await tools["set_timer"].run({"seconds": "90", "label": None}) == "Timer set for 1 minute and 30 seconds."


@pytest.mark.anyio
async def test_changing_the_length(world: World) -> None:
    await world.timers.set_timer(600, "tea")
    world.now += 60
    assert await world.timers.change_timer("extend", 300) == "Tea timer has 14 minutes left now."
    assert await world.timers.change_timer("shorten", 540, "tea") == "Tea timer has 5 minutes left now."
    assert await world.timers.change_timer("set", 60) == "Tea timer has 1 minute left now."
    assert world.timers.next_due_seconds() == 60
    for action, seconds in [("shorten", 60), ("extend", 10**9), ("extend", 0), ("set", -5)]:
        with pytest.raises(ToolError):
            await world.timers.change_timer(action, seconds)  # type: ignore[arg-type]
    assert world.timers.next_due_seconds() == 60


@pytest.mark.anyio
async def test_a_paused_timer_waits(world: World) -> None:
    await world.timers.set_timer(600, "tea")
    await world.timers.set_timer(5000)
    world.now += 60
    assert await world.timers.change_timer("pause", label="tea") == "Tea timer paused with 9 minutes left."
    world.now += 1000
    assert world.timers.due() == []
    assert await world.timers.list_timers("tea") == "Your tea timer is paused with 9 minutes left."
    assert await world.timers.change_timer("extend", 60, "tea") == "Tea timer has 10 minutes left now."
    assert await world.timers.change_timer("resume") == "Tea timer resumed with 10 minutes left."
    world.now += 600
    assert [timer.label for timer in world.timers.due()] == ["tea"]


@pytest.mark.anyio
async def test_an_unclear_change_asks_which(world: World) -> None:
    with pytest.raises(ToolError, match="no timers running"):
        await world.timers.change_timer("pause")
    await world.timers.set_timer(600, "tea")
    await world.timers.set_timer(60, "egg")
    with pytest.raises(ToolError, match="Which timer should I pause: the egg timer or the tea timer"):
        await world.timers.change_timer("pause")
    with pytest.raises(ToolError, match="no pizza timer running"):
        await world.timers.change_timer("pause", label="pizza")


@given(
    st.lists(st.tuples(st.integers(1, 86_400), st.sampled_from(["", "tea", "egg"]), st.floats(0, 5_000)), max_size=12)
)
def test_every_timer_rings_once_in_order(steps: list[tuple[int, str, float]]) -> None:
    world = World()
    rang = []
    for seconds, label, wait in steps:
        world.timers.start(seconds, label)
        world.now += wait
        rang += world.timers.due()
        assert all(timer.due_at > world.now for timer in world.timers.running)
    while (wait_seconds := world.timers.next_due_seconds()) is not None:
        world.now = math.nextafter(world.now + wait_seconds, math.inf)
        rang += world.timers.due()
    assert sorted(timer.number for timer in rang) == list(range(1, len(steps) + 1))
    assert tuple(rang) == world.timers.ringing


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (1, "1 second"),
        (60, "1 minute"),
        (600, "10 minutes"),
        (150, "2 minutes and 30 seconds"),
        (3600, "1 hour"),
        (5400, "an hour and a half"),
        (3723, "1 hour, 2 minutes and 3 seconds"),
        (86_400, "24 hours"),
        (0, "0 seconds"),
    ],
)
def test_durations(seconds: int, says: str) -> None:
    assert phrases.duration(seconds) == says


@pytest.mark.parametrize(
    ("seconds", "says"), [(0.0, "1 second"), (59.01, "1 minute"), (3599.5, "1 hour"), (3725.0, "1 hour and 2 minutes")]
)
def test_time_left(seconds: float, says: str) -> None:
    assert phrases.time_left(seconds) == says
