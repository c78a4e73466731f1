"""A terminal that is drawn on: the alternate screen, single keys, and everything as it was afterwards."""

from __future__ import annotations

import shutil
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HOME, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


@contextmanager
def screen() -> Iterator[None]:
    """The alternate screen without a cursor; keys come one by one and are not shown."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        _write(ENTER)
        yield
    finally:
        _write(LEAVE)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def draw(text: str) -> None:
    """Over what was there, without flicker."""
    lines = f"{REST_OF_LINE}\n".join(text.split("\n"))
    _write(f"{HOME}{lines}{REST_OF_LINE}{REST_OF_SCREEN}")


def size() -> tuple[int, int]:
    """Columns and lines."""
    return shutil.get_terminal_size()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def until_key(keys: str) -> None:
    """Return when one of these is pressed, or the terminal is gone."""
    while True:
        await anyio.wait_readable(sys.stdin)
        if not (key := sys.stdin.read(1)) or key in keys:
            return


async def on_resize(act: Callable[[], Awaitable[None]]) -> None:
    """Whenever the window has another size."""
    with anyio.open_signal_receiver(signal.SIGWINCH) as signals:
        resized: AsyncIterator[signal.Signals] = signals
        async for _ in resized:
            await act()
