"""What rings: announced again and again, between other turns, until somebody says stop or five minutes have passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio

from voxspark.bus import failed
from voxspark.errors import ToolError
from voxspark.events import TimerRang
from voxspark.protocols import Clock, Emit
from voxspark.tools.timers import Timers

TRY_AGAIN_SECONDS = 1.0
"""How often what rings asks to be announced."""

PAUSE_SECONDS = 3.0
"""Quiet after an announcement (or after whatever interrupted it), in which "stop" is heard."""

RING_FOR_SECONDS = 300.0

LOOK_AGAIN_SECONDS = 15.0
"""How soon it is noticed that the clock was set, that the machine has slept, or that the disk can be used again."""

Notify = Callable[[str], Coroutine[Any, Any, None]]
"""Shows a sentence on the desktop; handles its own errors."""


async def show_nothing(text: str) -> None:
    """Where there is no desktop."""


class Rings:
    """Collects timers as they come due and knows what to announce; an `Announcer`."""

    source = "timer"
    urgent = True

    def __init__(self, timers: Timers, emit: Emit, clock: Clock, notify: Notify = show_nothing) -> None:
        self._timers = timers
        self._emit = emit
        self._clock = clock
        self._notify = notify
        self._changed = anyio.Event()
        self._quiet_until = float("-inf")
        self._failure = ""
        timers.on_change = lambda: self._changed.set()

    async def run(self, announce: Callable[[], Awaitable[None]]) -> None:
        """Restore the timers; then call `announce` when one is due, and again and again while one rings."""
        timers = self._timers
        await self._try(timers.restore)
        async with anyio.create_task_group() as group:
            while True:
                with anyio.move_on_after(self._wait_seconds()):
                    await self._changed.wait()
                self._changed = anyio.Event()
                for timer in timers.due():
                    self._emit(TimerRang(self._clock(), timer.name))
                    group.start_soon(self._notify, timer.announcement)
                if timers.ringing and timers.ringing_seconds > RING_FOR_SECONDS:
                    timers.dismiss()
                if timers.ringing:
                    await announce()
                await self._try(timers.save)

    def _wait_seconds(self) -> float | None:
        wait_seconds = self._timers.next_due_seconds()
        if self._timers.ringing:
            return min(TRY_AGAIN_SECONDS, TRY_AGAIN_SECONDS if wait_seconds is None else wait_seconds)
        if wait_seconds is None:
            return None if self._timers.is_kept else LOOK_AGAIN_SECONDS
        return min(wait_seconds, LOOK_AGAIN_SECONDS)

    async def _try(self, call: Callable[[], Awaitable[None]]) -> None:
        """What is wrong with the disk is told once; the timers go on without it."""
        try:
            await call()
        except ToolError as error:
            if error.code != self._failure:
                self._emit(failed(error, self._clock()))
            self._failure = error.code
        else:
            self._failure = ""

    def announced(self, *, whole: bool) -> None:
        """An announcement is over, however it ended."""
        self._quiet_until = self._clock() + PAUSE_SECONDS

    def take(self) -> str:
        """What to say now; empty when nothing rings, or just did."""
        if self._clock() < self._quiet_until:
            return ""
        return " ".join(timer.announcement for timer in self._timers.ringing)
