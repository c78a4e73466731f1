"""The little of libxcb that a key grab needs, by ctypes.

libxcb tells of errors and of a lost server, where libX11 ends the process.
"""

from __future__ import annotations

import sys
from ctypes import CDLL, POINTER, Structure, byref, c_char_p, c_int, c_ubyte, c_uint, c_uint16, c_uint32, c_void_p, cast
from ctypes import string_at as bytes_at
from functools import cache
from typing import Any

from voxspark.errors import DeviceError

X_ERROR, KEY_PRESS, KEY_RELEASE = 0, 2, 3
"""Types of events; the only others that come here tell of another layout."""
BAD_ACCESS = 10
ASYNCHRONOUS = 1
"""The grab does not freeze keyboard or pointer."""

CORE_KEYBOARD = 0x100
DETECTABLE_AUTO_REPEAT = 1
"""XkbPCF_DetectableAutoRepeatMask: a key that is held sends presses, and one release at the end."""

LAYOUT_EVENTS = 0b11
"""XkbNewKeyboardNotify and XkbMapNotify: a client of XKB is told of no others."""

KEYCODES_OFFSET = 34
"""Of the first and the last keycode, within xcb_setup_t."""
REPLY_BYTES = 32
"""Before the data of a reply."""


class _Cookie(Structure):
    _fields_ = (("sequence", c_uint),)


class _Screens(Structure):
    _fields_ = (("first", POINTER(c_uint32)), ("count", c_int), ("index", c_int))


@cache
def _libraries() -> tuple[Any, Any, Any]:
    """libxcb, its extension xkb, and libc, which frees. Raises DeviceError."""
    try:
        x, xkb, c = CDLL("libxcb.so.1"), CDLL("libxcb-xkb.so.1"), CDLL(None)
    except OSError as error:
        remedy = "Install the packages libxcb1 and libxcb-xkb1."
        raise DeviceError("hotkey-x11-missing", "A library of X11 is missing.", remedy) from error
    c.free.argtypes = (c_void_p,)
    x.xcb_connect.restype = c_void_p
    x.xcb_connect.argtypes = (c_char_p, POINTER(c_int))
    x.xcb_get_setup.restype = c_void_p
    x.xcb_setup_roots_iterator.restype = _Screens
    x.xcb_setup_roots_iterator.argtypes = (c_void_p,)
    for name in ("disconnect", "flush", "connection_has_error", "get_file_descriptor", "get_setup", "poll_for_event"):
        getattr(x, f"xcb_{name}").argtypes = (c_void_p,)
    x.xcb_poll_for_event.restype = c_void_p
    x.xcb_request_check.restype = c_void_p
    x.xcb_request_check.argtypes = (c_void_p, _Cookie)
    x.xcb_grab_key_checked.restype = _Cookie
    x.xcb_grab_key_checked.argtypes = (c_void_p, c_ubyte, c_uint32, c_uint16, c_ubyte, c_ubyte, c_ubyte)
    x.xcb_ungrab_key.restype = _Cookie
    x.xcb_ungrab_key.argtypes = (c_void_p, c_ubyte, c_uint32, c_uint16)
    x.xcb_get_keyboard_mapping.argtypes = (c_void_p, c_ubyte, c_ubyte)
    x.xcb_get_modifier_mapping.argtypes = (c_void_p,)
    xkb.xcb_xkb_use_extension.argtypes = (c_void_p, c_uint16, c_uint16)
    xkb.xcb_xkb_select_events.restype = _Cookie
    xkb.xcb_xkb_select_events.argtypes = (c_void_p, *(c_uint16,) * 6, c_void_p)
    xkb.xcb_xkb_per_client_flags.argtypes = (c_void_p, c_uint16, *(c_uint32,) * 5)
    for library, names in (
        (x, ("get_keyboard_mapping", "get_modifier_mapping")),
        (xkb, ("xkb_use_extension", "xkb_per_client_flags")),
    ):
        for name in names:
            getattr(library, f"xcb_{name}").restype = _Cookie
            reply = getattr(library, f"xcb_{name}_reply")
            reply.restype, reply.argtypes = c_void_p, (c_void_p, _Cookie, c_void_p)
    return x, xkb, c


class Server:
    """A connection to an X server. Every call but `close` raises DeviceError once the server is gone."""

    def __init__(self, display: str) -> None:
        """Blocks while it connects. Raises DeviceError."""
        self._x, self._xkb, self._c = _libraries()
        number = c_int()
        self._connection = self._x.xcb_connect(display.encode(), byref(number))
        if self._x.xcb_connection_has_error(self._connection):
            self.close()
            remedy = "Set DISPLAY and XAUTHORITY as in the desktop session."
            raise DeviceError("hotkey-no-display", "I can't reach the X server.", remedy)
        self.fd: int = self._x.xcb_get_file_descriptor(self._connection)
        setup = self._x.xcb_get_setup(self._connection)
        self.first_keycode, self.last_keycode = bytes_at(setup + KEYCODES_OFFSET, 2)
        self._root = self._x.xcb_setup_roots_iterator(setup).first[0]

    def close(self) -> None:
        """Let everything go that was grabbed."""
        self._x.xcb_disconnect(self._connection)

    def use_xkb(self) -> None:
        """From now on a key that is held is released only once, and changes of the layout are told. Blocks for a
        moment."""
        self._reply(self._xkb, "xkb_use_extension", 1, 0)
        flag = DETECTABLE_AUTO_REPEAT
        self._reply(self._xkb, "xkb_per_client_flags", CORE_KEYBOARD, flag, flag, 0, 0, 0)
        selected = (LAYOUT_EVENTS, 0, LAYOUT_EVENTS, 0, 0)
        self._xkb.xcb_xkb_select_events(self._connection, CORE_KEYBOARD, *selected, None)
        self._x.xcb_flush(self._connection)

    def grab_key(self, keycode: int, modifiers: int) -> int:
        """The X error, 0 when it is ours now. Blocks for a moment."""
        arguments = (1, self._root, modifiers, keycode, ASYNCHRONOUS, ASYNCHRONOUS)
        cookie = self._x.xcb_grab_key_checked(self._connection, *arguments)
        error = self._taken(self._x.xcb_request_check(self._connection, cookie))
        self._check()
        return error[1] if error else 0

    def ungrab_key(self, keycode: int, modifiers: int) -> None:
        """Let one key go."""
        self._x.xcb_ungrab_key(self._connection, keycode, self._root, modifiers)
        self._x.xcb_flush(self._connection)

    def symbols(self) -> dict[int, list[int]]:
        """Keycode to its keysyms, layout by layout, each without and with shift. Blocks for a moment."""
        count = self.last_keycode - self.first_keycode + 1
        each, words = self._reply(self._x, "get_keyboard_mapping", self.first_keycode, count)
        return {self.first_keycode + n: words[n * each : (n + 1) * each] for n in range(count)}

    def modifiers(self) -> list[list[int]]:
        """Keycodes of shift, lock, control and mod1 to mod5. Blocks for a moment."""
        each, words = self._reply(self._x, "get_modifier_mapping")
        codes = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
        return [[code for code in codes[n * each : (n + 1) * each] if code] for n in range(8)]

    def event(self) -> bytes | None:
        """The next event that is there, of 32 bytes, or None."""
        event = self._taken(self._x.xcb_poll_for_event(self._connection))
        if event is None:
            self._check()
        return event

    def _reply(self, library: Any, name: str, *arguments: int) -> tuple[int, list[int]]:
        """Byte 1 of a reply, and the 32 bit words that follow it."""
        cookie = getattr(library, f"xcb_{name}")(self._connection, *arguments)
        reply = getattr(library, f"xcb_{name}_reply")(self._connection, cookie, None)
        if not reply:
            raise _lost()
        try:
            head = cast(reply, POINTER(c_uint32))
            words = head[REPLY_BYTES // 4 : REPLY_BYTES // 4 + head[1]]
            return bytes_at(reply, 2)[1], words
        finally:
            self._c.free(reply)

    def _taken(self, address: int | None) -> bytes | None:
        if not address:
            return None
        content = bytes_at(address, REPLY_BYTES)
        self._c.free(address)
        return content

    def _check(self) -> None:
        if self._x.xcb_connection_has_error(self._connection):
            raise _lost()


def _lost() -> DeviceError:
    return DeviceError("hotkey-display-lost", "The X server is gone.", "The hotkey works again once it is back.")
