"""What the manager is told while the daemon loads, lives and goes down."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from voxspark.errors import ConfigError
from voxspark.events import ConfigReloaded, Event, Failed, Ready, Stopping
from voxspark.service.notify import Notifier

log = logging.getLogger(__name__)

PULSES_PER_TIMEOUT = 3
"""The manager asks for at least two."""

STARVED_SECONDS = 60.0
"""How long an open microphone may give nothing, in spite of all tries, before a restart is the last one."""

PULSE_SECONDS = 5.0
"""Longest between two pulses."""

EXTENSION_SECONDS = 30.0
"""How much more time a pulse asks for while loading."""

LONGEST_LOADING_SECONDS = 1800.0
"""No more time is asked for then: it hangs. A team of 128 GB comes off a slow disk in less."""


class Supervision:
    """Tells the manager that the daemon is ready, alive and what it does."""

    def __init__(self, notifier: Notifier) -> None:
        self.notifier = notifier
        self._ready = False
        self._remark = ""

    @asynccontextmanager
    async def loading(self, tell: Callable[[str], None]) -> AsyncIterator[Callable[[str], None]]:
        """While open, the time for starting does not run out. What is told to the result goes to the manager too."""

        def told(message: str) -> None:
            self.notifier.status(message)
            tell(message)

        async with anyio.create_task_group() as group:
            group.start_soon(self._extend)
            yield told
            group.cancel_scope.cancel()

    async def _extend(self) -> None:
        with anyio.move_on_after(LONGEST_LOADING_SECONDS):
            while True:
                self.notifier.extend(EXTENSION_SECONDS)
                await anyio.sleep(EXTENSION_SECONDS / PULSES_PER_TIMEOUT)

    def note(self, event: Event, standing: Callable[[], str]) -> None:
        """Hear of an event; `standing` says in a few words what the daemon does now."""
        match event:
            case ConfigReloaded():
                self._remark = f"; needs a restart: {', '.join(event.needs_restart)}" * bool(event.needs_restart)
            case Failed(stage=ConfigError.stage):
                self._remark = f"; configuration not read: {event.message}"
        match event:
            case Ready():
                self._ready = True
                self.notifier.status(standing() + self._remark)
                self.notifier.ready()
            case Stopping():
                self._ready = False
                self.notifier.status(f"Going down ({event.reason})")
                self.notifier.stopping()
            case _ if self._ready:
                self.notifier.status(standing() + self._remark)

    async def pulse(self, starved_seconds: Callable[[], float]) -> None:
        """Keep the watchdog waiting as long as this loop runs and sound comes, until cancelled."""
        seconds = self.notifier.watchdog_seconds
        if not seconds:
            return
        while True:
            if starved_seconds() < STARVED_SECONDS:
                self.notifier.alive()
            elif self._ready:
                log.error("the microphone is open and gives nothing: the watchdog will restart me")
                self.notifier.status("The microphone gives no sound: to be restarted")
                return
            await anyio.sleep(min(seconds / PULSES_PER_TIMEOUT, PULSE_SECONDS))
