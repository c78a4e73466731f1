"""Keys by the kernel's input devices (/dev/input/event*): on Wayland, and without a desktop.

Whoever may read them could read every key. Codes that are in no shortcut are dropped as they are read.
"""

from __future__ import annotations

import os
import select
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Set
from contextlib import asynccontextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Protocol

import anyio

from voxspark.errors import DeviceError
from voxspark.shortcuts import MODIFIER_KEYS, MODIFIERS, Modifier, Shortcut
from voxspark.types import KeyPressed, KeyReleased, KeyStroke

FOLDER = Path("/dev/input")

EVENT = struct.Struct("@llHHi")
"""struct input_event: seconds, microseconds, type, code, value."""

SYN, KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
UP, DOWN = 0, 1
"""2 is auto-repeat."""

READ_EVENTS = 64
KEY_BYTES = 96
"""A bit for each code up to KEY_MAX, 0x2ff."""

EVIOCGBIT_KEY = 2 << 30 | KEY_BYTES << 16 | ord("E") << 8 | 0x20 + KEY
EVIOCGKEY = 2 << 30 | KEY_BYTES << 16 | ord("E") << 8 | 0x18
"""linux/input.h, with the ioctl numbers of x86 and ARM."""

SCAN_SECONDS = 1.0
"""How often new keyboards are looked for: one that is plugged in works within 2 s."""


class Kernel(Protocol):
    """What a keyboard says of itself. Raises OSError."""

    def codes(self, fd: int) -> frozenset[int]:
        """The keys it has."""
        ...

    def down(self, fd: int) -> frozenset[int]:
        """The keys that are down now."""
        ...


class Ioctl:
    """The kernel's answers."""

    def codes(self, fd: int) -> frozenset[int]:
        """See `Kernel`."""
        return self._bits(fd, EVIOCGBIT_KEY)

    def down(self, fd: int) -> frozenset[int]:
        """See `Kernel`."""
        return self._bits(fd, EVIOCGKEY)

    def _bits(self, fd: int, request: int) -> frozenset[int]:
        bits = int.from_bytes(ioctl(fd, request, bytes(KEY_BYTES)), "little")
        return frozenset(code for code in range(8 * KEY_BYTES) if bits >> code & 1)


class EvdevHotkey:
    """Reads every keyboard in a folder of input devices."""

    way = "evdev"

    def __init__(
        self, shortcuts: Mapping[str, Shortcut], *, folder: Path = FOLDER, kernel: Kernel | None = None
    ) -> None:
        self._shortcuts = shortcuts
        self._folder = folder
        self._kernel = kernel or Ioctl()

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[AsyncIterator[KeyStroke], None]:
        """Its presses and releases. Raises DeviceError where no keyboard may be read, or there is none."""
        keyboards = Keyboards(self._shortcuts, self._folder, self._kernel)
        try:
            keyboards.scan()
            keyboards.check()
            yield keyboards.strokes()
        finally:
            keyboards.close()


class Keyboards:
    """Every keyboard that can send one of the keys, and which of them are down."""

    def __init__(self, shortcuts: Mapping[str, Shortcut], folder: Path, kernel: Kernel) -> None:
        self._shortcuts = shortcuts
        self._folder = folder
        self._kernel = kernel
        self._wanted = {shortcut.key.code for shortcut in shortcuts.values()}
        self._kept = self._wanted | {key.code for keys in MODIFIER_KEYS.values() for key in keys}
        self._open: dict[str, int] = {}
        """Name to descriptor."""
        self._passed_over: dict[str, tuple[int, int]] = {}
        """Name to inode and last change, of what is no keyboard or may not be read."""
        self._denied: set[str] = set()
        self._down: dict[int, set[int]] = {}
        """Descriptor to those of the codes that are down."""
        self._behind: set[int] = set()
        """Descriptors that lost events: what they send is wrong up to the next report."""
        self._held: dict[str, int] = {}
        """Action to the code that was pressed for it."""
        self._epoll = select.epoll()

    def close(self) -> None:
        """Let all of them go."""
        for fd in self._open.values():
            os.close(fd)
        self._epoll.close()

    def check(self) -> None:
        """Raises DeviceError where there is nothing to read."""
        if self._open:
            return
        if self._denied:
            join = "Join the group input: sudo usermod -aG input $USER, then log out and in again."
            remedy = f"{join} Or bind a key to this in the desktop's settings: voxspark listen --toggle"
            raise DeviceError("hotkey-not-allowed", "I may not read the keyboard.", remedy)
        remedy = f"Plug one in that has it. I look in {self._folder}."
        raise DeviceError("hotkey-no-keyboard", "There is no keyboard with the hotkey.", remedy)

    async def strokes(self) -> AsyncGenerator[KeyStroke, None]:
        """For ever: keyboards come and go."""
        next_scan = anyio.current_time() + SCAN_SECONDS
        while True:
            with anyio.move_on_at(next_scan):
                await anyio.wait_readable(self._epoll.fileno())
            for fd, _ in self._epoll.poll(0):
                for stroke in self._read(fd):
                    yield stroke
            if anyio.current_time() >= next_scan:
                self.scan()
                next_scan = anyio.current_time() + SCAN_SECONDS

    def scan(self) -> None:
        """Open what is new."""
        try:
            found = {entry.name: entry for entry in os.scandir(self._folder) if entry.name.startswith("event")}
        except OSError:
            found = {}
        self._denied &= found.keys()
        for name in found.keys() - self._open.keys():
            try:
                about = found[name].stat()
                mark = (about.st_ino, about.st_ctime_ns)
                if self._passed_over.get(name) != mark:
                    self._passed_over[name] = mark
                    self._try(name)
            except PermissionError:
                self._denied.add(name)
            except OSError:
                continue  # gone meanwhile, or not ready: a change of its permissions brings it back here

    def _try(self, name: str) -> None:
        """Open it where it has one of the keys. Opening and closing others again and again would wake them up."""
        fd = os.open(self._folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._denied.discard(name)
        try:
            if not self._kernel.codes(fd) & self._kept:
                os.close(fd)
                return
            self._down[fd] = set(self._kernel.down(fd) & self._kept)
            self._epoll.register(fd, select.EPOLLIN)
        except OSError:
            os.close(fd)
            raise
        self._open[name] = fd
        del self._passed_over[name]

    def _read(self, fd: int) -> Iterator[KeyStroke]:
        try:
            content = os.read(fd, READ_EVENTS * EVENT.size)
        except BlockingIOError:
            return
        except OSError:  # unplugged
            content = b""
        if not content:
            yield from self._lose(fd)
        for _, _, kind, code, value in EVENT.iter_unpack(content[: len(content) // EVENT.size * EVENT.size]):
            if kind == SYN and code == SYN_DROPPED:
                self._behind.add(fd)
            elif kind == SYN and code == SYN_REPORT and fd in self._behind:
                self._behind.discard(fd)
                yield from self._catch_up(fd)
            elif kind == KEY and code in self._kept and fd not in self._behind and value in (UP, DOWN):
                yield from self._press(fd, code) if value == DOWN else self._release(fd, code)

    def _lose(self, fd: int) -> Iterator[KeyStroke]:
        """It is gone: what was down on it is up."""
        self._epoll.unregister(fd)
        os.close(fd)
        self._open = {name: each for name, each in self._open.items() if each != fd}
        self._behind.discard(fd)
        for code in self._down[fd].copy():
            yield from self._release(fd, code)
        del self._down[fd]

    def _catch_up(self, fd: int) -> Iterator[KeyStroke]:
        """After a loss of events."""
        try:
            now = self._kernel.down(fd) & self._kept
        except OSError:
            now = frozenset()
        for code in self._down[fd] - now:
            yield from self._release(fd, code)
        for code in sorted(now - self._down[fd], key=self._wanted.__contains__):  # modifiers first
            yield from self._press(fd, code)

    def _press(self, fd: int, code: int) -> Iterator[KeyStroke]:
        self._down[fd].add(code)
        for action, shortcut in self._shortcuts.items():
            if action not in self._held and shortcut.key.code == code and shortcut.modifiers == self._modifiers(code):
                self._held[action] = code
                yield KeyPressed(action)

    def _release(self, fd: int, code: int) -> Iterator[KeyStroke]:
        self._down[fd].discard(code)
        if any(code in codes for codes in self._down.values()):
            return  # held on another keyboard
        for action in [action for action, held in self._held.items() if held == code]:
            del self._held[action]
            yield KeyReleased(action)

    def _modifiers(self, but: int) -> Set[Modifier]:
        """Those that are down on any keyboard, besides one key."""
        down = {code for codes in self._down.values() for code in codes} - {but}
        return {each for each in MODIFIERS if any(key.code in down for key in MODIFIER_KEYS[each])}
