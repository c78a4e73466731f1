"""A program that types its input into the focused window of an X server: `python -m voxspark.devices.x_typist <text`.

It uses the extension XTEST by libX11 and libXtst, in a process of its own, as libX11 ends the process whose server goes
away. A character that is on no key is put on a free one first. `xdotool` does so too, but for each character anew, and
loses those that a window looks up too late.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from ctypes import CDLL, POINTER, Structure, byref, c_char_p, c_int, c_ubyte, c_uint, c_ulong, c_ushort, c_void_p
from typing import Any

from voxspark.devices.keysyms import keysym

SETTLE_SECONDS = 0.2
"""For windows to learn what is on the keys, and to have read them before that changes again."""

STRIKE_SECONDS = 0.004

CORE_KEYBOARD = 0x100
CAPS_LOCK = 2
SHIFT = 0xFFE1


class State(Structure):
    """XkbStateRec of XKBstr.h."""

    _fields_ = (
        ("group", c_ubyte),
        ("locked_group", c_ubyte),
        ("other_groups", c_ushort * 2),
        ("mods", c_ubyte * 3),
        ("locked_mods", c_ubyte),
        ("compatible", c_ubyte * 5),
        ("pointer_buttons", c_ushort),
    )


class Keys:
    """The keys of the server that DISPLAY names. Raises OSError where it, or a library, is not there."""

    def __init__(self) -> None:
        self._x, self._test = _declared(CDLL("libX11.so.6")), CDLL("libXtst.so.6")
        self._test.XTestFakeKeyEvent.argtypes = (c_void_p, c_uint, c_int, c_ulong)
        self._test.XTestQueryExtension.argtypes = (c_void_p, *(POINTER(c_int),) * 4)
        self._display = self._x.XOpenDisplay(None)
        if not self._display:
            raise OSError("There is no display.")
        unused = [byref(c_int()) for _ in range(4)]
        if not self._test.XTestQueryExtension(self._display, *unused):
            raise OSError("The X server lets nobody type.")
        self._state = State()
        self._x.XkbGetState(self._display, CORE_KEYBOARD, byref(self._state))
        self._shift = self._x.XKeysymToKeycode(self._display, SHIFT)
        first, last = c_int(), c_int()
        self._x.XDisplayKeycodes(self._display, byref(first), byref(last))
        codes = range(first.value, last.value + 1)
        self.places: dict[int, tuple[int, bool]] = {}
        """Keysym to (key code, whether with shift), in the layout that is chosen."""
        for level in (0, 1):
            for code in codes:
                symbol = self._x.XkbKeycodeToKeysym(self._display, code, self._state.group, level)
                self.places.setdefault(symbol, (code, bool(level)))
        self.free = [code for code in codes if not any(self._symbols(code))]
        """Codes of keys with nothing on them."""

    def _symbols(self, code: int) -> Iterator[int]:
        for group, level in ((0, 0), (0, 1), (0, 2), (1, 0)):
            yield self._x.XkbKeycodeToKeysym(self._display, code, group, level)

    def type(self, text: str) -> None:
        """Whatever is on the keys, and whether capitals are locked, is as before then."""
        locked = self._state.locked_mods & CAPS_LOCK
        self._x.XkbLockModifiers(self._display, CORE_KEYBOARD, CAPS_LOCK, 0)
        try:
            for part, borrowed in parts(text, self.places, self.free):
                for symbol, code in borrowed.items():
                    self._put(code, symbol)
                self._settle(borrowed)
                for character in part:
                    symbol = keysym(character)
                    self._strike(*(borrowed[symbol], False) if symbol in borrowed else self.places[symbol])
                self._settle(borrowed)
                for code in borrowed.values():
                    self._put(code, 0)
        finally:
            self._x.XkbLockModifiers(self._display, CORE_KEYBOARD, CAPS_LOCK, locked)
            self._x.XCloseDisplay(self._display)

    def _put(self, code: int, symbol: int) -> None:
        self._x.XChangeKeyboardMapping(self._display, code, 2, (c_ulong * 2)(symbol, symbol), 1)

    def _settle(self, borrowed: Mapping[int, int]) -> None:
        self._x.XSync(self._display, 0)
        time.sleep(SETTLE_SECONDS if borrowed else 0.0)

    def _strike(self, code: int, shifted: bool) -> None:
        keys = [self._shift, code] if shifted else [code]
        for key in keys:
            self._test.XTestFakeKeyEvent(self._display, key, 1, 0)
        for key in reversed(keys):
            self._test.XTestFakeKeyEvent(self._display, key, 0, 0)
        self._x.XSync(self._display, 0)
        time.sleep(STRIKE_SECONDS)


def parts(
    text: str, places: Mapping[int, tuple[int, bool]], free: Sequence[int]
) -> Iterator[tuple[str, dict[int, int]]]:
    """(piece of the text, keysyms to put on free keys for it), as long pieces as the free keys allow."""
    piece, borrowed = "", dict[int, int]()
    for character in text:
        symbol = keysym(character)
        if symbol not in places and symbol not in borrowed:
            if not free:
                raise OSError("No key is free for what is to be typed.")
            if len(borrowed) == len(free):
                yield piece, borrowed
                piece, borrowed = "", {}
            borrowed[symbol] = free[len(borrowed)]
        piece += character
    yield piece, borrowed


def _declared(x: Any) -> Any:
    """libX11 with the types of what is used of it."""
    x.XOpenDisplay.restype = c_void_p
    x.XOpenDisplay.argtypes = (c_char_p,)
    x.XCloseDisplay.argtypes = (c_void_p,)
    x.XSync.argtypes = (c_void_p, c_int)
    x.XDisplayKeycodes.argtypes = (c_void_p, POINTER(c_int), POINTER(c_int))
    x.XkbGetState.argtypes = (c_void_p, c_uint, POINTER(State))
    x.XkbLockModifiers.argtypes = (c_void_p, c_uint, c_uint, c_uint)
    x.XkbKeycodeToKeysym.restype = c_ulong
    x.XkbKeycodeToKeysym.argtypes = (c_void_p, c_ubyte, c_int, c_int)
    x.XKeysymToKeycode.restype = c_ubyte
    x.XKeysymToKeycode.argtypes = (c_void_p, c_ulong)
    x.XChangeKeyboardMapping.argtypes = (c_void_p, c_int, c_int, POINTER(c_ulong), c_int)
    return x


def main() -> None:
    """Type what is on the standard input; says why not on the standard error."""
    try:
        Keys().type(sys.stdin.buffer.read().decode())
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
