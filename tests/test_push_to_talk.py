"""The hotkey at work: what its strokes mean, and what happens when it is lost. On a jumping clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.virtual_time import run_virtual, virtual_time
from voxspark.config_listening import HotkeySettings
from voxspark.devices.hotkey.ways import Choice
from voxspark.errors import ControlError, DeviceError
from voxspark.events import DeviceChanged, Event, Failed
from voxspark.push_to_talk import PushToTalk, Stroke
from voxspark.types import KeyPressed, KeyReleased, KeyStroke, MuteRequested, Pressed, Released, Toggled

Signals = list[Stroke]
Step = float | KeyStroke | DeviceError

DOWN, UP = KeyPressed("talk"), KeyReleased("talk")
GONE = DeviceError("hotkey-display-lost", "The X server is gone.", "Wait.")
TAKEN = DeviceError("hotkey-taken", "Another program has the key f13.", "Choose another one.")
REFUSED = DeviceError("hotkey-refused", "The desktop did not allow me f13.", "Allow it.")


class FakeHotkey:
    """Each time it is watched it plays the next list: seconds to wait, strokes, an error. One that begins with an error
    cannot be watched at all."""

    way = "x11"

    def __init__(self, *plays: list[Step]) -> None:
        self._plays: Iterator[list[Step]] = iter(plays)
        self.watched_at: list[float] = []
        self.open = 0

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[AsyncIterator[KeyStroke], None]:
        self.watched_at.append(anyio.current_time())
        play = next(self._plays, [])
        if play and isinstance(play[0], DeviceError):
            raise play[0]
        self.open += 1
        try:
            yield self._strokes(play)
        finally:
            self.open -= 1

    async def _strokes(self, play: list[Step]) -> AsyncGenerator[KeyStroke, None]:
        for step in play:
            match step:
                case DeviceError():
                    raise step
                case KeyPressed() | KeyReleased():
                    yield step
                case _:
                    await anyio.sleep(step)
        await anyio.sleep_forever()


async def played(settings: HotkeySettings, hotkey: FakeHotkey, seconds: float = 60) -> tuple[Signals, list[Event]]:
    """What is posted and told within so long."""
    posted: Signals = []
    told: list[Event] = []

    async def choose(_: HotkeySettings) -> Choice:
        return Choice(hotkey, "it is there")

    push = PushToTalk(settings, posted.append, told.append, anyio.current_time, choose=choose)
    async with anyio.create_task_group() as group:
        await group.start(push.run)
        await anyio.sleep(seconds)
        group.cancel_scope.cancel()
    assert hotkey.open == 0
    return posted, told


HOLD = HotkeySettings(key="f13", mute_key="f14")
TOGGLE = HotkeySettings(key="f13", mode="toggle")


@pytest.mark.parametrize(
    ("settings", "play", "posted"),
    [
        (HOLD, [1, DOWN, 2, UP], [Pressed(1.0), Released(3.0)]),
        (TOGGLE, [1, DOWN, 2, UP, 1, DOWN, UP], [Toggled(1.0), Toggled(4.0)]),
        (HOLD, [1, KeyPressed("mute"), KeyReleased("mute")], [MuteRequested(None, "hotkey")]),
        (HOLD, [1, DOWN, 2, GONE], [Pressed(1.0), Released(3.0)]),
        (TOGGLE, [1, DOWN, 2, GONE], [Toggled(1.0)]),
    ],
)
def test_strokes_become_signals(settings: HotkeySettings, play: list[Step], posted: Signals) -> None:
    assert run_virtual(played, settings, FakeHotkey(play))[0] == posted


@virtual_time
async def test_a_lost_key_comes_back_and_is_told_once() -> None:
    hotkey = FakeHotkey([10, GONE], [GONE], [TAKEN], [TAKEN], [TAKEN], [1, DOWN, 1, UP])
    posted, told = await played(HOLD, hotkey)
    waits = [after - before for before, after in zip(hotkey.watched_at[1:], hotkey.watched_at[2:], strict=False)]
    assert waits == [0.5, 1.0, 2.0, 2.0]
    assert [type(event) for event in told] == [DeviceChanged, Failed, DeviceChanged, DeviceChanged]
    assert [event.code for event in told if isinstance(event, Failed)] == ["hotkey-display-lost"]
    assert len(posted) == 2


@virtual_time
async def test_a_user_who_refuses_is_not_asked_again() -> None:
    hotkey = FakeHotkey([REFUSED])
    await played(HOLD, hotkey, seconds=3600)
    assert hotkey.watched_at == [0.0]


@pytest.mark.parametrize("settings", [HotkeySettings(), HotkeySettings(engine="none", key="f13")])
def test_switched_off_it_watches_nothing(settings: HotkeySettings) -> None:
    hotkey = FakeHotkey()
    run_virtual(played, settings, hotkey)
    assert hotkey.watched_at == []


@virtual_time
async def test_its_state() -> None:
    hotkey = FakeHotkey([TAKEN], [5, REFUSED])

    async def chosen(_: HotkeySettings) -> Choice:
        return Choice(hotkey, "")

    push = PushToTalk(HOLD, lambda _: None, lambda _: None, anyio.current_time, choose=chosen)
    states = [push.state()["state"]]
    async with anyio.create_task_group() as group:
        await group.start(push.run)
        for seconds in (0.1, 1, 10):
            await anyio.sleep(seconds)
            states.append(push.state()["state"])
    assert states == ["opening", f"lost: {TAKEN.message}", "open", f"lost: {REFUSED.message}"]
    assert push.state() == {"engine": "x11", "key": "f13", "state": states[-1]}


@virtual_time
async def test_a_release_waits_for_a_busy_inbox_and_not_for_one_that_ends() -> None:
    posted: Signals = []
    answers = iter([None, "busy", "busy", None, "stopping"])

    def post(signal: Stroke) -> None:
        if (code := next(answers)) is not None:
            raise ControlError(code, "No.")
        posted.append(signal)

    async def choose(_: HotkeySettings) -> Choice:
        return Choice(FakeHotkey([DOWN, 1, UP, 1, DOWN]), "")

    push = PushToTalk(HOLD, post, lambda _: None, anyio.current_time, choose=choose)
    async with anyio.create_task_group() as group:
        await group.start(push.run)
        await anyio.sleep(5)
        group.cancel_scope.cancel()
    assert [type(signal) for signal in posted] == [Pressed, Released]
