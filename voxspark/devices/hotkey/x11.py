"""Keys of an X server, by passive grabs on its root window."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import combinations

import anyio
from anyio.to_thread import run_sync

from voxspark.devices.hotkey.xcb import BAD_ACCESS, KEY_PRESS, KEY_RELEASE, X_ERROR, Server
from voxspark.errors import DeviceError
from voxspark.shortcuts import KEYS, MODIFIER_KEYS, Key, Modifier, Shortcut
from voxspark.types import KeyPressed, KeyReleased, KeyStroke

SHIFT, LOCK, CONTROL = 1, 2, 4
NUM_LOCK_SYMBOL, SCROLL_LOCK_SYMBOL = 0xFF7F, 0xFF14
ALL_MODIFIERS = 0xFF
"""The rest of an event's state is buttons and the layout."""

EVDEV_OFFSET = 8
"""From the kernel's code to X11's, where the server takes its keys from the kernel."""


class X11Hotkey:
    """Grabs keys of the display of that name, for the actions they are for."""

    way = "x11"

    def __init__(self, shortcuts: Mapping[str, Shortcut], display: str) -> None:
        self._shortcuts = shortcuts
        self._display = display

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[AsyncIterator[KeyStroke], None]:
        """Its presses and releases. Raises DeviceError, `hotkey-taken` where another program has the key."""
        server = await run_sync(Server, self._display)
        try:
            grabs = Grabs(server, self._shortcuts)
            await run_sync(server.use_xkb)
            await run_sync(grabs.renew)
            yield grabs.strokes()
        finally:
            server.close()


class Grabs:
    """The grabs on one server."""

    def __init__(self, server: Server, shortcuts: Mapping[str, Shortcut]) -> None:
        self._server = server
        self._shortcuts = shortcuts
        self._actions: dict[tuple[int, int], str] = {}
        """(keycode, modifiers without locks) to what it is for."""
        self._locks = 0
        self._grabbed: set[tuple[int, int]] = set()
        self._held: dict[int, str] = {}
        """Keycode to what it was pressed for."""

    async def strokes(self) -> AsyncGenerator[KeyStroke, None]:
        """Until the server is gone, which raises DeviceError."""
        while True:
            changed = False
            while event := self._server.event():
                kind = event[0] & 0x7F
                changed |= kind not in (X_ERROR, KEY_PRESS, KEY_RELEASE)
                if (stroke := self._stroke(kind, event)) is not None:
                    yield stroke
            if changed:
                await run_sync(self.renew)
            else:
                await anyio.wait_readable(self._server.fd)

    def _stroke(self, kind: int, event: bytes) -> KeyStroke | None:
        keycode = event[1]
        if kind == KEY_PRESS and keycode not in self._held:
            state = int.from_bytes(event[28:30], sys.byteorder) & ALL_MODIFIERS & ~self._locks
            if (action := self._actions.get((keycode, state))) is not None:
                self._held[keycode] = action
                return KeyPressed(action)
        elif kind == KEY_RELEASE and keycode in self._held:
            return KeyReleased(self._held.pop(keycode))
        return None

    def renew(self) -> None:
        """Grab what the present layout asks for, and nothing else. Blocks for milliseconds. Raises DeviceError."""
        symbols, rows = self._server.symbols(), self._server.modifiers()
        num_lock, scroll_lock = (_mask(symbols, rows, each) for each in (NUM_LOCK_SYMBOL, SCROLL_LOCK_SYMBOL))
        self._locks = LOCK | num_lock | scroll_lock
        self._actions = {
            (keycode, _state(shortcut, symbols, rows)): action
            for action, shortcut in self._shortcuts.items()
            for keycode in keycodes(shortcut.key, symbols)
        }
        wanted = {
            (keycode, state | locks)
            for keycode, state in self._actions
            for locks in _subsets([LOCK, num_lock, scroll_lock])
        }
        for each in self._grabbed - wanted:
            self._server.ungrab_key(*each)
        for each in sorted(wanted - self._grabbed):
            if error := self._server.grab_key(*each):
                raise _refused(error, self._shortcuts[self._actions[each[0], each[1] & ~self._locks]])
        self._grabbed = wanted


def keycodes(key: Key, symbols: Mapping[int, list[int]]) -> list[int]:
    """The keys it is on, by the first layout that has it. Raises DeviceError.

    What no layout names (f13 and up are on most as other symbols) is found by its place, where the server numbers its
    keys as the kernel does.
    """
    for level in range(max(map(len, symbols.values()), default=0)):
        if found := [code for code, row in symbols.items() if level < len(row) and row[level] == key.keysym]:
            return found
    up, place = KEYS["up"], key.code + EVDEV_OFFSET
    if place in symbols and up.keysym in symbols.get(up.code + EVDEV_OFFSET, ()):
        return [place]
    remedy = "Choose another one in hotkey.key."
    raise DeviceError("hotkey-no-such-key", f"This keyboard has no key {key.name}.", remedy)


def _state(shortcut: Shortcut, symbols: Mapping[int, list[int]], rows: list[list[int]]) -> int:
    """The modifiers as X11 has them; alt and super are where the layout puts them."""
    masks: dict[Modifier, int] = {"shift": SHIFT, "ctrl": CONTROL}
    for name in ("alt", "super"):
        masks[name] = _mask(symbols, rows, *(key.keysym for key in MODIFIER_KEYS[name]))
    return sum(masks[each] for each in shortcut.modifiers)


def _mask(symbols: Mapping[int, list[int]], rows: list[list[int]], *wanted: int) -> int:
    """The first modifier that one of these symbols is on, by its bit; 0 where none is."""
    for number, row in enumerate(rows):
        if any(symbol in symbols.get(code, ()) for code in row for symbol in wanted):
            return 1 << number
    return 0


def _subsets(bits: list[int]) -> Iterator[int]:
    single = sorted({bit for bit in bits if bit})
    for count in range(len(single) + 1):
        for chosen in combinations(single, count):
            yield sum(chosen)


def _refused(error: int, shortcut: Shortcut) -> DeviceError:
    if error == BAD_ACCESS:
        remedy = "Choose another one in hotkey.key, or take it away from that program (it may be a running VoxSpark)."
        return DeviceError("hotkey-taken", f"Another program has the key {shortcut}.", remedy)
    return DeviceError("hotkey-refused-by-x11", f"The X server does not give me {shortcut}.", f"X error {error}.")
