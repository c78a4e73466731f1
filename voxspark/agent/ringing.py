"""What rings: announced again and again, between other turns, until somebody says stop or five minutes have passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from voxspark.events import TimerRang
from voxspark.protocols import Clock, Emit
from voxspark.tools.timers import Timers

TRY_AGAIN_SECONDS = 1.0
"""How often what rings asks to be announced."""

PAUSE_SECONDS = 3.0
"""Quiet after an announcement (or after whatever interrupted it), in which "stop" is heard."""

RING_FOR_SECONDS = 300.0


class Rings:
    """Collects timers as they come due and knows what to announce."""

    def __init__(self, timers: Timers, emit: Emit, clock: Clock) -> None:
        self._timers = timers
        self._emit = emit
        self._clock = clock
        self._changed = anyio.Event()
        self._quiet_until = float("-inf")
        timers.on_change = lambda: self._changed.set()

    async def run(self, announce: Callable[[], Awaitable[None]]) -> None:
        """Call `announce` when a timer is due, and again and again while one rings."""
        timers = self._timers
        while True:
            self._changed = anyio.Event()
            wait_seconds = timers.next_due_seconds()
            if timers.ringing:
                wait_seconds = min(TRY_AGAIN_SECONDS, TRY_AGAIN_SECONDS if wait_seconds is None else wait_seconds)
            with anyio.move_on_after(wait_seconds):
                await self._changed.wait()
            for timer in timers.due():
                self._emit(TimerRang(self._clock(), timer.name))
            if timers.ringing and self._clock() - timers.ringing[-1].due_at > RING_FOR_SECONDS:
                timers.dismiss()
            if timers.ringing:
                await announce()

    def announced(self) -> None:
        """An announcement is over, however it ended."""
        self._quiet_until = self._clock() + PAUSE_SECONDS

    @property
    def announcement(self) -> str:
        """What to say now; empty when nothing rings, or just did."""
        if self._clock() < self._quiet_until:
            return ""
        return " ".join(timer.announcement for timer in self._timers.ringing)
