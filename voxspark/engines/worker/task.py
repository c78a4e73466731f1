"""A call, as the engine in a worker sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from voxspark.engines.worker.wire import WINDOW


@dataclass(slots=True, eq=False)
class Task:
    """One call, as the engine sees it."""

    params: dict[str, Any]
    payload: bytes
    _room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(WINDOW))
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _interrupt: Callable[[], object] = lambda: None

    @property
    def cancelled(self) -> bool:
        """Whether nobody reads on."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Nobody reads on."""
        self._cancelled.set()
        self._room.release()
        self._interrupt()

    def on_cancel(self, interrupt: Callable[[], object]) -> None:
        """Call this when the task is cancelled, from another thread, or now if it is already; perhaps twice."""
        self._interrupt = interrupt
        if self.cancelled:
            interrupt()

    def more(self) -> None:
        """The reader has taken an item."""
        self._room.release()

    def wait_for_room(self) -> bool:
        """Until the reader can take an item; False when it never will."""
        self._room.acquire()
        return not self.cancelled
