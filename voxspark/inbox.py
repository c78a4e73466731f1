"""Where everything that happens to the daemon comes in: one bounded queue with one reader."""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from voxspark.errors import ControlError
from voxspark.parts import Signal
from voxspark.types import Asked, SayRequested, ShutdownRequested

BOUND = 256
MOST_REQUESTS = 16
"""That may wait for the live turn."""


class Inbox:
    """Signals in the order they come; iterate to read them, inside `async with`."""

    def __init__(self) -> None:
        self._send, self._signals = anyio.create_memory_object_stream[Signal](BOUND)
        self._shutdown: ShutdownRequested | None = None
        self.unhandled = 0
        """Signals that came and were not dealt with; whoever reads counts down."""
        self.requests = 0
        """Questions and texts that were accepted and not begun; whoever begins them counts down."""

    async def __aenter__(self) -> Inbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._send.close()
        self._signals.close()

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Signal:
        if (shutdown := self._shutdown) is not None:
            self._shutdown = None
            return shutdown
        return await self._signals.receive()

    async def receive(self, signals: Iterable[Signal]) -> None:
        """From the daemon itself: waits while it is full."""
        for signal in signals:
            self.unhandled += 1
            await self._send.send(signal)

    def post(self, signal: Signal) -> None:
        """From code that may not wait. Raises ControlError when the daemon is that busy; a shutdown always gets in."""
        request = isinstance(signal, Asked | SayRequested)
        if request and self.requests >= MOST_REQUESTS:
            raise ControlError("busy", "I have too many questions waiting.", "Try again in a moment.")
        try:
            self._send.send_nowait(signal)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise ControlError("stopping", "I am going down.", "Start me again with: voxspark run") from None
        except anyio.WouldBlock:
            if not isinstance(signal, ShutdownRequested):
                raise ControlError("busy", "I am too busy right now.", "Try again in a moment.") from None
            self._shutdown = signal
        self.unhandled += 1
        self.requests += request
