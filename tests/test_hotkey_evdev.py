"""The kernel's way, at the reader's edge: struct input_event through pipes, as no /dev/uinput makes keyboards here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.virtual_time import run_virtual, virtual_time
from voxspark.devices.hotkey.evdev import EVENT, KEY, SYN, SYN_DROPPED, SYN_REPORT, EvdevHotkey, Ioctl, Keyboards
from voxspark.errors import DeviceError
from voxspark.shortcuts import KEYS, parse_shortcut
from voxspark.types import KeyPressed, KeyReleased, KeyStroke

CTRL, RIGHT_CTRL, ALT, SPACE, A, SHIFT, F13 = (
    KEYS[name].code for name in ("leftctrl", "rightctrl", "leftalt", "space", "a", "leftshift", "f13")
)
UP, DOWN, REPEAT = 0, 1, 2
TALK, END = KeyPressed("talk"), KeyReleased("talk")


@dataclass
class Board:
    """Every pipe is a keyboard with these keys, of which these are down."""

    has: frozenset[int] = frozenset(key.code for key in KEYS.values())
    pressed: set[int] = field(default_factory=set)

    def codes(self, fd: int) -> frozenset[int]:
        return self.has

    def down(self, fd: int) -> frozenset[int]:
        return frozenset(self.pressed)


class Keyboard:
    """A pipe among the input devices."""

    def __init__(self, folder: Path, name: str = "event0") -> None:
        self.path = folder / name
        os.mkfifo(self.path)
        self._fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)

    def send(self, *keys: tuple[int, int]) -> None:
        """(code, value) each with its report, as keyboards send them."""
        for code, value in keys:
            self.raw((4, 4, 458_792), (KEY, code, value), (SYN, SYN_REPORT, 0))

    def raw(self, *events: tuple[int, int, int]) -> None:
        os.write(self._fd, b"".join(EVENT.pack(1, 2, *each) for each in events))

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self._fd)


@asynccontextmanager
async def watching(
    folder: Path, key: str, board: Board | None = None
) -> AsyncIterator[Callable[[], Awaitable[list[KeyStroke]]]]:
    """Its value waits for two (virtual) seconds, and has what came since the last time."""
    hotkey = EvdevHotkey({"talk": parse_shortcut(key)}, folder=folder, kernel=board or Board())
    came: list[KeyStroke] = []

    async def collect(strokes: AsyncIterator[KeyStroke]) -> None:
        async for stroke in strokes:
            came.append(stroke)  # noqa: PERF401 - seen while it goes on

    async def news() -> list[KeyStroke]:
        await anyio.sleep(2.0)
        some = came.copy()
        came.clear()
        return some

    async with hotkey.watch() as strokes, anyio.create_task_group() as group:
        group.start_soon(collect, strokes)
        yield news
        group.cancel_scope.cancel()


async def pressed(folder: Path, key: str, *keys: tuple[int, int], board: Board | None = None) -> list[KeyStroke]:
    """What comes of these keys on one keyboard."""
    keyboard = Keyboard(folder)
    async with watching(folder, key, board) as news:
        keyboard.send(*keys)
        return await news()


@pytest.mark.parametrize(
    ("key", "keys", "comes"),
    [
        ("f13", [(F13, DOWN), (F13, REPEAT), (F13, REPEAT), (F13, UP)], [TALK, END]),
        ("f13", [(A, DOWN), (F13, DOWN), (A, UP), (F13, UP)], [TALK, END]),
        ("f13", [(SHIFT, DOWN), (F13, DOWN), (F13, UP)], []),
        ("ctrl+alt+space", [(CTRL, DOWN), (ALT, DOWN), (SPACE, DOWN), (CTRL, UP), (SPACE, UP)], [TALK, END]),
        ("ctrl+space", [(RIGHT_CTRL, DOWN), (SPACE, DOWN), (SPACE, UP)], [TALK, END]),
        ("ctrl+space", [(CTRL, DOWN), (SHIFT, DOWN), (SPACE, DOWN), (SPACE, UP)], []),
        ("ctrl+space", [(CTRL, DOWN), (CTRL, UP), (SPACE, DOWN), (SPACE, UP)], []),
        ("ctrl+space", [(SPACE, DOWN), (CTRL, DOWN), (SPACE, UP)], []),
        ("rightctrl", [(RIGHT_CTRL, DOWN), (RIGHT_CTRL, UP)], [TALK, END]),
        ("f13", [(F13, UP)], []),
    ],
)
def test_keys(tmp_path: Path, key: str, keys: list[tuple[int, int]], comes: list[KeyStroke]) -> None:
    assert run_virtual(pressed, tmp_path, key, *keys) == comes


@virtual_time
async def test_a_modifier_that_was_down_before_counts(tmp_path: Path) -> None:
    board = Board(pressed={CTRL, A})
    assert await pressed(tmp_path, "ctrl+space", (SPACE, DOWN), (SPACE, UP), board=board) == [TALK, END]


@virtual_time
async def test_modifier_and_key_may_be_on_two_keyboards(tmp_path: Path) -> None:
    one, two = Keyboard(tmp_path), Keyboard(tmp_path, "event17")
    async with watching(tmp_path, "ctrl+space") as news:
        one.send((CTRL, DOWN))
        assert await news() == []
        two.send((SPACE, DOWN))
        assert await news() == [TALK]
        two.send((SPACE, UP))
        assert await news() == [END]


@virtual_time
async def test_a_new_keyboard_works_within_two_seconds_and_one_that_vanishes_lets_go(tmp_path: Path) -> None:
    first = Keyboard(tmp_path)
    async with watching(tmp_path, "f13") as news:
        second = Keyboard(tmp_path, "event1")
        second.send((F13, DOWN))
        assert await news() == [TALK]
        second.unplug()
        assert await news() == [END]
        second = Keyboard(tmp_path, "event1")
        second.send((F13, DOWN), (F13, UP))
        assert await news() == [TALK, END]
        first.unplug()
        second.unplug()
        assert await news() == []


@virtual_time
async def test_a_key_held_on_two_keyboards_is_up_with_the_second(tmp_path: Path) -> None:
    one, two = Keyboard(tmp_path), Keyboard(tmp_path, "event1")
    async with watching(tmp_path, "f13") as news:
        one.send((F13, DOWN))
        two.send((F13, DOWN))
        assert await news() == [TALK]
        one.send((F13, UP))
        assert await news() == []
        two.unplug()
        assert await news() == [END]


@pytest.mark.parametrize(("now", "comes"), [(set(), [TALK, END]), ({F13}, [TALK])])
def test_after_lost_events_the_keyboard_is_asked(tmp_path: Path, now: set[int], comes: list[KeyStroke]) -> None:
    async def run() -> list[KeyStroke]:
        keyboard, board = Keyboard(tmp_path), Board()
        async with watching(tmp_path, "f13", board) as news:
            keyboard.send((F13, DOWN))
            got = await news()
            board.pressed = now
            keyboard.raw((SYN, SYN_DROPPED, 0), (KEY, F13, UP), (KEY, F13, DOWN), (SYN, SYN_REPORT, 0))
            return got + await news()

    assert run_virtual(run) == comes


@virtual_time
async def test_other_keys_are_not_kept(tmp_path: Path) -> None:
    keyboard, typed = Keyboard(tmp_path), [KEYS[letter].code for letter in "secret"]
    boards = Keyboards({"talk": parse_shortcut("f13")}, tmp_path, Board(pressed={A}))
    boards.scan()
    async with aclosing(boards.strokes()) as strokes:
        keyboard.send(*((code, DOWN) for code in typed), (F13, DOWN))
        assert await anext(strokes) == TALK
        assert boards._down == {fd: {F13} for fd in boards._down}
    boards.close()


@virtual_time
async def test_a_device_without_such_keys_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_and_note(path: Path, flags: int) -> int:
        opened.append(path.name)
        return real(path, flags)

    Keyboard(tmp_path, "event3")
    mouse, real = Board(has=frozenset({0x110})), os.open
    boards = Keyboards({"talk": parse_shortcut("f13")}, tmp_path, mouse)
    monkeypatch.setattr(os, "open", open_and_note)
    for _ in range(3):
        boards.scan()
    assert opened == ["event3"]
    with pytest.raises(DeviceError) as caught:
        boards.check()
    assert caught.value.code == "hotkey-no-keyboard"
    boards.close()


@virtual_time
async def test_who_may_not_read_is_told_of_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path, flags: int) -> int:
        raise PermissionError(13, "denied", str(path))

    Keyboard(tmp_path)
    monkeypatch.setattr(os, "open", deny)
    with pytest.raises(DeviceError) as caught:
        async with watching(tmp_path, "f13"):
            raise AssertionError
    assert caught.value.code == "hotkey-not-allowed"
    assert "sudo usermod -aG input $USER" in caught.value.remedy
    assert "voxspark listen --toggle" in caught.value.remedy


@virtual_time
async def test_without_the_folder_there_is_no_keyboard(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no keyboard"):
        async with watching(tmp_path / "nowhere", "f13"):
            raise AssertionError


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@virtual_time
async def test_nothing_stays_open(tmp_path: Path) -> None:
    Keyboard(tmp_path)
    before = open_files()
    for _ in range(20):
        async with watching(tmp_path, "f13"):
            pass
    assert open_files() == before


def test_what_is_no_input_device_is_passed_over(tmp_path: Path) -> None:
    keyboard = Keyboard(tmp_path)
    boards = Keyboards({"talk": parse_shortcut("f13")}, tmp_path, Ioctl())
    boards.scan()
    with pytest.raises(DeviceError):
        boards.check()
    boards.close()
    keyboard.unplug()


KEY_EVENTS = st.tuples(st.just(KEY), st.sampled_from([F13, SHIFT, A]), st.integers(0, 3))
SYN_EVENTS = st.tuples(st.just(SYN), st.sampled_from([SYN_REPORT, SYN_DROPPED]), st.just(0))
ANY_EVENTS = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(-(2**31), 2**31 - 1))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(KEY_EVENTS, SYN_EVENTS, ANY_EVENTS), max_size=60))
def test_whatever_comes_presses_and_releases_alternate(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int, int]]
) -> None:
    async def run() -> list[KeyStroke]:
        folder = tmp_path_factory.mktemp("input")
        keyboard = Keyboard(folder)
        async with watching(folder, "f13") as news:
            keyboard.raw(*events)
            got = await news()
            keyboard.unplug()
            return got + await news()

    strokes = run_virtual(run)
    assert strokes == [TALK, END] * (len(strokes) // 2)
