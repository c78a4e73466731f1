"""The X server's way: a real one (Xvfb), whose keys xdotool presses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.control_fake import until
from tests.x_server import x_server
from voxspark.config_listening import HotkeySettings
from voxspark.devices.hotkey.ways import choose
from voxspark.devices.hotkey.x11 import X11Hotkey, keycodes
from voxspark.errors import DeviceError
from voxspark.events import Event
from voxspark.push_to_talk import PushToTalk, Stroke
from voxspark.shortcuts import KEYS, parse_shortcut
from voxspark.types import KeyPressed, KeyReleased, KeyStroke, Pressed, Released

pytestmark = [pytest.mark.anyio, pytest.mark.real]

TALK, END = KeyPressed("talk"), KeyReleased("talk")
REPEATS_SECONDS = 0.4


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with x_server("black") as display:
        subprocess.run(["xset", "-display", display, "r", "rate", "100", "50"], check=True)
        yield display


@pytest.fixture
def display(server: str) -> Iterator[str]:
    yield server
    subprocess.run(["setxkbmap", "-display", server, "us"], check=True)


class Keys:
    """The keys of the display, and what a hotkey makes of them."""

    def __init__(self, display: str) -> None:
        self._display = display
        self.came: list[KeyStroke] = []

    async def do(self, *words: str) -> None:
        """One of the programs that come with X."""
        await anyio.run_process(words, env={**os.environ, "DISPLAY": self._display})

    async def press(self, *keys: str) -> list[KeyStroke]:
        """Strike combinations; what came of them."""
        self.came.clear()
        await self.do("xdotool", "key", "--clearmodifiers", *keys)
        await self.do("xdotool", "getmouselocation")  # the server has done what was asked before
        await anyio.sleep(0.05)
        return self.came.copy()


@asynccontextmanager
async def watching(display: str, key: str, **more: str) -> AsyncIterator[Keys]:
    keys = Keys(display)

    async def collect(strokes: AsyncIterator[KeyStroke]) -> None:
        async for stroke in strokes:
            keys.came.append(stroke)

    shortcuts = {action: parse_shortcut(each) for action, each in {"talk": key, **more}.items()}
    async with X11Hotkey(shortcuts, display).watch() as strokes, anyio.create_task_group() as group:
        group.start_soon(collect, strokes)
        yield keys
        group.cancel_scope.cancel()


async def test_a_key_that_is_held_is_pressed_and_released_once(display: str) -> None:
    async with watching(display, "ctrl+alt+space") as keys:
        await keys.do("xdotool", "keydown", "ctrl", "keydown", "alt", "keydown", "space")
        await anyio.sleep(REPEATS_SECONDS)
        assert keys.came == [TALK]
        await keys.do("xdotool", "keyup", "ctrl", "keyup", "alt")
        await anyio.sleep(0.05)
        assert keys.came == [TALK]
        await keys.do("xdotool", "keyup", "space")
        await until(lambda: keys.came == [TALK, END])


@pytest.mark.parametrize(("key", "strikes"), [("pause", "Pause"), ("f13", "191"), ("rightctrl", "105")])
async def test_single_keys(display: str, key: str, strikes: str) -> None:
    async with watching(display, key) as keys:
        assert await keys.press(strikes) == [TALK, END]
        assert await keys.press("a", f"shift+{strikes}") == []


async def test_locks_do_not_matter(display: str) -> None:
    async with watching(display, "ctrl+space", mute="super+m") as keys:
        for lock in ("Num_Lock", "Caps_Lock", "Scroll_Lock", "Num_Lock", "Caps_Lock"):
            await keys.do("xdotool", "key", lock)
            assert await keys.press("ctrl+space") == [TALK, END]
            assert await keys.press("super+m") == [KeyPressed("mute"), KeyReleased("mute")]
            assert await keys.press("ctrl+alt+space", "space") == []


async def test_another_layout_is_followed_also_while_the_key_is_held(display: str) -> None:
    """On a German keyboard Z is where an American one has Y."""
    async with watching(display, "z") as keys:
        assert await keys.press("52") == [TALK, END]
        await keys.do("xdotool", "keydown", "52")
        await keys.do("setxkbmap", "de")
        await keys.do("xdotool", "keyup", "52")
        await until(lambda: keys.came == [TALK, END, TALK, END])
        assert await keys.press("52") == []
        assert await keys.press("29") == [TALK, END]
        await keys.do("setxkbmap", "ru")  # which has no Z: its place counts
        assert await keys.press("52") == [TALK, END]


async def test_a_key_that_another_program_has_is_told_and_is_ours_once_it_is_free(display: str) -> None:
    async with watching(display, "f14") as keys:
        with pytest.raises(DeviceError) as caught:
            async with watching(display, "f14"):
                raise AssertionError
        assert caught.value.code == "hotkey-taken"
        assert "hotkey.key" in caught.value.remedy
        assert await keys.press("192") == [TALK, END]
    async with watching(display, "f14") as keys:
        assert await keys.press("192") == [TALK, END]


async def test_the_server_restarts(tmp_path: Path) -> None:
    posted: list[Stroke] = []
    told: list[Event] = []
    environment: dict[str, str] = {}
    push = PushToTalk(
        HotkeySettings(key="f13"),
        posted.append,
        told.append,
        lambda: 1.0,
        choose=lambda settings: choose(settings, environment=environment),
    )
    async with anyio.create_task_group() as group:
        for _ in range(2):
            with x_server("black") as display:
                environment["DISPLAY"] = display
                posted.clear()
                if "push" not in environment:
                    group.start_soon(push.run)
                    environment["push"] = "runs"
                await until(lambda: push.state()["state"] == "open")
                await Keys(display).do("xdotool", "keydown", "191")
                await until(lambda: posted == [Pressed(1.0)])
            await until(lambda: posted == [Pressed(1.0), Released(1.0)])
            assert push.state()["state"].startswith("lost")
        group.cancel_scope.cancel()


async def test_without_a_server_it_says_so() -> None:
    for display in ("", ":9999", "nonsense"):
        with pytest.raises(DeviceError, match="can't reach the X server"):
            async with watching(display, "f13"):
                raise AssertionError


async def test_nothing_stays_open(display: str) -> None:
    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with watching(display, "f13"):
        pass
    before = files()
    for _ in range(20):
        async with watching(display, "f13"):
            pass
    assert files() == before


def test_a_key_that_no_keyboard_has() -> None:
    with pytest.raises(DeviceError, match="no key f13"):
        keycodes(KEYS["f13"], {9: [0xFF1B, 0], 111: [0, 0]})
    assert keycodes(KEYS["f13"], {111: [KEYS["up"].keysym], 191: [0x1008FF81]}) == [191]
